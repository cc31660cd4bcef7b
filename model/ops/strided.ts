// Copies by strides: what permute, slice and concat share.

import type { KernelCall } from '../../gpu/kernel.js';
import { stridedCopy } from '../../gpu/kernels/strided-copy.js';
import { type Shape, sizeOf, type Tensor } from '../graph.js';
import type { NdArray, Operand } from '../rule.js';

export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/** out[i…] = x[offset + Σ i_k strides_k], on the host. */
export function copyStrided(x: Float64Array, strides: readonly number[], offset: number, out: NdArray): void {
  const index = new Array<number>(out.shape.length).fill(0);
  let from = offset;
  for (let i = 0; i < out.data.length; i++) {
    out.data[i] = x[from]!;
    for (let axis = index.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < out.shape[axis]!) break;
      from -= strides[axis]! * out.shape[axis]!;
      index[axis] = 0;
    }
  }
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
