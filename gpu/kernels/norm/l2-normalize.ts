// l2-normalize: rows scaled to length 1.

import { type KernelCall, spread } from '../../kernel.js';
import { checkPositive, elements } from '../shared/guard.js';
import { rowTile } from '../shared/row-tile.js';
import { bytesOf } from '../shared/sizes.js';
import source from './l2-normalize.wgsl?raw';

export interface L2NormalizeDims {
  readonly m: number;
  readonly n: number;
  /** Rows shorter than this are divided by it instead. */
  readonly eps: number;
}

/**
 * out[m,:] = x[m,:] / max(|x[m,:]|, eps); x, out [m,n].
 *
 * Errors: BAD_ARGUMENT (dimensions, eps), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * l2Normalize({ m: 32, n: 768, eps: 1e-12 }, { x, out }, { act: 'f32' })
 */
export function l2Normalize<O>(
  { m, n, eps }: L2NormalizeDims,
  { x, out }: { x: O; out: O },
  { act }: { act: 'f32' | 'f16' },
): KernelCall<O> {
  const count = elements('l2Normalize', { m, n });
  checkPositive('l2Normalize', 'eps', eps);
  const tile = rowTile(n);
  return {
    shader: { name: 'l2-normalize', source, act, tile },
    uniforms: { m, n, eps },
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil(m / tile.ROWS)),
    cost: { flops: 3 * count, bytes: 2 * count * bytesOf(act) },
  };
}
