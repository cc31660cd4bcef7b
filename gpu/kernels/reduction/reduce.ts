// reduce: sum, mean or max over the middle axis of [outer, n, inner].

import { type KernelCall, spread } from '../../kernel.js';
import { hardwareTuning, type Tuning } from '../../tuning.js';
import { caseOf, elements } from '../shared/guard.js';
import { bytesOf } from '../shared/sizes.js';
import source from './reduce.wgsl?raw';

const modes = ['sum', 'mean', 'max'] as const;

export interface ReduceDims {
  readonly outer: number;
  readonly n: number;
  readonly inner: number;
  readonly kind: (typeof modes)[number];
}

/**
 * out[o,i] = kind over k of x[o,k,i]; accumulated in f32 in a fixed order, so the result is the same at every run.
 * A long axis with few outputs (a bias gradient) is faster in two calls: view n as [parts, n / parts] and reduce twice.
 *
 * Errors: BAD_ARGUMENT (dimensions, kind), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * reduce({ outer: 2, n: 49, inner: 768, kind: 'mean' }, { x, out }, { act: 'f32' })
 */
export function reduce<O>(
  { outer, n, inner, kind }: ReduceDims,
  { x, out }: { x: O; out: O },
  { act, tuning = hardwareTuning }: { act: 'f32' | 'f16'; tuning?: Tuning | undefined },
): KernelCall<O> {
  const count = elements('reduce', { outer, n, inner });
  const outputs = outer * inner;
  const tile = tuning.lanes > 0 && n <= SHORT ? alone : reduceTile(n, inner, outputs);
  return {
    shader: { name: 'reduce', source, act, tile },
    constants: { mode: caseOf('reduce', modes, kind) },
    uniforms: { outputs, n, inner },
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil(outputs / tile.COLUMNS)),
    cost: { flops: count, bytes: (count + outputs) * bytesOf(act) },
  };
}

/** Up to so many numbers a lane of a CPU's vectors sums them alone, and its four sums still round as little as a tree's do. */
const SHORT = 512;
/** No slices: to a CPU a barrier costs more than the numbers between two. */
const alone = { COLUMNS: 64, SLICES: 1 } as const;

const powerBelow = (x: number): number => 2 ** Math.floor(Math.log2(Math.max(1, x)));

/**
 * COLUMNS outputs x SLICES threads for each, between 64 and 256 threads in all. Slices add threads where the outputs
 * alone are few, but never so many that a thread is left with under four numbers; a row of 32 or more inner elements is
 * read 32 at a time.
 */
function reduceTile(n: number, inner: number, outputs: number): { COLUMNS: number; SLICES: number } {
  const together = inner >= 32 ? 32 : 1;
  // Beyond 64 k threads in all a device is full; 8 slices still keep the reads of short rows together.
  const useful = Math.max(powerBelow(65536 / outputs), inner === 1 ? 8 : 1);
  const slices = Math.min(powerBelow(n / 4), useful, 256 / together);
  return { COLUMNS: Math.max(together, 64 / slices), SLICES: slices };
}
