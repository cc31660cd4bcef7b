// Layers that several networks are made of: learned pieces by checkpoint name, brought from the layout that PyTorch's modules
// store into the graph's.

import { builder as b } from '../graph/builder.js';
import { type Shape, sizeOf, type Tensor } from '../graph/graph.js';
import type { Block } from '../graph/passes/recompute.js';
import type { Mode } from './definition.js';

/** PyTorch's default, of LayerNorm and BatchNorm. */
export const NORM_EPS = 1e-5;

/** PyTorch's default: how much of the batch's statistics goes into the running ones. */
const MOMENTUM = 0.1;

/** x […,in] → […,out]. Checkpoint [out,in]. */
export function linear(x: Tensor, name: string, inChannels: number, outChannels: number): Tensor {
  return b.linear(
    x,
    b.parameter(`${name}.weight`, [outChannels, inChannels]),
    b.parameter(`${name}.bias`, [outChannels]),
  );
}

/** Over the last axis. */
export function layerNorm(x: Tensor, name: string, eps: number): Tensor {
  const channels = x.shape[x.shape.length - 1]!;
  return b.layerNorm(x, b.parameter(`${name}.weight`, [channels]), b.parameter(`${name}.bias`, [channels]), { eps });
}

export interface ConvOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly bias?: boolean;
}

/** Checkpoint OIHW → graph OHWI. */
export function conv2d(x: Tensor, name: string, outChannels: number, options: ConvOptions): Tensor {
  const { kernel, stride = 1, padding = 0, bias = true } = options;
  const stored: Shape = [outChannels, x.shape[3]!, kernel, kernel];
  const weight = b.permute(b.parameter(`${name}.weight`, stored), [0, 2, 3, 1]);
  return b.conv2d(x, weight, bias ? b.parameter(`${name}.bias`, [outChannels]) : null, { stride, padding });
}

/** Checkpoint [C,1,k,k] → graph [k,k,C]. */
export function depthwise(x: Tensor, name: string, kernel: number): Tensor {
  const channels = x.shape[3]!;
  const stored = b.parameter(`${name}.weight`, [channels, 1, kernel, kernel]);
  const weight = b.permute(b.reshape(stored, [channels, kernel, kernel]), [1, 2, 0]);
  return b.depthwise(x, weight, b.parameter(`${name}.bias`, [channels]));
}

/**
 * Transposed 2x2 convolution of stride 2: a linear to four pixels' channels, then their places. Checkpoint [I,O,2,2], and a
 * bias [O] if there is one.
 */
export function upsample(x: Tensor, name: string, outChannels: number, { bias = false } = {}): Tensor {
  const inChannels = x.shape[3]!;
  const stored = b.parameter(`${name}.weight`, [inChannels, outChannels, 2, 2]);
  const weight = b.reshape(b.permute(stored, [2, 3, 1, 0]), [4 * outChannels, inChannels]);
  // The same bias for each of the four pixels.
  const repeated = () => b.broadcast(b.parameter(`${name}.bias`, [outChannels]), { shape: [4, outChannels] });
  const four = b.linear(x, weight, bias ? b.reshape(repeated(), [4 * outChannels]) : null);
  return b.depthToSpace(four, { block: 2, order: 'DCR' });
}

/**
 * BatchNorm and the leaky ReLU behind it; a slope of 0 makes it a ReLU. In training the batch's own statistics normalise, and what the running ones become is
 * put into `statistics`.
 */
export function batchNorm(x: Tensor, name: string, slope: number, { mode, statistics }: Run): Tensor {
  const channels = x.shape[3]!;
  const p = (field: string) => b.parameter(`${name}.${field}`, [channels]);
  const [weight, bias, eps] = [p('weight'), p('bias'), NORM_EPS];
  if (mode === 'evaluation') {
    const y = b.batchNorm(x, weight, bias, p('running_mean'), p('running_var'), { eps });
    return b.leakyRelu(y, slope);
  }
  const ofBatch = b.batchStatistics(x);
  const count = sizeOf(x.shape) / channels;
  const mix = (field: string, row: number, factor: number) => {
    const kept = b.mul(p(field), b.scalar(1 - MOMENTUM));
    const found = b.reshape(b.slice(ofBatch, { axis: 0, start: row, end: row + 1 }), [channels]);
    statistics[`${name}.${field}`] = b.add(kept, b.mul(found, b.scalar(MOMENTUM * factor)));
  };
  mix('running_mean', 0, 1);
  // Unbiased, as torch keeps it; a single value has no unbiased variance, and torch refuses it.
  mix('running_var', 1, count / Math.max(count - 1, 1));
  return b.batchNormTraining(x, weight, bias, ofBatch, { eps, slope });
}

/** What one building of the network carries along. */
export interface Run {
  readonly mode: Mode;
  readonly statistics: Record<string, Tensor>;
  readonly blocks: Block[];
}

/** Notes that `output` can be made again from `inputs`. */
export function asBlock({ blocks }: Run, inputs: readonly Tensor[], output: Tensor): Tensor {
  blocks.push({ inputs, output });
  return output;
}
