// What the ops mean that no network computes at load: in double precision, as plainly as can be written. It is the oracle of the
// tests, with the meanings that ops carry themselves because constants of networks are computed by them (`Rule.reference`).

import type { Shape } from '../graph.js';
import type { HostNumbers, NdArray, Reference } from '../rule.js';
import type { AttentionAttrs } from './attention.js';
import type { Conv2dAttrs } from './conv2d.js';
import type { LayerNormAttrs } from './layer-norm.js';
import type { MaxPoolAttrs } from './max-pool.js';
import type { ResizeAttrs } from './resize.js';
import { last } from './shared/expect.js';
import type { SoftmaxAttrs } from './softmax.js';
import type { OpName } from './table.js';

/**
 * Calls `visit` for each query of each head that has something to attend to, with the offset of its q [b,n,h,0], the
 * offset of the batch's first key [b,0,h,0], and the probability of each key, 0 where masked; `p` is used again.
 */
export function probabilities(
  q: NdArray,
  k: NdArray,
  mask: NdArray | null,
  heads: number,
  visit: (row: number, column: number, p: Float64Array) => void,
): void {
  const [batch, queries, channels] = q.shape as [number, number, number];
  const keys = k.shape[1]!;
  const dim = channels / heads;
  const p = new Float64Array(keys);
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let n = 0; n < queries; n++) {
        const row = (b * queries + n) * channels + h * dim;
        const column = b * keys * channels + h * dim;
        let max = Number.NEGATIVE_INFINITY;
        for (let l = 0; l < keys; l++) {
          let dot = 0;
          for (let c = 0; c < dim; c++) dot += q.data[row + c]! * k.data[column + l * channels + c]!;
          p[l] = mask && mask.data[b * keys + l] === 0 ? Number.NEGATIVE_INFINITY : dot / Math.sqrt(dim);
          max = Math.max(max, p[l]!);
        }
        if (max === Number.NEGATIVE_INFINITY) continue;
        let sum = 0;
        for (let l = 0; l < keys; l++) sum += p[l] = Math.exp(p[l]! - max);
        for (let l = 0; l < keys; l++) p[l]! /= sum;
        visit(row, column, p);
      }
}

/**
 * Calls `visit` for each output pixel and each kernel place that meets the map rather than its padding, with the offsets
 * of x [b,y,x,0], W [0,ky,kx,0] and out [b,oy,ox,0]: the convolution and both its derivatives are sums over these.
 */
export function eachTap(
  x: Shape,
  w: Shape,
  out: Shape,
  { stride, padding }: Conv2dAttrs,
  visit: (x: number, w: number, out: number) => void,
): void {
  const [batch, height, width, channels] = x as [number, number, number, number];
  const [outChannels, kh, kw] = w as [number, number, number];
  const [, outHeight, outWidth] = out as [number, number, number];
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let oy = 0; oy < outHeight; oy++)
      for (let ox = 0; ox < outWidth; ox++, at += outChannels)
        for (let ky = 0; ky < kh; ky++) {
          const y = oy * stride + ky - padding;
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < kw; kx++) {
            const column = ox * stride + kx - padding;
            if (column < 0 || column >= width) continue;
            visit(((b * height + y) * width + column) * channels, (ky * kw + kx) * channels, at);
          }
        }
}

/**
 * Calls `visit` for each output pixel and each kernel place that meets the map, with the offsets of x [b,y,x,0],
 * W [ky,kx,0] and out [b,oy,ox,0]: the convolution and both its derivatives are sums over these.
 */
export function eachDepthwiseTap(map: Shape, w: Shape, visit: (x: number, w: number, out: number) => void): void {
  const [batch, height, width, channels] = map as [number, number, number, number];
  const [kh, kw] = w as [number, number];
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let oy = 0; oy < height; oy++)
      for (let ox = 0; ox < width; ox++, at += channels)
        for (let ky = 0; ky < kh; ky++) {
          const y = oy + ky - (kh >> 1);
          if (y < 0 || y >= height) continue;
          for (let kx = 0; kx < kw; kx++) {
            const column = ox + kx - (kw >> 1);
            if (column < 0 || column >= width) continue;
            visit(((b * height + y) * width + column) * channels, (ky * kw + kx) * channels, at);
          }
        }
}

/** Mean, and 1 / sqrt(var + eps). */
export function statistics(row: HostNumbers, eps: number): { mean: number; scale: number } {
  const mean = row.reduce((a, b) => a + b, 0) / row.length;
  const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / row.length;
  return { mean, scale: 1 / Math.sqrt(variance + eps) };
}

