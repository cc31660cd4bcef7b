// attention-gradient: what queries, keys and values get back, without a matrix of queries x keys in memory.

import { check } from '../../../errors/index.js';
import { type Binding, type KernelCall, type Shader, spread } from '../../kernel.js';
import { laneColumns } from '../../software/attention-lanes.js';
import { hardwareTuning, type Tuning } from '../../tuning.js';
import { gradientIncludes } from '../shared/gradient-includes.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements, given } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { checkRange, isVec4, type Range, whole } from '../shared/range.js';
import { checkSizes } from '../shared/sizes.js';
import sumsSource from './attention-gradient.wgsl?raw';
import statisticsSource from './attention-gradient-statistics.wgsl?raw';

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
  /** As q. Of the three, those that are not given are not computed. */
  readonly dq?: O | null;
  /** As k. */
  readonly dk?: O | null;
  readonly dv?: O | null;
}

/**
 * With P = softmax(q kᵀ / √headDim) and dP = dy vᵀ per head: dv = Pᵀ dy, dS = P ∘ (dP - rowsum(P ∘ dP)) / √headDim,
 * dq = dS k, dk = dSᵀ q; all f32. A call for the statistics from which the others recompute P, and one for each gradient.
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
  const calls = [statisticsCall(dims, operands, storage.tuning)];
  for (const kind of kinds) {
    const out = operands[kind] ?? null;
    if (out !== null) calls.push(sumsCall(dims, operands, kind, out, storage.tuning));
  }
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

/** The gradients, in the order of the cases of include/attention-gradient-sums.wgsl. */
const kinds = ['dq', 'dk', 'dv'] as const;

function statisticsCall<O>(
  dims: AttentionGradientDims,
  operands: AttentionGradientOperands<O>,
  tuning: Tuning | undefined,
): KernelCall<O> {
  const kernel = packed('attention-gradient-statistics', statisticsSource, packetOf(dims.headDim));
  const { statistics } = operands;
  const nowhere = { offset: 0, pitch: 0 };
  const { bindings, cut, ...call } = common(
    dims,
    operands,
    { rows: dims.queries, products: 2, range: nowhere },
    tuning,
  );
  const { ROWS, LANES } = cut.tile; // it holds no sums, so channels are not its matter
  const swap = LANES ? { ...cut.swap, 'attention-gradient-statistics': 'attention-gradient-statistics-lanes' } : {};
  return {
    ...call,
    shader: { ...kernel, includes: gradientIncludes, act: 'f32', tile: LANES ? { LANES } : { ROWS: ROWS! }, swap },
    bindings: [...bindings, { operand: statistics, access: 'read_write' }],
  };
}

function sumsCall<O>(
  dims: AttentionGradientDims,
  operands: AttentionGradientOperands<O>,
  kind: (typeof kinds)[number],
  out: O,
  tuning: Tuning | undefined,
): KernelCall<O> {
  const { queries, keys, heads, headDim } = dims;
  const range = dims[kind] ?? whole(heads * headDim);
  checkRange('attentionGradient', kind, range, heads * headDim);
  const packet = isVec4(range) ? packetOf(headDim) : 1;
  const kernel = packed('attention-gradient', sumsSource, packet);
  const rows = kind === 'dq' ? queries : keys;
  const products = kind === 'dv' ? 2 : 3;
  const { bindings, constants, cut, ...call } = common(dims, operands, { rows, products, range }, tuning);
  const single = packet === 4 ? { 'attention-gradient-single': 'attention-gradient-single-vec4' } : {};
  const swap = cut.swap && { ...cut.swap, ...single };
  return {
    ...call,
    shader: { ...kernel, includes: gradientIncludes, act: 'f32', tile: cut.tile, ...(swap && { swap }) },
    constants: { ...constants, kind: kinds.indexOf(kind) },
    bindings: [...bindings, { operand: operands.statistics, access: 'read' }, { operand: out, access: 'read_write' }],
  };
}

/** What the calls share. `products`: how many of headDim numbers each query and key take. */
function common<O>(
  { batch, queries, keys, heads, headDim }: AttentionGradientDims,
  { q, k, v, mask = null, dy }: AttentionGradientOperands<O>,
  { rows, products, range }: { readonly rows: number; readonly products: number; readonly range: Range },
  tuning: Tuning | undefined,
) {
  const { tiles, ...cut } = tiling(rows, headDim, tuning);
  return {
    cut,
    constants: { has_mask: given(mask) },
    uniforms: {
      ...{ batch, queries, keys, heads, head_dim: headDim, strips: Math.ceil(headDim / 4) },
      ...{ out_offset: range.offset, out_pitch: range.pitch, scale: 1 / Math.sqrt(headDim) },
    },
    bindings: [q, k, v, mask, dy].map((operand): Binding<O> => ({ operand, access: 'read' })),
    workgroups: spread(batch * heads * tiles),
    cost: {
      flops: batch * heads * queries * keys * (2 * products * headDim + 5),
      bytes: 4 * batch * heads * ((2 * queries + 2 * keys + rows) * headDim + 2 * queries),
    },
  };
}

/** Rows from which a workgroup can take 32 of them and a GPU still has workgroups enough. */
const MANY_ROWS = 256;

/** Vectors of sums that an invocation may hold. */
const MAX_HELD = 16;

interface Tiling extends Pick<Shader, 'swap'> {
  readonly tile: Readonly<Record<string, number>>;
  readonly tiles: number;
}

/** What include/attention-gradient-tile.wgsl and -sums.wgsl, or those for lanes, must know; and the tiles of one head. */
function tiling(rows: number, headDim: number, { lanes }: Tuning = hardwareTuning): Tiling {
  if (lanes > 1) {
    const swap = {
      'attention-gradient-tile': 'attention-gradient-lanes',
      'attention-gradient-sums': 'attention-gradient-sums-lanes',
    };
    return { tile: laneColumns(headDim, lanes), swap, tiles: Math.ceil(rows / lanes) };
  }
  const strips = Math.ceil(headDim / 32);
  const perLine = rows >= MANY_ROWS && 4 * strips <= MAX_HELD ? 4 : 2;
  return { tile: { ROWS: perLine, STRIPS: strips }, tiles: Math.ceil(rows / (8 * perLine)) };
}
