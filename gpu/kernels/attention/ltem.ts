// ltem: the gate by which the text enhances a decoded map. Two dispatches, because the similarities occupy the whole
// device and their softmax needs all of them.

import { type KernelCall, type KernelStorage, spread } from '../../kernel.js';
import { hardwareTuning } from '../../tuning.js';
import { checkPositive, elements } from '../shared/guard.js';
import { type LaneGroup, laneGroup } from '../shared/lane-group.js';
import { packed, packetOf } from '../shared/packet.js';
import { rowCut } from '../shared/row-tile.js';
import { bytesOf } from '../shared/sizes.js';
import gateSource from './ltem-gate.wgsl?raw';
import similaritySource from './ltem-similarity.wgsl?raw';

export interface LtemDims {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Temperature of the softmax. */
  readonly tau: number;
}

export interface LtemOperands<O> {
  /** [B,H,W,C] act. */
  readonly x: O;
  /** [B,C] act: the pooled text. */
  readonly text: O;
  /** [B,H·W] f32, scratch between the dispatches. */
  readonly similarity: O;
  /** [B,2H,2W] act. */
  readonly out: O;
}

const gateByLanes = ({ tile, swap }: LaneGroup) => ({
  tile: { ...tile, ITEMS: 256 / tile.GROUP },
  swap: { 'row-reduce': 'row-reduce-lanes', ...swap },
});

/** On a CPU a thread has so many outputs that the loop over them is not unrolled. */
const gateTile = ({ lanes } = hardwareTuning) =>
  lanes > 0 ? gateByLanes(laneGroup(lanes)) : { tile: { GROUP: 256, ITEMS: 4, LANES: 256 } };

/**
 * out = upsample2(H W · softmax over the cells of cos(x, text) / tau), bilinear, corners not aligned; its mean before
 * upsampling is 1, so that the map gates rather than shrinks.
 *
 * Errors: BAD_ARGUMENT (dimensions, tau), SHAPE_MISMATCH (too many elements). Source: LTEM, section 3.2.3, equation 2.
 *
 * @example
 * ltem({ batch: 1, height: 14, width: 14, channels: 384, tau: 1 }, { x, text, similarity, out }, { act: 'f16' })
 */
export function ltem<O>(
  dims: LtemDims,
  operands: LtemOperands<O>,
  storage: Pick<KernelStorage, 'act' | 'tuning'>,
): [KernelCall<O>, KernelCall<O>] {
  const { batch, height, width, channels } = dims;
  elements('ltem', { batch, height, width, channels });
  elements('ltem', { batch, outHeight: 2 * height, outWidth: 2 * width });
  checkPositive('ltem', 'tau', dims.tau);
  return [similarities(dims, operands, storage), gate(dims, operands, storage)];
}

function similarities<O>(
  { batch, height, width, channels, tau }: LtemDims,
  { x, text, similarity }: LtemOperands<O>,
  { act, tuning }: Pick<KernelStorage, 'act' | 'tuning'>,
): KernelCall<O> {
  const packet = packetOf(channels);
  const packets = channels / packet;
  const rows = batch * height * width;
  const { tiling, rows: perGroup } = rowCut(packets, tuning);
  return {
    shader: { ...packed('ltem-similarity', similaritySource, packet), act, ...tiling },
    uniforms: { rows, cells: height * width, packets, tau },
    bindings: [
      { operand: x, access: 'read' },
      { operand: text, access: 'read' },
      { operand: similarity, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil(rows / perGroup)),
    cost: { flops: 6 * rows * channels, bytes: (rows + batch) * channels * bytesOf(act) + 4 * rows },
  };
}

function gate<O>(
  { batch, height, width }: LtemDims,
  { similarity, out }: LtemOperands<O>,
  { act, tuning }: Pick<KernelStorage, 'act' | 'tuning'>,
): KernelCall<O> {
  const outputs = 4 * height * width;
  const tiling = gateTile(tuning);
  const { GROUP, ITEMS } = tiling.tile;
  const blocks = Math.ceil(outputs / (GROUP * ITEMS));
  return {
    shader: { name: 'ltem-gate', source: gateSource, act, ...tiling },
    uniforms: { batch, height, width, blocks },
    bindings: [
      { operand: similarity, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(batch * blocks),
    cost: { flops: 18 * batch * outputs, bytes: batch * (height * width * 4 + outputs * bytesOf(act)) },
  };
}
