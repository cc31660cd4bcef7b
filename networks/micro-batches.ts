// Training in micro-batches that still contrasts over the whole batch, after GradCache (Gao et al., arXiv:2101.06983):
//
// 1. features: every micro-batch forward, for what losses across the batch compare, [m,C];
// 2. contrast: those losses over the features of the whole batch, [B,C], and their derivatives by them;
// 3. backward: every micro-batch forward and back, for the loss (m/B) (losses of images) + Σ <feature, derivative>.
//
// The sum of the third's gradients over the micro-batches is the whole batch's gradient, and not an approximation of it, but for
// BatchNorm: its statistics are those of the micro-batch, as with PyTorch's accumulation, so micro-batches see other numbers.

import { gradients } from '../graph/autodiff.js';
import { builder as b } from '../graph/builder.js';
import { type Outputs, sizeOf, type Tensor } from '../graph/graph.js';
import { expandForGradients } from '../graph/passes/expand-for-gradients.js';
import { parametersAsInputs } from '../graph/passes/parameters-as-inputs.js';
import type { Network } from './network.js';
import { differentiate, scalarsOf, type TrainingOptions, targetInput, trainingForward } from './training.js';
import { trainingOf } from './training-registry.js';

/** What losses across the batch compare, such as `G.image`; a row is an image or a sentence. */
export interface Feature {
  readonly name: string;
  readonly channels: number;
}

/** Parameters are inputs here, as in `parametersAsInputs`. */
export interface MicroBatchGraphs {
  /** What is compared across the batch; empty where nothing is. */
  readonly features: readonly Feature[];
  /** From the inputs of a micro-batch: `feature:NAME` [m,C] each. */
  readonly forward: Outputs;
  /**
   * From `feature:NAME` [B,C] each, `target` [B,S,S,1] and the scalars [1]: each loss across the batch [1], and
   * `derivative:NAME` [B,C] of their weighted sum.
   */
  readonly contrast: Outputs;
  readonly backward: {
    /** The losses of a micro-batch's images [1] times m/B: their sums over all micro-batches are the batch's. */
    readonly losses: Outputs;
    /** The gradients of parameters by name, to be added up; they read `derivative:NAME` [m,C] beside a micro-batch. */
    readonly gradients: Outputs;
    /** BatchNorm's running statistics after the micro-batch. */
    readonly statistics: Outputs;
  };
}

export const featureName = (name: string): string => `feature:${name}`;
export const derivativeName = (name: string): string => `derivative:${name}`;

const renamed = (outputs: Outputs, name: (from: string) => string): Outputs =>
  Object.fromEntries(Object.entries(outputs).map(([from, t]) => [name(from), t]));

function contrastGraph(network: Network, batch: number, features: readonly Feature[]): Outputs {
  if (features.length === 0) return {};
  const { config } = network;
  const { losses } = trainingOf(network);
  // As parameters, because derivatives are by parameters; the program sees inputs.
  const named = Object.fromEntries(
    features.map(({ name, channels }) => [name, b.parameter(featureName(name), [batch, channels])]),
  );
  const parts = losses.overBatch!(config, named, targetInput(network, batch));
  const scalars = scalarsOf(network, true);
  const product = Object.entries(parts)
    .map(([name, part]) => b.mul(part, scalars[losses.acrossBatch[name]!]!))
    .reduce((sum, part) => b.add(sum, part));
  const { product: expanded, ...expandedParts } = expandForGradients({ ...parts, product });
  const found = gradients(expanded!, Object.keys(named).map(featureName));
  const derivatives = Object.keys(named).map(name => [derivativeName(name), found[featureName(name)]!] as const);
  return parametersAsInputs({ ...expandedParts, ...Object.fromEntries(derivatives) });
}

/** Σ <feature, derivative>, [1]: its gradient is that of the losses across the batch. */
function innerProducts(features: Outputs): Tensor[] {
  return Object.entries(features).map(([name, feature]) => {
    const products = b.mul(feature, b.input(derivativeName(name), feature.shape));
    return b.reshape(b.sum(b.reshape(products, [-1]), [0]), [1]);
  });
}

/**
 * The three graphs of a batch in micro-batches of `micro`, which divides it. Parameters stay parameters in `forward` and
 * `backward`.
 */
export function microBatchGraphs(
  network: Network,
  { batch, micro, length }: { readonly batch: number; readonly micro: number; readonly length: number },
  options: Omit<TrainingOptions, 'weightsAsInputs'> = {},
): MicroBatchGraphs {
  const forward = trainingForward(network, network.leaves(micro, length));
  const named = forward.features;
  const features = Object.entries(named).map(([name, { shape }]) => ({ name, channels: sizeOf(shape) / micro }));
  const ofImages = trainingOf(network).losses.perImage(network.config, forward, targetInput(network, micro));
  const share = b.scalar(micro / batch);
  const parts = Object.fromEntries(Object.entries(ofImages).map(([name, part]) => [name, b.mul(part, share)]));
  const surrogate = [...Object.values(parts), ...innerProducts(named)].reduce((sum, part) => b.add(sum, part));
  const { losses, ...backward } = differentiate(network, forward, { ...parts, surrogate }, 'surrogate', options);
  const { surrogate: _, ...shared } = losses;
  return {
    features,
    forward: expandForGradients(renamed(named, featureName)),
    contrast: contrastGraph(network, batch, features),
    backward: { ...backward, losses: shared },
  };
}
