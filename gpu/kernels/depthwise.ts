// Depthwise convolution, alone or with the normalisation that follows it in a ConvNeXt block (depthwise-norm.ts).

import { check } from '../../errors/index.js';
import { f32, type KernelCall, type KernelStorage, spread, u32 } from '../kernel.js';
import { hardwareTuning, shapeClass } from '../tuning.js';
import general from './depthwise.wgsl?raw';
import vec4 from './depthwise-vec4.wgsl?raw';
import { checkScale, given } from './guard.js';
import { bytesOf, checkSizes } from './sizes.js';

export interface DepthwiseDims {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Odd; zeros outside the map keep its size. */
  readonly kernelHeight: number;
  readonly kernelWidth: number;
}

export interface DepthwiseOperands<O> {
  /** [batch, height, width, channels], activations. */
  readonly x: O;
  /** [kernelHeight, kernelWidth, channels], weights. */
  readonly weight: O;
  /** [channels], f32. */
  readonly bias?: O | null;
  /** As x. */
  readonly out: O;
}

/** The affine half of the norm: both or neither, [channels], f32. */
export interface NormOperands<O> {
  readonly normWeight?: O | null;
  readonly normBias?: O | null;
}

/**
 * out[b,y,x,c] = Σ x[b, y - ⌊kh/2⌋ + ky, x - ⌊kw/2⌋ + kx, c] weight[ky,kx,c] + bias[c].
 *
 * Errors: BAD_ARGUMENT (a size), UNSUPPORTED (an even kernel).
 *
 * @example
 * depthwise(
 *   { batch: 1, height: 56, width: 56, channels: 96, kernelHeight: 7, kernelWidth: 7 },
 *   { x, weight, bias, out }, { act: 'f16', weight: 'f16' })
 */
export function depthwise<O>(
  dims: DepthwiseDims,
  operands: DepthwiseOperands<O>,
  storage: KernelStorage,
): KernelCall<O> {
  return depthwiseCall('depthwise', dims, operands, storage);
}

/** With `eps`, the result is normalised over its channels, and takes the norm's affine half; with `flip`, taps are taken from last to first. */
export function depthwiseCall<O>(
  where: string,
  dims: DepthwiseDims,
  { x, weight, bias = null, normWeight = null, normBias = null, out }: DepthwiseOperands<O> & NormOperands<O>,
  storage: KernelStorage,
  { eps = null, flip = false }: { readonly eps?: number | null; readonly flip?: boolean } = {},
): KernelCall<O> {
  const { batch, height, width, channels, kernelHeight, kernelWidth } = dims;
  checkSizes(where, { batch, height, width, channels, kernelHeight, kernelWidth });
  check(
    kernelHeight % 2 === 1 && kernelWidth % 2 === 1,
    'UNSUPPORTED',
    `${where}: kernels must have odd sides, got ${kernelHeight} x ${kernelWidth}; pad the weight with zeros`,
  );
  checkScale(where, storage.weight, null); // whole numbers mean nothing to it
  const fast = channels % 4 === 0;
  const packets = fast ? channels / 4 : channels;
  const rows = batch * height;
  const kernel = fast ? { name: 'depthwise-vec4', source: vec4 } : { name: 'depthwise', source: general };
  const shape = shapeClass(
    kernel.name,
    [storage.act, storage.weight, channels, `${kernelHeight}x${kernelWidth}`],
    [rows, width],
  );
  const { tiling, byLanes, lanes, pixels, runs, workgroups } = cut(
    shape,
    { rows, width, packets, normalize: eps !== null },
    storage.tuning,
  );
  const constants = {
    kernel_height: kernelHeight,
    kernel_width: kernelWidth,
    has_bias: given(bias),
    normalize: Number(eps !== null),
    affine: given(normWeight),
    flip: Number(flip),
  };
  const count = rows * width * channels;
  const taps = kernelHeight * kernelWidth;
  return {
    shader: { ...kernel, act: storage.act, weight: storage.weight, ...tiling },
    ...(byLanes ? {} : { constants }),
    uniforms: [
      ...[rows, height, width, packets, channels, runs].map(u32),
      f32(eps ?? 0),
      ...(byLanes ? [lanes, pixels, ...Object.values(constants)] : []).map(u32),
    ],
    bindings: [
      { operand: x, access: 'read' },
      { operand: weight, access: 'read' },
      { operand: bias, access: 'read' },
      { operand: out, access: 'read_write' },
      { operand: normWeight, access: 'read' },
      { operand: normBias, access: 'read' },
    ],
    workgroups,
    cut: { shape, variant: `${pixels}` },
    cost: {
      flops: count * (2 * taps + given(bias) + (eps === null ? 0 : 5) + 2 * given(normWeight)),
      bytes:
        2 * count * bytesOf(storage.act) +
        taps * channels * bytesOf(storage.weight) +
        4 * channels * (given(bias) + 2 * given(normWeight)),
    },
  };
}

/** Pixels of a run that an invocation of include/depthwise-lanes.wgsl has registers for. */
const MOST_PIXELS = 16;

/** Packets that it has room for, in these steps: one pipeline for maps of many widths. */
const HELD_PACKETS = 4;

/** As many vectors of four as WGSL lets a function keep in an array: 8 KiB, MOST_PIXELS to a packet. */
const MOST_HELD = 32;

interface Runs {
  readonly rows: number;
  readonly width: number;
  readonly packets: number;
  readonly normalize: boolean;
}

/**
 * What include/depthwise-row.wgsl or depthwise-lanes.wgsl must know: as few idle lanes as powers of two allow, at least 8
 * lanes to a run.
 */
function cut(shape: string, { rows, width, packets, normalize }: Runs, tuning = hardwareTuning) {
  const candidates = packets >= 8 ? [64, 32, 16, 8] : [2 ** Math.ceil(Math.log2(packets))];
  const used = (lanes: number) => Math.ceil(packets / lanes) * lanes;
  const lanes = candidates.reduce((best, next) => (used(next) < used(best) ? next : best));
  const perLane = Math.ceil(packets / lanes);
  const groups = 64 / lanes;
  const count = (pixels: number) => Math.ceil((rows * Math.ceil(width / pixels)) / groups);
  const { pixels: most, enough } = tuning.knobs.depthwise;
  const long = perLane > 16 ? 1 : most; // normalisation holds perLane · pixels packets
  // Shorter runs read more and keep more of a GPU busy.
  const short = count(long) >= enough ? long : Math.ceil(long / 2);
  // On lanes, as many of one length as are needed: what a run has too many of its lanes would compute for nothing.
  const usual = tuning.lanes > 0 && long > 1 ? Math.ceil(width / Math.ceil(width / most)) : short;
  const pixels = Number(tuning.choices?.[shape] ?? usual);
  const held = normalize ? HELD_PACKETS * Math.ceil(perLane / HELD_PACKETS) : HELD_PACKETS;
  const byLanes = tuning.lanes > 0 && pixels <= MOST_PIXELS && held <= MOST_HELD;
  const tiling = byLanes
    ? { tile: { PIXELS: MOST_PIXELS, PACKETS: held }, swap: { 'depthwise-row': 'depthwise-lanes' } }
    : { tile: { LANES: lanes, GROUPS: groups, PIXELS: pixels, PACKETS: perLane } };
  return { tiling, byLanes, lanes, pixels, runs: Math.ceil(width / pixels), workgroups: spread(count(pixels)) };
}