/** For each element of the pooled map, in order: where in x its largest number is, the first one in a row-major window. */
export function winners(x: NdArray, pooled: Shape, { size, stride, padding }: MaxPoolAttrs): Uint32Array {
  const [, height, width, channels] = x.shape as [number, number, number, number];
  const [batch, rows, columns] = pooled as [number, number, number, number];
  const found = new Uint32Array(batch * rows * columns * channels);
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (let row = 0; row < rows; row++)
      for (let column = 0; column < columns; column++)
        for (let c = 0; c < channels; c++) {
          let best = -1;
          for (let y = Math.max(row * stride - padding, 0); y < Math.min(row * stride - padding + size, height); y++)
            for (let i = Math.max(column * stride - padding, 0); ; i++) {
              if (i >= Math.min(column * stride - padding + size, width)) break;
              const place = ((b * height + y) * width + i) * channels + c;
              // As torch: a NaN wins over every number.
              if (best < 0 || x.data[place]! > x.data[best]! || Number.isNaN(x.data[place]!)) best = place;
            }
          found[at++] = best;
        }
  return found;
}

/** The two source positions of each target position, and the weight of the second. */
export function taps(from: number, to: number): { low: number; high: number; part: number }[] {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.max(((i + 0.5) * from) / to - 0.5, 0);
    const low = Math.min(Math.floor(at), from - 1);
    return { low, high: Math.min(low + 1, from - 1), part: at - low };
  });
}

const attention: Reference<AttentionAttrs> = ([q, k, v, mask], { heads }, out) => {
  const channels = q!.shape[2]!;
  const dim = channels / heads;
  probabilities(q!, k!, mask ?? null, heads, (row, column, p) => {
    for (let l = 0; l < p.length; l++)
      for (let c = 0; c < dim; c++) out.data[row + c]! += p[l]! * v!.data[column + l * channels + c]!;
  });
};

const conv2d: Reference<Conv2dAttrs> = ([x, w, bias], attrs, out) => {
  const [outChannels, kh, kw, channels] = w!.shape as [number, number, number, number];
  if (bias) for (let i = 0; i < out.data.length; i++) out.data[i] = bias.data[i % outChannels]!;
  const [from, by, to] = [x!.data, w!.data, out.data];
  eachTap(x!.shape, w!.shape, out.shape, attrs, (pixel, tap, at) => {
    for (let o = 0; o < outChannels; o++) {
      const weights = o * kh * kw * channels + tap;
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += from[pixel + c]! * by[weights + c]!;
      to[at + o]! += sum;
    }
  });
};

const depthwise: Reference<object> = ([x, w, bias], _attrs, out) => {
  const channels = out.shape[3]!;
  if (bias) for (let i = 0; i < out.data.length; i++) out.data[i] = bias.data[i % channels]!;
  eachDepthwiseTap(out.shape, w!.shape, (from, weights, to) => {
    for (let c = 0; c < channels; c++) out.data[to + c]! += x!.data[from + c]! * w!.data[weights + c]!;
  });
};

const layerNorm: Reference<LayerNormAttrs> = ([x, weight, bias], { eps }, out) => {
  const n = last(x!.shape);
  for (let at = 0; at < x!.data.length; at += n) {
    const row = x!.data.subarray(at, at + n);
    const { mean, scale } = statistics(row, eps);
    for (let i = 0; i < n; i++)
      out.data[at + i] = (row[i]! - mean) * scale * (weight?.data[i] ?? 1) + (bias?.data[i] ?? 0);
  }
};

const maxPool: Reference<MaxPoolAttrs> = ([x], attrs, out) => {
  winners(x!, out.shape, attrs).forEach((place, i) => {
    out.data[i] = x!.data[place]!;
  });
};

const resize: Reference<ResizeAttrs> = ([x], { height, width }, out) => {
  const [batch, fromHeight, fromWidth, channels] = x!.shape as [number, number, number, number];
  const [rows, columns] = [taps(fromHeight, height), taps(fromWidth, width)];
  let at = 0;
  for (let b = 0; b < batch; b++)
    for (const row of rows)
      for (const column of columns)
        for (let c = 0; c < channels; c++) {
          const read = (y: number, i: number) => x!.data[((b * fromHeight + y) * fromWidth + i) * channels + c]!;
          const top = read(row.low, column.low) * (1 - column.part) + read(row.low, column.high) * column.part;
          const bottom = read(row.high, column.low) * (1 - column.part) + read(row.high, column.high) * column.part;
          out.data[at++] = top * (1 - row.part) + bottom * row.part;
        }
};

const softmax: Reference<SoftmaxAttrs> = ([x], { log }, out) => {
  const n = last(x!.shape);
  for (let at = 0; at < x!.data.length; at += n) {
    const row = x!.data.subarray(at, at + n);
    const max = row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    const total = row.reduce((a, b) => a + Math.exp(b - max), 0);
    for (let i = 0; i < n; i++)
      out.data[at + i] = log ? row[i]! - max - Math.log(total) : Math.exp(row[i]! - max) / total;
  }
};

/** By op: those that carry no reference of their own. */
export const oracle: Partial<Readonly<Record<OpName, unknown>>> = {
  attention,
  conv2d,
  depthwise,
  layerNorm,
  maxPool,
  resize,
  softmax,
};
