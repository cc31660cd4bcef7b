// Matrix product with everything that TMCA puts after one: bias, positional rows, activation, residual, and the shuffled
// store that makes it a transposed convolution.

import { check } from '../../../errors/index.js';
import { type KernelCall, type KernelStorage, spread } from '../../kernel.js';
import { hardwareTuning, shapeClass } from '../../tuning.js';
import { ACTIVATION, type Activation, gemmTiles, shuffledDepth, shuffleUniforms } from '../shared/epilogue.js';
import { checkScale, elements, given } from '../shared/guard.js';
import { packed } from '../shared/packet.js';
import { checkRange, isVec4, type Range, whole } from '../shared/range.js';
import { bytesOf, checkSizes } from '../shared/sizes.js';
import source from './linear.wgsl?raw';
import skinny from './linear-skinny.wgsl?raw';

export interface LinearDims {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  /** Rows of the `rows` operand; row m of the output takes row m % period. */
  readonly period?: number;
  readonly activation?: Activation;
  /**
   * Rows are the pixels of maps height x width, and each becomes block x block pixels of n / block² channels, in DCR
   * order: a transposed convolution of that size and stride, its weight permuted to [(ky, kx, c_out), c_in].
   */
  readonly shuffle?: { readonly height: number; readonly width: number; readonly block: number } | null;
  /** Where the rows of x, residual and out lie, in elements; contiguous if not given. A shuffled store counts pixels. */
  readonly x?: Range;
  readonly residual?: Range;
  readonly out?: Range;
}

export interface LinearOperands<O> {
  /** [m, k], activations. */
  readonly x: O;
  /** [n, k] row-major, weights. */
  readonly weight: O;
  /** [n], f32. */
  readonly bias?: O | null;
  /** [period, n], f32; added before the activation. */
  readonly rows?: O | null;
  /** [m, n], activations; added after the activation. */
  readonly residual?: O | null;
  /** [n], f32; multiplies each column's sum before all else: what int8 weights are worth. */
  readonly scale?: O | null;
  /** [m, n], or [m * block², n / block²] shuffled; activations. */
  readonly out: O;
}

/**
 * out[m,n] = activation(scale[n] Σ_k x[m,k] weight[n,k] + bias[n] + rows[m % period, n]) + residual[m,n].
 *
 * Errors: BAD_ARGUMENT (a size, int8 weights without scale), SHAPE_MISMATCH (a pitch too short, a shuffle that does not divide).
 *
 * @example
 * linear({ m: 49, k: 768, n: 3072, activation: 'gelu' }, { x, weight, bias, out }, { act: 'f16', weight: 'f16' })
 */
export function linear<O>(dims: LinearDims, operands: LinearOperands<O>, storage: KernelStorage): KernelCall<O> {
  const { m, k, n, period = 1, activation = 'none', shuffle = null } = dims;
  const { x, weight, bias = null, rows = null, residual = null, scale = null, out } = operands;
  checkScale('linear', storage.weight, scale);
  const at = ranges(dims);
  const { variant, tiling, workgroups, cut } = choose(dims, at.x, storage);
  return {
    shader: { ...variant, act: storage.act, weight: storage.weight, ...tiling },
    uniforms: {
      ...{ m, k, n, strips: Math.ceil(k / 4), x_offset: at.x.offset, x_pitch: at.x.pitch },
      ...{ residual_offset: at.residual.offset, residual_pitch: at.residual.pitch },
      ...{ out_offset: at.out.offset, out_pitch: at.out.pitch, period, width: shuffle?.width ?? m },
      ...shuffleUniforms(shuffle && { block: shuffle.block, order: 'DCR' }),
      activation: ACTIVATION[activation],
      ...{ has_bias: given(bias), has_rows: given(rows), has_residual: given(residual), has_scale: given(scale) },
    },
    bindings: [
      { operand: x, access: 'read' },
      { operand: weight, access: 'read' },
      { operand: bias, access: 'read' },
      { operand: rows, access: 'read' },
      { operand: residual, access: 'read' },
      { operand: out, access: 'read_write' },
      { operand: scale, access: 'read' },
    ],
    workgroups,
    cut,
    cost: {
      flops: m * n * (2 * k + given(bias) + given(rows) + given(residual) + given(scale)),
      bytes:
        bytesOf(storage.act) * (m * k + m * n * (1 + given(residual))) +
        bytesOf(storage.weight) * n * k +
        4 * n * (given(bias) + given(scale) + given(rows) * Math.min(period, m)),
    },
  };
}

function ranges(dims: LinearDims): { x: Range; residual: Range; out: Range } {
  const { m, k, n, period = 1, shuffle = null } = dims;
  checkSizes('linear', { m, k, n, period });
  elements('linear', { n, k });
  const depth = shuffledDepth('linear', n, shuffle);
  if (shuffle !== null) {
    checkSizes('linear', { 'shuffle.height': shuffle.height, 'shuffle.width': shuffle.width });
    check(
      m % (shuffle.height * shuffle.width) === 0,
      'SHAPE_MISMATCH',
      () =>
        `linear: m must be whole maps of ${shuffle.height} x ${shuffle.width} pixels, got ${m}; correct the shuffle's size`,
    );
  }
  const { x = whole(k), residual = whole(n), out = whole(depth) } = dims;
  checkRange('linear', 'x', x, k);
  checkRange('linear', 'residual', residual, n);
  checkRange('linear', 'out', out, depth);
  return { x, residual, out };
}

function choose({ m, k, n }: LinearDims, x: Range, { act, weight, tuning = hardwareTuning }: KernelStorage) {
  const { knobs, lanes, choices } = tuning;
  const kernel = packed('linear', source, k % 4 === 0 && isVec4(x) ? 4 : 1);
  const shape = shapeClass(kernel.name, [act, weight], [m, n, k]);
  const choice = choices?.[shape];
  if (kernel.packet === 4 && (choice === undefined ? m <= knobs.linear.skinny && lanes === 0 : choice === 'skinny')) {
    const rows = m === 1 ? 1 : 8;
    return {
      variant: { name: 'linear-skinny', source: skinny },
      tiling: { tile: { TILE_M: rows } },
      workgroups: spread(Math.ceil(m / rows) * Math.ceil(n / 4)),
      cut: { shape, variant: 'skinny' },
    };
  }
  const { variant, ...tiles } = gemmTiles(m, n, tuning, knobs.linear, choice);
  const cut = { shape, variant };
  return { variant: kernel, ...tiles, cut };
}
