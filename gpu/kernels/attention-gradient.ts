// attention-gradient: what queries, keys and values get back, without a matrix of queries x keys in memory.

import { check } from '../../errors/index.js';
import { f32, type KernelCall, spread, u32 } from '../kernel.js';
import keyGeneral from './attention-gradient-key.wgsl?raw';
import keyVec4 from './attention-gradient-key-vec4.wgsl?raw';
import queryGeneral from './attention-gradient-query.wgsl?raw';
import queryVec4 from './attention-gradient-query-vec4.wgsl?raw';
import { checkFp32, fp32, type GradientStorage } from './gradient-storage.js';
import { elements, given } from './guard.js';
import { checkRange, isVec4, type Range, whole } from './range.js';
import { checkSizes } from './sizes.js';

export interface AttentionGradientDims {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  /** 1 to 256. */
  readonly headDim: number;
  /** Where the gradients' tokens lie, in elements, as of `attention`; contiguous if not given. They may share one buffer. */
  readonly dq?: Range;
  readonly dk?: Range;
  readonly dv?: Range;
}

export interface AttentionGradientOperands<O> {
  /** [batch, queries, heads · headDim]. */
  readonly q: O;
  /** [batch, keys, heads · headDim]. */
  readonly k: O;
  readonly v: O;
  /** [batch, keys], i32; 0: not attended. */
  readonly mask?: O | null;
  /** [batch, queries, heads · headDim]: the gradient of attention's output. */
  readonly dy: O;
  /** `attentionGradientStatistics(dims)` floats, for the time of the calls. */
  readonly statistics: O;
  /** As q. */
  readonly dq: O;
  /** As k. Without them, their calls are left out. */
  readonly dk?: O | null;
  readonly dv?: O | null;
}

/**
 * With P = softmax(q kᵀ / √headDim) and dP = dy vᵀ per head: dv = Pᵀ dy, dS = P ∘ (dP - rowsum(P ∘ dP)) / √headDim,
 * dq = dS k, dk = dSᵀ q; all f32. Up to three calls, dq's first: it leaves the statistics that the others recompute P from.
 * Every sum has one owner and one order: the same bits at every run. Where a mask leaves no key, gradients are zero.
 *
 * Errors: BAD_ARGUMENT (a size), UNSUPPORTED (headDim over 256, f16), SHAPE_MISMATCH (a pitch too short, too many elements).
 *
 * @example
 * const dims = { batch: 4, queries: 784, keys: 784, heads: 4, headDim: 48 };
 * const statistics = scratch(attentionGradientStatistics(dims));
 * const calls = attentionGradient(dims, { q, k, v, dy, statistics, dq, dk, dv });
 */
export function attentionGradient<O>(
  dims: AttentionGradientDims,
  operands: AttentionGradientOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O>[] {
  checkFp32('attentionGradient', storage);
  checkDims(dims);
  const { dq, dk = null, dv = null } = operands;
  const calls = [call(dims, operands, 'dq', dq)];
  if (dk !== null) calls.push(call(dims, operands, 'dk', dk));
  if (dv !== null) calls.push(call(dims, operands, 'dv', dv));
  return calls;
}

/** Floats that `attentionGradient` needs for statistics: two for every query and head. Errors: as of it. */
export function attentionGradientStatistics(dims: AttentionGradientDims): number {
  checkDims(dims);
  return 2 * dims.batch * dims.queries * dims.heads;
}

const MAX_HEAD_DIM = 256;

function checkDims({ batch, queries, keys, heads, headDim }: AttentionGradientDims): void {
  checkSizes('attentionGradient', { batch, queries, keys, heads, headDim });
  elements('attentionGradient', { batch, queries, heads, headDim });
  elements('attentionGradient', { batch, keys, heads, headDim });
  check(
    headDim <= MAX_HEAD_DIM,
    'UNSUPPORTED',
    `attentionGradient: headDim must be at most ${MAX_HEAD_DIM}, got ${headDim}; use more heads`,
  );
}

function call<O>(
  dims: AttentionGradientDims,
  { q, k, v, mask = null, dy, statistics }: AttentionGradientOperands<O>,
  kind: 'dq' | 'dk' | 'dv',
  out: O,
): KernelCall<O> {
  const { batch, queries, keys, heads, headDim } = dims;
  const channels = heads * headDim;
  const range = dims[kind] ?? whole(channels);
  checkRange('attentionGradient', kind, range, channels);
  const { tile, tiles } = tiling(kind === 'dq' ? queries : keys, headDim);
  // Products of headDim numbers for every query and key: dq makes the two for P and dP twice; dv needs no dP.
  const products = { dq: 5, dk: 3, dv: 2 }[kind];
  return {
    shader: { ...variant(kind, headDim % 4 === 0 && isVec4(range)), act: 'f32', tile },
    constants: { has_mask: given(mask), ...(kind !== 'dq' && { of_values: Number(kind === 'dv') }) },
    uniforms: [
      ...[batch, queries, keys, heads, headDim, Math.ceil(headDim / 4), range.offset, range.pitch].map(u32),
      f32(1 / Math.sqrt(headDim)),
    ],
    bindings: [
      { operand: q, access: 'read' },
      { operand: k, access: 'read' },
      { operand: v, access: 'read' },
      { operand: mask, access: 'read' },
      { operand: dy, access: 'read' },
      { operand: out, access: 'read_write' },
      { operand: statistics, access: kind === 'dq' ? 'read_write' : 'read' },
    ],
    workgroups: spread(batch * heads * tiles),
    cost: {
      flops: batch * heads * queries * keys * (2 * products * headDim + 5),
      bytes: 4 * batch * ((2 * queries + 2 * keys + (kind === 'dq' ? queries : keys)) * channels + 2 * queries * heads),
    },
  };
}

function variant(kind: 'dq' | 'dk' | 'dv', fast: boolean): { name: string; source: string } {
  if (kind === 'dq')
    return fast
      ? { name: 'attention-gradient-query-vec4', source: queryVec4 }
      : { name: 'attention-gradient-query', source: queryGeneral };
  return fast
    ? { name: 'attention-gradient-key-vec4', source: keyVec4 }
    : { name: 'attention-gradient-key', source: keyGeneral };
}

/** Rows from which a workgroup can take 32 of them and a GPU still has workgroups enough. */
const MANY_ROWS = 256;

/** Vectors of sums that an invocation may hold. */
const MAX_HELD = 16;

/** Tile constants of include/attention-gradient.wgsl, and the tiles of one head. */
function tiling(rows: number, headDim: number) {
  const strips = Math.ceil(headDim / 32);
  const perLine = rows >= MANY_ROWS && 4 * strips <= MAX_HELD ? 4 : 2;
  return { tile: { ROWS: perLine, STRIPS: strips }, tiles: Math.ceil(rows / (8 * perLine)) };
}
