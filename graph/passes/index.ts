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

type Pass = (outputs: Outputs, frame: string) => Outputs;

/** In the order in which they are applied. */
const folds = {
  positions: foldPositions,
  'batch-norm': foldBatchNorm,
  'layer-scale': foldLayerScale,
  'norm-affine': foldNormAffine,
  head: foldHead,
} satisfies Record<string, Pass>;
const fusions = { norm: fuseNorm, linear: fuseLinear, merge: mergeLinears, conv2d: fuseConv2d } satisfies Record<
  string,
  Pass
>;

/** A rewrite that the network computes the same without. */
export type PassName = keyof typeof folds | keyof typeof fusions;

/** Those of `prepare`, in order. */
export const passNames = [...Object.keys(folds), ...Object.keys(fusions)] as readonly PassName[];

const apply = (passes: Readonly<Record<string, Pass>>, outputs: Outputs, frame: string, without?: PassName): Outputs =>
  Object.entries(passes).reduce((graph, [name, pass]) => (name === without ? graph : pass(graph, frame)), outputs);

/** Exact rewrites on parameters, evaluated once at load. For inference: training needs the parameters as they are. */
export const fold = (outputs: Outputs, frame = 'image', without?: PassName): Outputs =>
  apply(folds, outputs, frame, without);

/** Ops with their neighbours, into kernels that keep the values in between in registers. */
export const fuse = (outputs: Outputs, without?: PassName): Outputs => apply(fusions, outputs, '', without);

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
  /** Left out, to see what it is worth. */
  readonly without?: PassName | undefined;
}

/** Everything between the network as its author wrote it and its lowering for inference. */
export function prepare(outputs: Outputs, { int8, activations, without }: Preparation): Outputs {
  const meant = int8 ? int8.before(outputs) : outputs;
  const fused = fuse(fold(meant, undefined, without), without);
  return setPrecision(int8 ? int8.after(fused) : fused, activations);
}
