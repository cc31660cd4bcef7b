// The order of the passes. Folding needs the author's ops, fusing needs what folding left; merging needs the rows that
// fusing attached.

import type { Outputs } from '../graph.js';
import { foldBatchNorm } from './fold-batch-norm.js';
import { foldHead } from './fold-head.js';
import { foldLayerScale } from './fold-layer-scale.js';
import { foldNormAffine } from './fold-norm-affine.js';
import { foldPositions } from './fold-positions.js';
import { fuseConv2d } from './fuse-conv2d.js';
import { fuseLinear } from './fuse-linear.js';
import { fuseNorm } from './fuse-norm.js';
import { mergeLinears } from './merge-linears.js';
import { setPrecision } from './precision.js';

export { type Partition, partition } from './partition.js';
export { setPrecision } from './precision.js';

/** Exact rewrites on parameters, evaluated once at load. For inference: training needs the parameters as they are. */
export function fold(outputs: Outputs, frame = 'image'): Outputs {
  return [(o: Outputs) => foldPositions(o, frame), foldBatchNorm, foldLayerScale, foldNormAffine, foldHead].reduce(
    (graph, pass) => pass(graph),
    outputs,
  );
}

/** Ops with their neighbours, into kernels that keep the values in between in registers. */
export function fuse(outputs: Outputs): Outputs {
  return [fuseNorm, fuseLinear, mergeLinears, fuseConv2d].reduce((graph, pass) => pass(graph), outputs);
}

/**
 * What is exact and worth doing every step: the head's one convolution has an eighth of the arithmetic of its three parts, and
 * a layer scale on a weight spares a pass over the map forward and three back. Parameters keep their gradients: the rewrites are
 * graph, and differentiated like the rest.
 */
export const foldForTraining = (outputs: Outputs): Outputs => foldHead(foldLayerScale(outputs));

/** After gradients have been taken: what the backward pass does not read need not be stored. */
export const fuseForTraining = (outputs: Outputs): Outputs => fuseConv2d(fuseLinear(fuseNorm(outputs)));

/** Around folding and fusing: what int8 parameters mean, and the whole numbers back out (passes/int8.ts). */
export interface Int8Passes {
  readonly before: (outputs: Outputs) => Outputs;
  readonly after: (outputs: Outputs) => Outputs;
}

export interface Preparation {
  /** For a file with int8 parameters: given by whoever loaded them, since most pages have no use for them. */
  readonly int8?: Int8Passes | undefined;
  readonly activations: 'f32' | 'f16';
}

/** Everything between the network as its author wrote it and its lowering for inference. */
export function prepare(outputs: Outputs, { int8, activations }: Preparation): Outputs {
  const meant = int8 ? int8.before(outputs) : outputs;
  const fused = fuse(fold(meant));
  return setPrecision(int8 ? int8.after(fused) : fused, activations);
}
