// layer-norm: normalisation over the last axis, with what surrounds it in a transformer block folded in.

import { type Binding, f32, type KernelCall, spread, u32 } from '../kernel.js';
import { checkPositive, checkTogether, elements, given } from './guard.js';
import source from './layer-norm.wgsl?raw';
import pairSource from './layer-norm-pair.wgsl?raw';
import vec4Source from './layer-norm-vec4.wgsl?raw';
import { rowTile } from './row-tile.js';
import { bytesOf } from './sizes.js';

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
  dims: LayerNormDims,
  operands: LayerNormOperands<O>,
  storage: { act: 'f32' | 'f16' },
): KernelCall<O> {
  const fast = dims.c % 4 === 0;
  const { units, ...call } = parts('layerNorm', dims, operands, storage);
  return {
    ...call,
    shader: {
      name: fast ? 'layer-norm-vec4' : 'layer-norm',
      source: fast ? vec4Source : source,
      act: storage.act,
      tile: rowTile(units),
    },
    uniforms: [u32(dims.m), u32(units), f32(dims.eps)],
  };
}

/**
 * out as of `layerNorm`, and normalized = (out - mean) / sqrt(var + eps2) per row of it, without weights. One dispatch
 * where c divides by 4, else two.
 *
 * Errors: as of `layerNorm`.
 */
export function layerNormPair<O>(
  dims: LayerNormDims & { readonly eps2: number },
  operands: LayerNormOperands<O> & { readonly normalized: O },
  storage: { act: 'f32' | 'f16' },
): KernelCall<O>[] {
  const { m, c, eps, eps2 } = dims;
  checkPositive('layerNormPair', 'eps2', eps2);
  const { normalized, ...first } = operands;
  if (c % 4 !== 0)
    return [
      layerNorm(dims, first, storage),
      layerNorm({ m, c, eps: eps2 }, { x: operands.out, out: normalized }, storage),
    ];
  const { units, bindings, cost, ...call } = parts('layerNormPair', dims, first, storage);
  const shader = { name: 'layer-norm-pair', source: pairSource, act: storage.act, tile: rowTile(units) };
  return [
    {
      ...call,
      shader,
      uniforms: [u32(m), u32(units), f32(eps), f32(eps2)],
      bindings: [...bindings, { operand: normalized, access: 'read_write' }],
      cost: { flops: cost.flops + 8 * m * c, bytes: cost.bytes + m * c * bytesOf(storage.act) },
    },
  ];
}

/** What the forms share; `units`: loads a row. */
function parts<O>(
  where: string,
  { m, c, eps }: LayerNormDims,
  { x, pre, weight, bias, post, out }: LayerNormOperands<O>,
  { act }: { act: 'f32' | 'f16' },
) {
  checkPositive(where, 'eps', eps);
  checkTogether(where, 'weight and bias', weight, bias);
  const count = elements(where, { m, c });
  const units = c % 4 === 0 ? c / 4 : c;
  const inputs = [x, pre ?? null, weight ?? null, bias ?? null, post ?? null];
  const bindings: Binding<O>[] = inputs.map(operand => ({ operand, access: 'read' }));
  bindings.push({ operand: out, access: 'read_write' });
  const optional = given(pre) + given(post);
  return {
    units,
    constants: { has_pre: given(pre), has_affine: given(weight), has_post: given(post) },
    bindings,
    workgroups: spread(Math.ceil(m / rowTile(units).ROWS)),
    cost: {
      flops: count * (6 + 2 * given(weight) + optional),
      bytes: count * (2 + optional) * bytesOf(act) + 8 * c * given(weight),
    },
  };
}
