// scale-by: a flat arena times a number, or clipped to a norm that only the device knows.

import { check } from '../../../errors/index.js';
import type { KernelCall } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { checkPositive, checkTogether, elements, given } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { checkSizes } from '../shared/sizes.js';
import source from './scale-by.wgsl?raw';

export interface ScaleByDims {
  readonly count: number;
  /** 1 if not given. One over the number of accumulated batches, say. */
  readonly factor?: number;
  /** Greatest norm after scaling; with `squares` or not at all. */
  readonly maxNorm?: number;
  /** Numbers in `squares`: parts that are clipped together. 1 if not given. */
  readonly parts?: number;
}

/**
 * x = x · factor in place, and clipped by global norm where `squares` ([parts] sums of squares of all that is clipped
 * together, before scaling, see `sumOfSquares`) is given: nothing needs to be read back. As torch's clip_grad_norm_ on
 * factor · x.
 *
 * Errors: BAD_ARGUMENT (a number out of range), SHAPE_MISMATCH (maxNorm without squares, too many elements).
 *
 * @example
 * scaleBy({ count, maxNorm: 1 }, { x: gradients, squares: norm })
 */
export function scaleBy<O>(
  { count, factor = 1, maxNorm, parts = 1 }: ScaleByDims,
  { x, squares = null }: { readonly x: O; readonly squares?: O | null },
): KernelCall<O> {
  elements('scaleBy', { count });
  checkSizes('scaleBy', { parts });
  check(Number.isFinite(factor), 'BAD_ARGUMENT', `scaleBy: factor must be finite, got ${factor}; correct the call`);
  checkTogether('scaleBy', 'maxNorm and squares', maxNorm, squares);
  if (maxNorm !== undefined) checkPositive('scaleBy', 'maxNorm', maxNorm);
  const packet = packetOf(count);
  return {
    shader: { ...packed('scale-by', source, packet), act: 'f32', tile: flatTile },
    constants: { has_squares: given(squares) },
    uniforms: { count: count / packet, parts, factor, max_norm: maxNorm ?? 0 },
    bindings: [
      { operand: squares, access: 'read' },
      { operand: x, access: 'read_write' },
    ],
    workgroups: flatGroups(count / packet),
    cost: { flops: count, bytes: 8 * count },
  };
}
