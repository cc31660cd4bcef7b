// What the kernels that are cut by the device must compute, in double precision on the host: small cases with awkward sizes,
// their inputs known. Independent of the kernels' own references in the tests, which are not shipped.

import type { KernelCall, KernelStorage, Storage } from '../kernel.js';
import { attention } from '../kernels/attention/attention.js';
import { conv2d } from '../kernels/convolution/conv2d.js';
import { depthwise } from '../kernels/convolution/depthwise.js';
import { depthwiseNorm } from '../kernels/convolution/depthwise-norm.js';
import { linear } from '../kernels/matmul/linear.js';
import type { DotTuning } from '../kernels/matmul/linear-dots.js';
import { known, known128 } from './numbers.js';
import type { ShapeClass } from './variants.js';

export interface TestOperand {
  readonly data: Float32Array<ArrayBuffer>;
  readonly storage: Storage;
}

/** Operands are numbered; the output follows them, and `expected` is what it must hold. */
export interface SelfTest {
  readonly calls: (tuning: DotTuning, temporary: (bytes: number) => number) => readonly KernelCall<number>[];
  readonly operands: readonly TestOperand[];
  readonly act: 'f32' | 'f16';
  readonly expected: Float64Array;
}

const leaky = (x: number): number => (x < 0 ? 0.01 * x : x);

function linearTest({ kernel, traits, sizes }: ShapeClass): SelfTest {
  const { act, weight } = storagesOf(traits);
  // More than the largest tile where there are many rows, a multiple of no tile; a strip that is not whole in `linear`.
  const m = sizes[0]! > 64 ? 139 : Math.min(sizes[0]!, 37);
  const [n, k] = [77, kernel === 'linear' ? 35 : 36];
  const whole = weight === 'i8';
  // For int8 weights, 128ths with 127 of them in each row: rounding a row to whole numbers then loses nothing.
  const x = whole ? known128(m, k) : known(m * k, 5);
  const w = known(n * k, 3, whole);
  const [bias, residual] = [known(n, 7), known(m * n, 11)];
  const scale = known(n, 2).map(s => 0.25 + Math.abs(s));
  const expected = Float64Array.from({ length: m * n }, (_, at) => {
    const [row, column] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let i = 0; i < k; i++) sum += x[row * k + i]! * w[column * k + i]!;
    return leaky((whole ? scale[column]! : 1) * sum + bias[column]!) + residual[at]!;
  });
  const operands = { x: 0, weight: 1, bias: 2, residual: 3, scale: whole ? 4 : null, out: 5 };
  return {
    act,
    calls(tuning, temporary) {
      const [dims, storage] = [{ m, n, k, activation: 'leakyRelu' } as const, { act, weight, tuning }];
      return tuning.dots?.(dims, operands, storage, temporary) ?? [linear(dims, operands, storage)];
    },
    operands: [of(x, act), of(w, weight), of(bias, 'f32'), of(residual, act), of(scale, 'f32')],
    expected,
  };
}

function conv2dTest({ kernel, traits }: ShapeClass): SelfTest {
  const { act, weight } = storagesOf(traits);
  const [height, width, n] = [9, 17, 70];
  const [c1, c2] = kernel === 'conv2d' ? [3, 2] : [8, 4];
  const [whole, c] = [weight === 'i8', c1 + c2];
  const [x, x2] = [known(height * width * c1, 5), known(height * width * c2, 7)];
  const [w, bias, gate] = [known(n * 9 * c, 3, whole), known(n, 11), known(height * width, 13)];
  const scale = known(n, 2).map(s => 0.25 + Math.abs(s));
  const expected = Float64Array.from({ length: height * width * n }, (_, at) => {
    const [pixel, o] = [Math.floor(at / n), at % n];
    let sum = 0;
    for (let tap = 0; tap < 9; tap++) {
      const [y, column] = [Math.floor(pixel / width) + Math.floor(tap / 3) - 1, (pixel % width) + (tap % 3) - 1];
      if (y < 0 || y >= height || column < 0 || column >= width) continue;
      const from = y * width + column;
      for (let i = 0; i < c; i++)
        sum += (i < c1 ? x[from * c1 + i]! : x2[from * c2 + i - c1]!) * w[(o * 9 + tap) * c + i]!;
    }
    return leaky((whole ? scale[o]! : 1) * sum + bias[o]!) * gate[pixel]!;
  });
  const sides = { batch: 1, height, width, outChannels: n, kernelHeight: 3, kernelWidth: 3, padding: 1 };
  const dims = { ...sides, channels: c1, channels2: c2, activation: 'leakyRelu' } as const;
  const operands = { x: 0, x2: 1, weight: 2, bias: 3, gate: 4, scale: whole ? 5 : null, out: 6 };
  return {
    act,
    calls: tuning => [conv2d(dims, operands, { act, weight, tuning })],
    operands: [of(x, act), of(x2, act), of(w, weight), of(bias, 'f32'), of(gate, act), of(scale, 'f32')],
    expected,
  };
}

