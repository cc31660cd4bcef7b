// Multi-head scaled dot-product attention in one dispatch, of separate or packed queries, keys and values.

import { check } from '../../../errors/index.js';
import { type KernelCall, type KernelStorage, spread } from '../../kernel.js';
import { hardwareTuning, shapeClass, type Tuning } from '../../tuning.js';
import { given } from '../shared/guard.js';
import { laneGroup } from '../shared/lane-group.js';
import { packed } from '../shared/packet.js';
import { checkRange, isVec4, type Range, whole } from '../shared/range.js';
import { bytesOf, checkSizes } from '../shared/sizes.js';
import source from './attention.wgsl?raw';

export interface AttentionDims {
  readonly batch: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads: number;
  /** 1 to 256. */
  readonly headDim: number;
  /**
   * Where the heads · headDim channels of a token lie, in elements; contiguous if not given. Tokens of one batch element
   * follow those of the one before, so packed [batch, queries, 3 C] is offsets 0, C, 2C and pitch 3C, bound three times.
   */
  readonly q?: Range;
  readonly k?: Range;
  readonly v?: Range;
}

export interface AttentionOperands<O> {
  /** [batch, queries, heads · headDim], activations. */
  readonly q: O;
  /** [batch, keys, heads · headDim], activations. */
  readonly k: O;
  readonly v: O;
  /** [batch, keys], i32; 0: not attended. */
  readonly mask?: O | null;
  /** [batch, queries, heads · headDim], activations. */
  readonly out: O;
}

const MAX_HEAD_DIM = 256;
const USUAL_HEAD_DIM = 192;

/**
 * out = softmax(q kᵀ / √headDim) v for every head, maximum, sum and accumulation in f32. Where a mask leaves no key at all
 * the result is zeros (a softmax over nothing; PyTorch gives NaN).
 *
 * Errors: BAD_ARGUMENT (a size), UNSUPPORTED (headDim over 256), SHAPE_MISMATCH (a pitch too short).
 *
 * @example
 * const C = 192;
 * const at = (i: number) => ({ offset: i * C, pitch: 3 * C });
 * attention(
 *   { batch: 1, queries: 784, keys: 784, heads: 4, headDim: 48, q: at(0), k: at(1), v: at(2) },
 *   { q: qkv, k: qkv, v: qkv, out }, { act: 'f16' })
 */
export function attention<O>(
  dims: AttentionDims,
  { q, k, v, mask = null, out }: AttentionOperands<O>,
  { act, tuning }: Pick<KernelStorage, 'act' | 'tuning'>,
): KernelCall<O> {
  const { batch, queries, keys, heads, headDim } = dims;
  checkSizes('attention', { batch, queries, keys, heads, headDim });
  check(
    headDim <= MAX_HEAD_DIM,
    'UNSUPPORTED',
    `attention: headDim must be at most ${MAX_HEAD_DIM}, got ${headDim}; use more heads`,
  );
  const channels = heads * headDim;
  const at = { q: dims.q ?? whole(channels), k: dims.k ?? whole(channels), v: dims.v ?? whole(channels) };
  for (const name of ['q', 'k', 'v'] as const) checkRange('attention', name, at[name], channels);
  const fast = headDim % 4 === 0 && isVec4(at.q) && isVec4(at.k) && isVec4(at.v);
  const kernel = packed('attention', source, fast ? 4 : 1);
  const shape = shapeClass(kernel.name, [act, headDim], [batch * heads, queries, keys]);
  const { tiles, pieces, variant, ...cut } = tiling(shape, queries, headDim, tuning);
  const byLanes = variant === 'lanes';
  return {
    shader: { ...kernel, act, ...cut },
    ...(byLanes ? {} : { constants: { has_mask: given(mask) } }),
    uniforms: {
      ...{ batch, queries, keys, heads, head_dim: headDim, strips: Math.ceil(headDim / 4) },
      ...{ q_offset: at.q.offset, q_pitch: at.q.pitch, k_offset: at.k.offset, k_pitch: at.k.pitch },
      ...{ v_offset: at.v.offset, v_pitch: at.v.pitch, scale: 1 / Math.sqrt(headDim) },
      ...(byLanes ? { has_mask: given(mask) } : {}),
    },
    bindings: [
      { operand: q, access: 'read' },
      { operand: k, access: 'read' },
      { operand: v, access: 'read' },
      { operand: mask, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil((batch * heads * tiles) / pieces)),
    cut: { shape, variant },
    cost: {
      // Two products, and about five operations a score for its softmax.
      flops: batch * heads * queries * keys * (4 * headDim + 5),
      bytes: batch * (2 * (queries + keys) * channels * bytesOf(act) + 4 * keys * given(mask)),
    },
  };
}

/** Vectors of output that an invocation may hold. */
const MAX_HELD = 16;

/** What include/attention-tile.wgsl or attention-lanes.wgsl must know, and the tiles of one head. */
function tiling(shape: string, queries: number, headDim: number, tuning: Tuning = hardwareTuning) {
  const { lanes, knobs, choices } = tuning;
  const { large, small, many } = knobs.attention;
  const strips = Math.ceil(headDim / 32);
  const wanted = queries >= many && (large / 8) * strips <= MAX_HELD ? large : small;
  const variant = choices?.[shape] ?? (lanes > 0 ? 'lanes' : `${wanted}`);
  if (variant === 'lanes') {
    // One pipeline for heads of usual sizes; what they don't need of the memory is zeroed all the same, which takes time to compile.
    const { tile: group, swap, pieces } = laneGroup(lanes);
    const tile = { ...group, PARTS: Math.ceil(Math.max(headDim, USUAL_HEAD_DIM) / (4 * lanes)) };
    const tiles = Math.ceil(queries / lanes);
    return { variant, tile, swap: { 'attention-tile': 'attention-lanes', ...swap }, tiles, pieces };
  }
  const each = Number(variant);
  return { variant, tile: { QUERIES: each / 8, STRIPS: strips }, tiles: Math.ceil(queries / each), pieces: 1 };
}
