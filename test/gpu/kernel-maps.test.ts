// resize-bilinear, ltem, mask: kernels over maps.

import { describe, expect, test } from 'vitest';
import { type LtemDims, ltem } from '../../gpu/kernels/attention/ltem.js';
import { mask, maskProbability, maskWords } from '../../gpu/kernels/movement/mask.js';
import { type ResizeBilinearDims, resizeBilinear } from '../../gpu/kernels/movement/resize-bilinear.js';
import { normals } from '../numbers.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, runKernel, runKernels, tunedVariations, variations } from './harness.js';

const acts = (await variations()).filter(v => v.act === v.weight);

/** torch.nn.functional.interpolate(mode='bilinear', align_corners=False), NHWC. */
function interpolate(x: ArrayLike<number>, d: ResizeBilinearDims): number[] {
  const taps = (i: number, from: number, to: number) => {
    const at = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const low = Math.min(Math.floor(at), from - 1);
    return [low, Math.min(low + 1, from - 1), at - low] as const;
  };
  const out: number[] = [];
  for (let b = 0; b < d.batch; b++)
    for (let i = 0; i < d.outHeight; i++)
      for (let j = 0; j < d.outWidth; j++)
        for (let c = 0; c < d.channels; c++) {
          const [y0, y1, fy] = taps(i, d.height, d.outHeight);
          const [x0, x1, fx] = taps(j, d.width, d.outWidth);
          const at = (y: number, x_: number) => x[((b * d.height + y) * d.width + x_) * d.channels + c]!;
          const row = (y: number) => at(y, x0) * (1 - fx) + at(y, x1) * fx;
          out.push(row(y0) * (1 - fy) + row(y1) * fy);
        }
  return out;
}

describe.each(acts)('resize-bilinear, $name', ({ gpu, act }) => {
  test.each([
    { batch: 1, height: 1, width: 1, channels: 1, outHeight: 3, outWidth: 5 },
    { batch: 2, height: 7, width: 5, channels: 3, outHeight: 14, outWidth: 10 },
    { batch: 2, height: 3, width: 4, channels: 8, outHeight: 6, outWidth: 8 },
    { batch: 1, height: 13, width: 33, channels: 1, outHeight: 7, outWidth: 50 },
    { batch: 1, height: 5, width: 5, channels: 4, outHeight: 2, outWidth: 1 },
  ])('[$batch,$height,$width,$channels] to $outHeight x $outWidth', async dims => {
    const x = asStored(normals(dims.batch * dims.height * dims.width * dims.channels), act);
    const expected = interpolate(x, dims);
    const [y] = await runKernel(gpu, resizeBilinear(dims, { x: 0, out: 1 }, { act }), [
      { data: x, storage: act },
      { length: expected.length, storage: act },
    ]);
    expectClose(y!, expected, tolerance[act]);
  });
});

/** `ltem` of the paper's specification: eps 1e-12, softmax times the number of cells, bilinear x2. */
function ltemReference(
  x: Float32Array,
  text: Float32Array,
  { batch, height, width, channels, tau }: LtemDims,
): number[] {
  const cells = height * width;
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
  const length = (v: Float32Array) => Math.max(Math.sqrt(dot(v, v)), 1e-12);
  const gates = Array.from({ length: batch }, (_, b) => {
    const t = text.subarray(b * channels, (b + 1) * channels);
    const s = Array.from({ length: cells }, (_, n) => {
      const f = x.subarray((b * cells + n) * channels, (b * cells + n + 1) * channels);
      return dot(f, t) / (length(f) * length(t)) / tau;
    });
    const max = s.reduce((a, v) => Math.max(a, v));
    const total = s.reduce((a, v) => a + Math.exp(v - max), 0);
    return s.map(v => (Math.exp(v - max) / total) * cells);
  }).flat();
  return interpolate(gates, { batch, height, width, channels: 1, outHeight: 2 * height, outWidth: 2 * width });
}

