// softmax over the last axis, or its logarithm.

import { type KernelCall, spread } from '../../kernel.js';
import { elements } from '../shared/guard.js';
import { rowTile } from '../shared/row-tile.js';
import { bytesOf } from '../shared/sizes.js';
import source from './softmax.wgsl?raw';

export interface SoftmaxDims {
  readonly m: number;
  readonly n: number;
  /** True: the logarithm of the softmax. Default false. */
  readonly log?: boolean;
}

/**
 * out[m,:] = softmax(x[m,:]) or log_softmax; x, out [m,n].
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * softmax({ m: 32, n: 32, log: true }, { x, out }, { act: 'f32' })
 */
export function softmax<O>(
  { m, n, log = false }: SoftmaxDims,
  { x, out }: { x: O; out: O },
  { act }: { act: 'f32' | 'f16' },
): KernelCall<O> {
  const count = elements('softmax', { m, n });
  const tile = rowTile(n);
  return {
    shader: { name: 'softmax', source, act, tile },
    constants: { is_log: Number(log) },
    uniforms: { m, n },
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil(m / tile.ROWS)),
    cost: { flops: 6 * count, bytes: 2 * count * bytesOf(act) },
  };
}
