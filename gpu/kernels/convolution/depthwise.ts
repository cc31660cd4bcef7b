// Depthwise convolution, alone or with the normalisation that follows it in a ConvNeXt block (depthwise-norm.ts).

import { check } from '../../../errors/index.js';
import { type KernelCall, type KernelStorage, type Shader, spread } from '../../kernel.js';
import { hardwareTuning, shapeClass, type Tuning } from '../../tuning.js';
import { checkScale, given } from '../shared/guard.js';
import { laneGroup } from '../shared/lane-group.js';
import { packed, packetOf } from '../shared/packet.js';
import { bytesOf, checkSizes } from '../shared/sizes.js';
import source from './depthwise.wgsl?raw';

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
  const packet = packetOf(channels);
  const packets = channels / packet;
  const rows = batch * height;
  const kernel = packed('depthwise', source, packet);
  const shape = shapeClass(
    kernel.name,
    [storage.act, storage.weight, channels, `${kernelHeight}x${kernelWidth}`],
    [rows, width],
  );
  const { tiling, pixels, block, workgroups } = cut(
    shape,
    { rows, width, packets, normalize: eps !== null },
    storage.tuning,
  );
  const affine = given(normWeight);
  const numbers = { kernel_height: kernelHeight, kernel_width: kernelWidth, has_bias: given(bias), flip: Number(flip) };
  const count = rows * width * channels;
  const taps = kernelHeight * kernelWidth;
  return {
    shader: { ...kernel, act: storage.act, weight: storage.weight, ...tiling },
    constants: block ? { affine } : { ...numbers, normalize: Number(eps !== null), affine },
    uniforms: {
      ...{ rows, height, width, packets, channels, runs: Math.ceil(width / pixels), eps: eps ?? 0 },
      ...(block ? { pixels, block, first_round: eps === null ? 2 : 0, ...numbers } : {}),
    },
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
      flops: count * (2 * taps + given(bias) + (eps === null ? 0 : 5) + 2 * affine),
      bytes:
        2 * count * bytesOf(storage.act) +
        taps * channels * bytesOf(storage.weight) +
        4 * channels * (given(bias) + 2 * given(normWeight)),
    },
  };
}

/** Pixels of a run that an invocation of include/depthwise-lanes.wgsl has registers for. */
const MOST_PIXELS = 8;

/** Packets times pixels that it keeps in memory until their norm is known: zeroing more takes longer to compile than all the rest. */
const HELD = 96;
/** The same limit for an invocation that works alone and has all channels of a pixel, where these are more. */
const HELD_ALONE = 192;

interface Runs {
  readonly rows: number;
  readonly width: number;
  readonly packets: number;
  readonly normalize: boolean;
}

interface Work {
  readonly tiling: Pick<Shader, 'tile' | 'swap'>;
  readonly pixels: number;
  /** Packets that a subgroup holds at a time, where it is lanes that work is dealt to; else 0. */
  readonly block: number;
  readonly workgroups: [number, number, number];
}

/** What include/depthwise-row.wgsl must know: as few idle lanes as powers of two allow, at least 8 lanes to a run. */
function cut(shape: string, work: Runs, tuning = hardwareTuning): Work {
  const { rows, width, packets } = work;
  const choice = tuning.choices?.[shape];
  const byLanes = tuning.lanes > 0 && cutForLanes(work, tuning, choice);
  if (byLanes) return byLanes;
  const candidates = packets >= 8 ? [64, 32, 16, 8] : [2 ** Math.ceil(Math.log2(packets))];
  const used = (lanes: number) => Math.ceil(packets / lanes) * lanes;
  const lanes = candidates.reduce((best, next) => (used(next) < used(best) ? next : best));
  const perLane = Math.ceil(packets / lanes);
  const groups = 64 / lanes;
  const count = (pixels: number) => Math.ceil((rows * Math.ceil(width / pixels)) / groups);
  const { pixels: most, enough } = tuning.knobs.depthwise;
  const long = perLane > 16 ? 1 : most; // normalisation holds perLane · pixels packets
  // Shorter runs read more and keep more of a GPU busy.
  const pixels = Number(choice ?? (count(long) >= enough ? long : Math.ceil(long / 2)));
  const tile = { GROUP: 64, LANES: lanes, GROUPS: groups, PIXELS: pixels, PACKETS: perLane };
  return { tiling: { tile }, pixels, block: 0, workgroups: spread(count(pixels)) };
}

/** The same of include/depthwise-lanes.wgsl; nothing where it has no room for a pixel's channels. */
function cutForLanes(
  { rows, width, packets, normalize }: Runs,
  { lanes, knobs }: Tuning,
  choice?: string,
): Work | false {
  const perLane = normalize ? Math.ceil(packets / lanes) : 1;
  const held = lanes === 1 && perLane > HELD ? HELD_ALONE : HELD;
  const most = Math.min(knobs.depthwise.pixels, MOST_PIXELS, Math.floor(held / perLane));
  // As many runs of one length as are needed: what a run has too many of its lanes would compute for nothing.
  const pixels = Number(choice ?? Math.ceil(width / Math.ceil(width / Math.max(1, most))));
  if (pixels > MOST_PIXELS || pixels * perLane > held) return false;
  const { tile, swap, pieces } = laneGroup(lanes);
  return {
    tiling: {
      tile: { ...tile, PIXELS: MOST_PIXELS, HELD: held },
      swap: { 'depthwise-row': 'depthwise-lanes', ...swap },
    },
    pixels,
    block: Math.floor(held / pixels) * lanes,
    workgroups: spread(Math.ceil((rows * Math.ceil(width / pixels)) / pieces)),
  };
}