function depthwiseTest({ traits, sizes }: ShapeClass, norm: boolean): SelfTest {
  const { act, weight } = storagesOf(traits);
  const channels = Number(traits[2]);
  const [kernelHeight = 1, kernelWidth = 1] = traits[3]!.split('x').map(Number);
  const [height, width] = [5, Math.max(3, Math.min(sizes[1]! - 1, 21))];
  const [x, w] = [known(height * width * channels, 5), known(kernelHeight * kernelWidth * channels, 3)];
  const bias = known(channels, 7);
  const sums = new Float64Array(height * width * channels);
  for (let at = 0; at < sums.length; at++) {
    const [pixel, c] = [Math.floor(at / channels), at % channels];
    let sum = bias[c]!;
    for (let tap = 0; tap < kernelHeight * kernelWidth; tap++) {
      const y = Math.floor(pixel / width) + Math.floor(tap / kernelWidth) - (kernelHeight >> 1);
      const column = (pixel % width) + (tap % kernelWidth) - (kernelWidth >> 1);
      if (y < 0 || y >= height || column < 0 || column >= width) continue;
      sum += x[(y * width + column) * channels + c]! * w[tap * channels + c]!;
    }
    sums[at] = sum;
  }
  const eps = 1e-3;
  if (norm) normalise(sums, channels, eps);
  const dims = { batch: 1, height, width, channels, kernelHeight, kernelWidth };
  const operands = { x: 0, weight: 1, bias: 2, out: 3 };
  return {
    act,
    calls: tuning => {
      const storage: KernelStorage = { act, weight, tuning };
      return [norm ? depthwiseNorm({ ...dims, eps }, operands, storage) : depthwise(dims, operands, storage)];
    },
    operands: [of(x, act), of(w, weight), of(bias, 'f32')],
    expected: sums,
  };
}

function normalise(rows: Float64Array, channels: number, eps: number): void {
  for (let at = 0; at < rows.length; at += channels) {
    const row = rows.subarray(at, at + channels);
    const mean = row.reduce((a, b) => a + b, 0) / channels;
    const variance = row.reduce((sum, y) => sum + (y - mean) ** 2, 0) / channels;
    for (const [i, y] of row.entries()) row[i] = (y - mean) / Math.sqrt(variance + eps);
  }
}

function attentionTest({ traits }: ShapeClass): SelfTest {
  const act = traits[0] as 'f32' | 'f16';
  const headDim = Number(traits[1]);
  const [queries, keys, heads] = [37, 45, 2];
  const channels = heads * headDim;
  const [q, k, v] = [known(queries * channels, 5), known(keys * channels, 3), known(keys * channels, 7)];
  const mask = known(keys, 1).map(x => (x === 0 ? 0 : 1));
  const expected = new Float64Array(queries * channels);
  for (let head = 0; head < heads; head++)
    for (let row = 0; row < queries; row++) {
      const at = (token: number) => token * channels + head * headDim;
      const scores = Array.from({ length: keys }, (_, key) => {
        let dot = 0;
        for (let i = 0; i < headDim; i++) dot += q[at(row) + i]! * k[at(key) + i]!;
        return mask[key] === 0 ? 0 : Math.exp(dot / Math.sqrt(headDim));
      });
      const total = scores.reduce((a, b) => a + b, 0);
      for (let i = 0; i < headDim; i++)
        expected[at(row) + i] = scores.reduce((sum, score, key) => sum + (score / total) * v[at(key) + i]!, 0);
    }
  const dims = { batch: 1, queries, keys, heads, headDim };
  return {
    act,
    calls: tuning => [attention(dims, { q: 0, k: 1, v: 2, mask: 3, out: 4 }, { act, tuning })],
    operands: [of(q, act), of(k, act), of(v, act), of(mask, 'i32')],
    expected,
  };
}

const of = (data: Float32Array<ArrayBuffer>, storage: Storage): TestOperand => ({ data, storage });

const storagesOf = ([act, weight]: readonly string[]) => ({ act, weight }) as Pick<KernelStorage, 'act' | 'weight'>;

/** The cases that a variant of the class must pass. */
export function selfTestsOf(shape: ShapeClass): readonly SelfTest[] {
  if (shape.kernel.startsWith('linear')) return [linearTest(shape)];
  if (shape.kernel.startsWith('conv2d')) return [conv2dTest(shape)];
  if (shape.kernel.startsWith('attention')) return [attentionTest(shape)];
  return [depthwiseTest(shape, true), depthwiseTest(shape, false)];
}
