// Convolution as an implicit matrix product, with the concatenation before it and the gate and pixel shuffle after it.

import { check } from '../../../errors/index.js';
import type { KernelCall, KernelStorage } from '../../kernel.js';
import { hardwareTuning, shapeClass } from '../../tuning.js';
import {
  ACTIVATION,
  type Activation,
  gemmTiles,
  type Shuffle,
  shuffledDepth,
  shuffleUniforms,
} from '../shared/epilogue.js';
import { checkScale, given } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { checkRange, type Range, whole } from '../shared/range.js';
import { bytesOf } from '../shared/sizes.js';
import source from './conv2d.wgsl?raw';
import { type WindowDims, windowOf } from './conv2d-window.js';

export interface Conv2dDims extends WindowDims {
  readonly activation?: Activation;
  readonly shuffle?: Shuffle | null;
  /** Where the pixels of out lie, in elements; contiguous if not given. */
  readonly out?: Range;
}

export interface Conv2dOperands<O> {
  /** [batch, height, width, channels], activations. */
  readonly x: O;
  /** [batch, height, width, channels2], activations: channels that follow those of x, as if concatenated. */
  readonly x2?: O | null;
  /** [outChannels, kernelHeight, kernelWidth, channels + channels2], weights. */
  readonly weight: O;
  /** [outChannels], f32. */
  readonly bias?: O | null;
  /** [batch, outHeight, outWidth], activations; multiplies after the activation. */
  readonly gate?: O | null;
  /** [outChannels], f32; multiplies each channel's sum before all else: what int8 weights are worth. */
  readonly scale?: O | null;
  /** [batch, outHeight, outWidth, outChannels], or block times as high and wide and a block²-th as deep; activations. */
  readonly out: O;
}

/**
 * out = shuffle(activation(scale · conv2d([x, x2]) + bias) · gate); outHeight = ⌊(height + 2 padding - kernelHeight) / stride⌋ + 1.
 *
 * Errors: BAD_ARGUMENT (a size, int8 weights without scale), SHAPE_MISMATCH (x2 without channels2, a window larger than the padded map, a shuffle that
 * does not divide, a pitch too short).
 *
 * @example
 * conv2d(
 *   { batch: 1, height: 56, width: 56, channels: 96, outChannels: 16, kernelHeight: 3, kernelWidth: 3, padding: 1,
 *     shuffle: { block: 4, order: 'CRD' } },
 *   { x, weight, bias, out }, { act: 'f16', weight: 'f16' })
 */
export function conv2d<O>(dims: Conv2dDims, operands: Conv2dOperands<O>, storage: KernelStorage): KernelCall<O> {
  const { x, x2 = null, weight, bias = null, gate = null, scale = null, out } = operands;
  const { activation = 'none', shuffle = null } = dims;
  const window = windowOf('conv2d', dims);
  checkSource(dims, x2);
  checkScale('conv2d', storage.weight, scale);
  const m = dims.batch * window.outHeight * window.outWidth;
  const n = dims.outChannels;
  const depth = shuffledDepth('conv2d', n, shuffle);
  const range = dims.out ?? whole(depth);
  checkRange('conv2d', 'out', range, depth);
  const k = window.kernelHeight * window.kernelWidth * (window.channels + window.channels2);
  const packet = packetOf(window.channels, window.channels2);
  const kernel = packed('conv2d', source, packet);
  const { tuning = hardwareTuning } = storage;
  const shape = shapeClass(kernel.name, [storage.act, storage.weight], [m, n, k]);
  const { tiling, workgroups, variant } = gemmTiles(m, n, tuning, tuning.knobs.conv2d, tuning.choices?.[shape]);
  return {
    shader: { ...kernel, act: storage.act, weight: storage.weight, ...tiling },
    uniforms: {
      ...{ m, n, k, strips: Math.ceil(k / 4), height: dims.height, width: window.width },
      ...{ channels: window.channels / packet, channels2: window.channels2 / packet },
      ...{ out_height: window.outHeight, out_width: window.outWidth },
      ...{ kernel_height: window.kernelHeight, kernel_width: window.kernelWidth },
      ...{ stride_y: window.strideY, stride_x: window.strideX, padding: window.padding },
      ...{ ...shuffleUniforms(shuffle), out_offset: range.offset, out_pitch: range.pitch },
      activation: ACTIVATION[activation],
      ...{ has_bias: given(bias), has_gate: given(gate), has_scale: given(scale) },
    },
    bindings: [
      { operand: x, access: 'read' },
      { operand: x2, access: 'read' },
      { operand: weight, access: 'read' },
      { operand: bias, access: 'read' },
      { operand: gate, access: 'read' },
      { operand: out, access: 'read_write' },
      { operand: scale, access: 'read' },
    ],
    workgroups,
    cut: { shape, variant },
    cost: {
      flops: m * n * (2 * k + given(bias) + given(gate) + given(scale)),
      bytes:
        bytesOf(storage.act) *
          (dims.batch * dims.height * window.width * (window.channels + window.channels2) + m * (n + given(gate))) +
        bytesOf(storage.weight) * n * k +
        4 * n * (given(bias) + given(scale)),
    },
  };
}

function checkSource<O>({ channels2 = 0 }: Conv2dDims, x2: O | null): void {
  check(
    (x2 === null) === (channels2 === 0),
    'SHAPE_MISMATCH',
    `conv2d: x2 and channels2 must come together, got ${x2 === null ? 'no x2' : 'x2'} and ${channels2} channels; give both or neither`,
  );
}
