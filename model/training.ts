// What training runs: the losses and their gradients as one graph, over the network as its author wrote it.

import { gradients } from './autodiff.js';
import { builder as b } from './builder.js';
import type { Config } from './config.js';
import { type Outputs, parametersOf, type Tensor } from './graph.js';
import { trainingLoss } from './losses.js';
import { gradientRules } from './ops/gradient-table.js';
import { addGradientRules } from './ops/table.js';
import { expandForGradients } from './passes/expand.js';
import { foldForTraining, fuseForTraining } from './passes/index.js';
import { type Block, type Recompute, recompute } from './passes/recompute.js';
import { type TmcaInputs, type TmcaOutputs, tmca, tmcaInputs } from './tmca.js';

export interface TrainingOptions {
  /** Leaves the text encoder as it is (open in the paper; frozen in its predecessor). Default false. */
  readonly freezeText?: boolean;
  /** Which parameters are trained; those that it says no to get no gradient. All, if not given. */
  readonly trained?: (name: string) => boolean;
  /** The contrastive loss's weight is an input of the graph, `contrastiveWeight` [1], where there is such a loss. Default false. */
  readonly weightAsInput?: boolean;
  /** What the backward pass computes again rather than keep: less memory, the same bits. Default: none. */
  readonly recompute?: Recompute;
}

/** Reads the inputs `image` [B,S,S,3], `ids` and `mask` [B,L] and `target` [B,S,S,1]. */
export interface TrainingGraph {
  /** `loss`, `segmentation` and `contrastive`, each [1]. */
  readonly losses: { readonly loss: Tensor; readonly segmentation: Tensor; readonly contrastive: Tensor };
  /** By checkpoint name and in the checkpoint's shape, last layer first; parameters that the loss does not reach have none. */
  readonly gradients: Outputs;
  /** BatchNorm's running statistics after the step, by checkpoint name. */
  readonly statistics: Outputs;
}

const isText = (name: string): boolean => name.startsWith('text_encoder.');

/** Outputs under names, and the way back from what a pass made of them. */
function nameBlocks(blocks: readonly Block[]): { named: Outputs; found(passed: Outputs): Block[] } {
  const named: Record<string, Tensor> = {};
  blocks.forEach(({ inputs, output }, i) => {
    named[`block ${i}`] = output;
    inputs.forEach((input, j) => {
      named[`block ${i} ${j}`] = input;
    });
  });
  const found = (passed: Outputs) =>
    blocks.map(({ inputs }, i) => ({
      inputs: inputs.map((_, j) => passed[`block ${i} ${j}`]!),
      output: passed[`block ${i}`]!,
    }));
  return { named, found };
}

interface Differentiated<K extends string> {
  readonly losses: Readonly<Record<K, Tensor>>;
  readonly gradients: Outputs;
  readonly statistics: Outputs;
}

const pick = <N extends string>(outputs: Outputs, names: readonly N[]): Record<N, Tensor> =>
  Object.fromEntries(names.map(name => [name, outputs[name]!])) as Record<N, Tensor>;

/** The gradients of `losses[by]`, and all that shares the forward pass with them. */
export function differentiate<K extends string>(
  { statistics, blocks }: Pick<TmcaOutputs, 'statistics' | 'blocks'>,
  losses: Readonly<Record<K, Tensor>>,
  by: NoInfer<K>,
  { freezeText = false, trained = () => true, recompute: what = 'none' }: TrainingOptions,
): Differentiated<K> {
  const { named, found } = nameBlocks(blocks);
  // Expanded together, so that losses and statistics share the forward pass.
  const expanded = expandForGradients(foldForTraining({ ...losses, ...statistics, ...named }));
  const lossNames = Object.keys(losses) as K[];
  const loss = pick(expanded, lossNames);
  const names = [...parametersOf(loss).keys()].filter(name => trained(name) && !(freezeText && isText(name)));
  const byName = gradients(loss[by], names);
  // Fused before anything is computed again: what is fused depends on what is read, and a fused sum rounds otherwise.
  const fused = fuseForTraining({ ...expanded, ...byName });
  const forward = { losses: pick(fused, lossNames), statistics: pick(fused, Object.keys(statistics)) };
  const kept = pick(fused, Object.keys(byName));
  const passed = recompute({ ...forward.losses, ...forward.statistics }, kept, { what, blocks: found(fused) });
  return { ...forward, gradients: passed };
}

/** The network as it is trained, with the ops that only training has. */
export function trainingNetwork(config: Config, inputs: TmcaInputs): TmcaOutputs {
  addGradientRules(gradientRules);
  return tmca(config, inputs, 'training');
}

/** The training step of a batch, up to the gradients. BatchNorm uses the batch's statistics. */
export function trainingGraph(
  config: Config,
  batch: number,
  length: number,
  options: TrainingOptions = {},
): TrainingGraph {
  const size = config.imageSize;
  const outputs = trainingNetwork(config, tmcaInputs(config, batch, length));
  const weight = options.weightAsInput ? b.input('contrastiveWeight', [1]) : undefined;
  const target = b.input('target', [batch, size, size, 1]);
  const { loss, segmentation, contrastive } = trainingLoss(config, outputs, target, weight);
  return differentiate(outputs, { loss, segmentation, contrastive }, 'loss', options);
}
