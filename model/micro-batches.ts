// Training in micro-batches that still contrasts over the whole batch, after GradCache (Gao et al., arXiv:2101.06983):
//
// 1. features: every micro-batch forward, for what the contrastive loss compares, [m,C];
// 2. contrast: the contrastive loss over the features of the whole batch, [B,C], and its derivatives by them;
// 3. backward: every micro-batch forward and back, for the loss (m/B) segmentation + Σ <feature, derivative>.
//
// The sum of the third's gradients over the micro-batches is the whole batch's gradient, and not an approximation of it, but for
// BatchNorm: its statistics are those of the micro-batch, as with PyTorch's accumulation, so micro-batches see other numbers.

import { gradients } from './autodiff.js';
import { builder as b } from './builder.js';
import type { Config, Level } from './config.js';
import { type Outputs, type Shape, sizeOf, type Tensor } from './graph.js';
import { contrastiveLoss, flatten, segmentationLoss } from './losses.js';
import { expandForGradients } from './passes/expand.js';
import { parametersAsInputs } from './passes/parameters-as-inputs.js';
import { type TmcaOutputs, tmcaInputs } from './tmca.js';
import { differentiate, type TrainingOptions, trainingNetwork } from './training.js';

/** One side of a pair at one level, `G.image`; rows are images or sentences. */
export interface Feature {
  readonly name: string;
  readonly channels: number;
}

/** Parameters are inputs here, as in `parametersAsInputs`. */
export interface MicroBatchGraphs {
  /** What is contrasted; none where the configuration has no levels. */
  readonly features: readonly Feature[];
  /** From `image`, `ids` and `mask` of a micro-batch: `feature:NAME` [m,C] each. */
  readonly forward: Outputs;
  /**
   * From `feature:NAME` [B,C] each, `target` [B,S,S,1] and `contrastiveWeight` [1]: `contrastive` [1], and `derivative:NAME`
   * [B,C] of weight times it.
   */
  readonly contrast: Outputs;
  readonly backward: {
    /** `segmentation` [1] of a micro-batch times m/B: the sum over all is the batch's. */
    readonly losses: { readonly segmentation: Tensor };
    /** Of parameters by name, to be added up; reads `derivative:NAME` [m,C] beside a micro-batch. */
    readonly gradients: Outputs;
    /** BatchNorm's running statistics after the micro-batch. */
    readonly statistics: Outputs;
  };
}

export const featureName = (name: string): string => `feature:${name}`;
export const derivativeName = (name: string): string => `derivative:${name}`;

const SIDES = ['image', 'text'] as const;

type Pairs = TmcaOutputs['pairs'];

/** `make` for each side of each configured level, as pairs and by name. */
function eachFeature(levels: readonly Level[], make: (name: string, level: Level, side: 'image' | 'text') => Tensor) {
  const named: Record<string, Tensor> = {};
  const pairs = levels.map(level => {
    const sides = SIDES.map(side => {
      const name = `${level}.${side}`;
      named[name] = make(name, level, side);
      return [side, named[name]] as const;
    });
    return [level, Object.fromEntries(sides)] as const;
  });
  return { named, pairs: Object.fromEntries(pairs) as unknown as Pairs };
}

const renamed = (outputs: Outputs, name: (from: string) => string): Outputs =>
  Object.fromEntries(Object.entries(outputs).map(([from, t]) => [name(from), t]));

function contrastGraph(config: Config, batch: number, channelsOf: (level: Level) => number): Outputs {
  const { levels, imageSize: size } = config;
  if (levels.length === 0) return {};
  // As parameters, because derivatives are by parameters; the program sees inputs.
  const { named, pairs } = eachFeature(levels, (name, level) =>
    b.parameter(featureName(name), [batch, channelsOf(level)]),
  );
  const target = b.input('target', [batch, size, size, 1]);
  const loss = contrastiveLoss(config, pairs, flatten(target));
  const weighted = b.mul(loss, b.input('contrastiveWeight', [1]));
  const { contrastive, product } = expandForGradients({ contrastive: loss, product: weighted }) as Record<
    'contrastive' | 'product',
    Tensor
  >;
  const found = gradients(product, Object.keys(named).map(featureName));
  const derivatives = Object.keys(named).map(name => [derivativeName(name), found[featureName(name)]!] as const);
  return parametersAsInputs({ contrastive, ...Object.fromEntries(derivatives) });
}

/** Σ <feature, derivative>, [1]: its gradient is the contrastive loss's. */
function innerProducts(features: Readonly<Record<string, Tensor>>): Tensor[] {
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
  config: Config,
  { batch, micro, length }: { readonly batch: number; readonly micro: number; readonly length: number },
  options: Omit<TrainingOptions, 'weightAsInput'> = {},
): MicroBatchGraphs {
  const size = config.imageSize;
  const network = trainingNetwork(config, tmcaInputs(config, micro, length));
  const { named } = eachFeature(config.levels, (_, level, side) => network.pairs[level][side]);
  const features = Object.entries(named).map(([name, { shape }]) => ({ name, channels: sizeOf(shape) / micro }));
  const target = b.input('target', [micro, size, size, 1]);
  const segmentation = b.mul(segmentationLoss(flatten(network.logits), flatten(target)), b.scalar(micro / batch));
  const surrogate = innerProducts(named).reduce<Tensor>((sum, part) => b.add(sum, part), segmentation);
  const { losses, ...backward } = differentiate(network, { segmentation, surrogate }, 'surrogate', options);
  const channels = (level: Level): number => (network.pairs[level].image.shape as Shape)[1]!;
  return {
    features,
    forward: expandForGradients(renamed(named, featureName)),
    contrast: contrastGraph(config, batch, channels),
    backward: { ...backward, losses: { segmentation: losses.segmentation } },
  };
}
