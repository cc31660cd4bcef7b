// The two kernels whose rates are an adapter's roofline.

import type { KernelCall } from '../gpu/kernel.js';
import { flatGroups, flatTile } from '../gpu/kernels/shared/flat-tile.js';
import multiplyAddSource from '../gpu/multiply-add.wgsl?raw';
import copySource from './copy.wgsl?raw';

export const THREADS = 1 << 15;
/** Multiply-adds of four numbers a round. */
const PER_ROUND = 16;

/** Nothing but `rounds` x 16 multiply-adds of four numbers in each of THREADS invocations; writes 16 bytes of each. */
export function multiplyAdd<O>(rounds: number, act: 'f32' | 'f16', out: O): KernelCall<O> {
  return {
    shader: { name: 'multiply-add', source: multiplyAddSource, act, tile: { GROUP: flatTile.GROUP } },
    // a factor below 1 and a small addend keep the chains finite in f16
    uniforms: { rounds, factor: 0.5, addend: 0.125 },
    bindings: [{ operand: out, access: 'read_write' }],
    workgroups: [THREADS / flatTile.GROUP, 1, 1],
    cost: { flops: THREADS * rounds * PER_ROUND * 4 * 2, bytes: 16 * THREADS },
  };
}

/** Copies x to y, of so many bytes. */
export function copy<O>(bytes: number, x: O, y: O): KernelCall<O> {
  const count = bytes / 16;
  return {
    shader: { name: 'copy', source: copySource, act: 'f32', tile: flatTile },
    uniforms: { count },
    bindings: [
      { operand: x, access: 'read' },
      { operand: y, access: 'read_write' },
    ],
    workgroups: flatGroups(count),
    cost: { flops: 0, bytes: 2 * bytes },
  };
}
