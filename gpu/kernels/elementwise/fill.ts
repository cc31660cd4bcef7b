// fill: one number everywhere.

import { check } from '../../../errors/index.js';
import type { KernelCall } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import source from './fill.wgsl?raw';

/**
 * out[i] = value for `count` elements, f32.
 *
 * Errors: BAD_ARGUMENT (count, value), SHAPE_MISMATCH (too many elements), UNSUPPORTED (f16).
 *
 * @example
 * fill({ count: 30522 * 768, value: 0 }, { out })
 */
export function fill<O>(
  { count, value = 0 }: { readonly count: number; readonly value?: number },
  { out }: { readonly out: O },
  storage: GradientStorage = fp32,
): KernelCall<O> {
  checkFp32('fill', storage);
  elements('fill', { count });
  check(Number.isFinite(value), 'BAD_ARGUMENT', `fill: value must be finite, got ${value}; correct the call`);
  const packet = packetOf(count);
  return {
    shader: { ...packed('fill', source, packet), act: 'f32', tile: flatTile },
    uniforms: { count: count / packet, value },
    bindings: [{ operand: out, access: 'read_write' }],
    workgroups: flatGroups(count / packet),
    cost: { flops: count, bytes: 4 * count },
  };
}
