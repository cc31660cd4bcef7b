// l2-normalize-gradient: what a row that was scaled to length 1 gets back.

import { type KernelCall, spread } from '../../kernel.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { checkPositive, elements } from '../shared/guard.js';
import { rowTile } from '../shared/row-tile.js';
import type { L2NormalizeDims } from './l2-normalize.js';
import source from './l2-normalize-gradient.wgsl?raw';

/**
 * out = dx of `l2Normalize`; x, dy, out [m,n], all f32.
 *
 * Errors: BAD_ARGUMENT (dimensions, eps), SHAPE_MISMATCH (too many elements), UNSUPPORTED (f16).
 *
 * @example
 * l2NormalizeGradient({ m: 32, n: 768, eps: 1e-12 }, { x, dy, out })
 */
export function l2NormalizeGradient<O>(
  { m, n, eps }: L2NormalizeDims,
  { x, dy, out }: { readonly x: O; readonly dy: O; readonly out: O },
  storage: GradientStorage = fp32,
): KernelCall<O> {
  checkFp32('l2NormalizeGradient', storage);
  const count = elements('l2NormalizeGradient', { m, n });
  checkPositive('l2NormalizeGradient', 'eps', eps);
  const tile = rowTile(n);
  return {
    shader: { name: 'l2-normalize-gradient', source, act: 'f32', tile },
    uniforms: { m, n, eps },
    bindings: [
      { operand: x, access: 'read' },
      { operand: dy, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil(m / tile.ROWS)),
    cost: { flops: 7 * count, bytes: 12 * count },
  };
}