describe.each((await tunedVariations()).filter(v => v.act === v.weight))('ltem, $name', ({ gpu, act, tuning }) => {
  test.each([
    { batch: 1, height: 1, width: 1, channels: 1, tau: 1 },
    { batch: 3, height: 7, width: 5, channels: 13, tau: 0.5 },
    { batch: 2, height: 7, width: 7, channels: 96, tau: 1 },
    // Low temperature: exp(1 / tau) alone would overflow.
    { batch: 1, height: 4, width: 9, channels: 8, tau: 0.005 },
    // Several workgroups a map, and thousands of cells.
    { batch: 1, height: 3, width: 1301, channels: 4, tau: 0.3 },
    { batch: 2, height: 61, width: 63, channels: 3, tau: 0.3 },
  ])('[$batch,$height,$width,$channels] tau $tau', async dims => {
    const { batch, height, width, channels } = dims;
    const x = asStored(normals(batch * height * width * channels, 1), act);
    const text = asStored(normals(batch * channels, 2), act);
    x.fill(0, 0, channels); // a cell of length 0
    const expected = ltemReference(x, text, dims);
    const calls = ltem(dims, { x: 0, text: 1, similarity: 2, out: 3 }, { act, tuning });
    const [, y] = await runKernels(gpu, calls, [
      { data: x, storage: act },
      { data: text, storage: act },
      { length: batch * height * width, storage: 'f32' },
      { length: expected.length, storage: act },
    ]);
    expectClose(y!, expected, tolerance[act]);
  });
});

describe.each(acts)('mask, $name', ({ gpu, act }) => {
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));

  test.each([
    { height: 7, width: 7, outHeight: 7, outWidth: 7, threshold: 0.5 },
    { height: 8, width: 8, outHeight: 13, outWidth: 21, threshold: 0.5 },
    { height: 9, width: 9, outHeight: 5, outWidth: 3, threshold: 0.3 },
    { height: 1, width: 1, outHeight: 1, outWidth: 2, threshold: 0 },
    { height: 6, width: 6, outHeight: 11, outWidth: 7, threshold: 0.7, from: 'probability' as const },
  ])('$height x $width to $outHeight x $outWidth at $threshold', async dims => {
    const { height, width, outHeight, outWidth, threshold } = dims;
    const raw = normals(height * width, 4).map(v => 3 * v);
    const x = asStored('from' in dims ? raw.map(sigmoid) : raw, act);
    const probability = 'from' in dims ? Array.from(x) : Array.from(x, sigmoid);
    const sampled = interpolate(probability, { batch: 1, height, width, channels: 1, outHeight, outWidth });
    const words = maskWords(outHeight, outWidth);
    const [packed] = await runKernel(gpu, mask(dims, { x: 0, out: 1 }, { act }), [
      { data: x, storage: act },
      // As f32, which the harness reads back bit by bit; its i32 are exact to 2^24 only.
      { length: words, storage: 'f32' },
    ]);

    const bytes = new Uint8Array(packed!.buffer);
    sampled.forEach((p, i) => {
      // On the edge of the threshold rounding decides.
      if (Math.abs(p - threshold) > 1e-5) expect(bytes[i], `pixel ${i}, probability ${p}`).toBe(Number(p >= threshold));
      else expect(bytes[i]).toBeLessThanOrEqual(1);
    });
    expect([...bytes.subarray(outHeight * outWidth)].every(byte => byte === 0)).toBe(true);
  });

  test('probabilities', async () => {
    const x = asStored([...normals(33).map(v => 3 * v), -200, 200, 0], act);
    const [p] = await runKernel(gpu, maskProbability({ count: x.length }, { x: 0, out: 1 }, { act }), [
      { data: x, storage: act },
      { length: x.length, storage: 'f32' },
    ]);
    expectClose(p!, Array.from(x, sigmoid), tolerance.f32);
  });
});
