// layer-norm: normalisation over the last axis, with what surrounds it in a transformer block folded in.

import { type Binding, type KernelCall, type KernelStorage, spread } from '../../kernel.js';
import { checkPositive, checkTogether, elements, given } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { rowCut } from '../shared/row-tile.js';
import { bytesOf } from '../shared/sizes.js';
import source from './layer-norm.wgsl?raw';

export interface LayerNormDims {
  /** Rows. */
  readonly m: number;
  /** Elements of a row. */
  readonly c: number;
  readonly eps: number;
}

export interface LayerNormOperands<O> {
  /** [m,c] act. */
  readonly x: O;
  /** [m,c] act, added before the norm. */
  readonly pre?: O | null;
  /** [c] f32; with `bias` or not at all. */
  readonly weight?: O | null;
  /** [c] f32. */
  readonly bias?: O | null;
  /** [m,c] act, added after the norm. */
  readonly post?: O | null;
  /** [m,c] act. */
  readonly out: O;
}

/**
 * out = (v - mean) / sqrt(var + eps) · weight + bias + post with v = x + pre, per row; population variance.
 *
 * Errors: BAD_ARGUMENT (dimensions, eps), SHAPE_MISMATCH (weight without bias, too many elements).
 *
 * @example
 * layerNorm({ m: 49, c: 768, eps: 1e-6 }, { x, weight, bias, out }, { act: 'f16' })
 */
export function layerNorm<O>(
  { m, c, eps }: LayerNormDims,
  { x, pre, weight, bias, post, out }: LayerNormOperands<O>,
  { act, tuning }: Pick<KernelStorage, 'act' | 'tuning'>,
): KernelCall<O> {
  checkPositive('layerNorm', 'eps', eps);
  checkTogether('layerNorm', 'weight and bias', weight, bias);
  const count = elements('layerNorm', { m, c });
  const packet = packetOf(c);
  const packets = c / packet;
  const { tiling, rows, lanes } = rowCut(packets, tuning, { 'layer-norm-row': 'layer-norm-row-lanes' });
  const inputs = [x, pre ?? null, weight ?? null, bias ?? null, post ?? null];
  const bindings: Binding<O>[] = inputs.map(operand => ({ operand, access: 'read' }));
  bindings.push({ operand: out, access: 'read_write' });
  const optional = given(pre) + given(post);
  return {
    shader: { ...packed('layer-norm', source, packet), act, ...tiling },
    uniforms: {
      ...{ m, packets, eps, count: c, rounds: 3, lanes },
      ...{ has_pre: given(pre), has_affine: given(weight), has_post: given(post) },
    },
    bindings,
    workgroups: spread(Math.ceil(m / rows)),
    cost: {
      flops: count * (6 + 2 * given(weight) + optional),
      bytes: count * (2 + optional) * bytesOf(act) + 8 * c * given(weight),
    },
  };
}
