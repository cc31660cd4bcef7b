// Backward kernels promise the same bits at every run: `repeatable` runs them twice and compares, bit for bit.

import { expect } from 'vitest';
import type { GpuDevice } from '../../gpu/device.js';
import type { KernelCall } from '../../gpu/kernel.js';
import { runKernels, type TestBuffer } from './harness.js';

/** As `runKernels`, after two runs whose results are the same bits. */
export async function repeatable(
  gpu: GpuDevice,
  calls: readonly KernelCall<number>[],
  buffers: readonly TestBuffer[],
): Promise<Float32Array[]> {
  const first = await runKernels(gpu, calls, buffers);
  const second = await runKernels(gpu, calls, buffers);
  expect(second.map(bits), 'bits of a second run').toEqual(first.map(bits));
  return first;
}

const bits = ({ buffer, byteOffset, length }: Float32Array) => new Uint32Array(buffer, byteOffset, length);

/** The operand of a call's buffers by its index, among the results of `repeatable`. */
export function written(
  calls: readonly KernelCall<number>[],
  results: readonly Float32Array[],
  operand: number,
): Float32Array {
  const order = new Set(calls.flatMap(c => c.bindings.filter(b => b.access === 'read_write').map(b => b.operand!)));
  return results[[...order].indexOf(operand)]!;
}

/** An uninitialised f32 buffer; the harness fills it with NaN. Of length 0: one float, so that it exists. */
export const floats = (length: number): TestBuffer => ({ length: Math.max(1, length), storage: 'f32' });

export const given = (data: ArrayLike<number>): TestBuffer => ({ data, storage: 'f32' });
