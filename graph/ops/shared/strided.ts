// Copies by strides: what permute, slice and concat share.

import type { KernelCall } from '../../../gpu/kernel.js';
import { stridedCopy } from '../../../gpu/kernels/movement/strided-copy.js';
import { type Shape, sizeOf, type Tensor } from '../../graph.js';
import type { HostNumbers, NdArray, Operand } from '../../rule.js';

export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * Calls `row` for each run along the last axis of `shape`: `at` its first element in row-major order, `a` and `b` where Σ i_k strides_k
 * has come to on either side. Loops over elements are the caller's, tight: folding a network passes through them tens of millions of times.
 */
export function eachRow(
  shape: Shape,
  [sa, sb]: readonly [readonly number[], readonly number[]],
  row: (at: number, a: number, b: number, n: number) => void,
): void {
  const n = shape.at(-1) ?? 1;
  const count = sizeOf(shape);
  const index = new Array<number>(Math.max(0, shape.length - 1)).fill(0);
  let [a, b] = [0, 0];
  for (let at = 0; at < count; at += n) {
    row(at, a, b, n);
    for (let axis = index.length - 1; axis >= 0; axis--) {
      a += sa[axis]!;
      b += sb[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      a -= sa[axis]! * shape[axis]!;
      b -= sb[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}

/** out[i…] = x[offset + Σ i_k strides_k], on the host. */
export function copyStrided(x: HostNumbers, strides: readonly number[], offset: number, out: NdArray): void {
  const { shape, data } = out;
  const step = strides.at(-1) ?? 0;
  eachRow(shape, [strides, strides], (at, a, _, n) => {
    for (let i = 0, from = offset + a; i < n; i++, from += step) data[at + i] = x[from]!;
  });
}

export function lowerStridedCopy(
  x: Tensor,
  strides: readonly number[],
  offset: number,
  out: Tensor,
  act: 'f32' | 'f16',
): KernelCall<Operand> {
  return stridedCopy<Operand>({ shape: out.shape, strides, offset }, { x, out }, { act });
}

/** One part of a concatenation: all of x, to `outOffset` within each outer row of `out`. */
export function lowerConcatPart(
  x: Tensor,
  axis: number,
  outOffset: number,
  out: Tensor,
  act: 'f32' | 'f16',
): KernelCall<Operand> {
  const outer = sizeOf(x.shape.slice(0, axis));
  const part = sizeOf(x.shape.slice(axis));
  const outPitch = sizeOf(out.shape.slice(axis));
  return stridedCopy<Operand>(
    { shape: [outer, part], strides: [part, 1], offset: 0, outStrides: [outPitch, 1], outOffset },
    { x, out },
    { act },
  );
}
