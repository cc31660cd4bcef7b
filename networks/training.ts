// What training runs: the losses and their gradients as one graph, over the network as its author wrote it.

import { gradients } from '../graph/autodiff.js';
import { builder as b } from '../graph/builder.js';
import { type Outputs, parametersOf, type Tensor } from '../graph/graph.js';
import { gradientRules } from '../graph/ops/gradients/gradient-table.js';
import { addGradientRules } from '../graph/ops/table.js';
import { expandForGradients } from '../graph/passes/expand-for-gradients.js';
import { foldForTraining, fuseForTraining } from '../graph/passes/index.js';
import { type Block, type Recompute, recompute } from '../graph/passes/recompute.js';
import type { Forward, Inputs } from './definition.js';
import type { Network } from './network.js';
import { trainingOf } from './training-registry.js';

export interface TrainingOptions {
  /** Leaves the parameters as they are that the network freezes unless it is told otherwise. Default false. */
  readonly freeze?: boolean;
  /** Which parameters are trained; those that it says no to get no gradient. All, if not given. */
  readonly trained?: (name: string) => boolean;
  /** The weights of losses across the batch are inputs of the graph, [1] each, under the names of their scalars. Default false. */
  readonly weightsAsInputs?: boolean;
  /** What the backward pass computes again rather than keep: less memory, the same bits. Default: none. */
  readonly recompute?: Recompute;
}

/** The loss and the parts that it is made of, under the names that the network gives them. */
export interface LossValues {
  readonly loss: number;
  readonly [part: string]: number;
}

/** Reads the network's inputs and `target` [B,S,S,1]. */
export interface TrainingGraph {
  /** `loss`, and its parts under the names that the network gives them, each [1]. */
  readonly losses: Outputs;
  /** By checkpoint name and in the checkpoint's shape, last layer first; parameters that the loss does not reach have none. */
  readonly gradients: Outputs;
  /** BatchNorm's running statistics after the step, by checkpoint name. */
  readonly statistics: Outputs;
}

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

const pick = (outputs: Outputs, names: readonly string[]): Outputs =>
  Object.fromEntries(names.map(name => [name, outputs[name]!]));

/** The gradients of `losses[by]`, and all that shares the forward pass with them. */
export function differentiate(
  network: Network,
  { statistics, blocks }: Pick<Forward, 'statistics' | 'blocks'>,
  losses: Outputs,
  by: string,
  { freeze = false, trained = () => true, recompute: what = 'none' }: TrainingOptions,
): TrainingGraph {
  const { named, found } = nameBlocks(blocks);
  // Expanded together, so that losses and statistics share the forward pass.
  const expanded = expandForGradients(foldForTraining({ ...losses, ...statistics, ...named }));
  const lossNames = Object.keys(losses);
  const loss = pick(expanded, lossNames);
  const frozen = (name: string) => freeze && trainingOf(network).frozen.some(prefix => name.startsWith(`${prefix}.`));
  const names = [...parametersOf(loss).keys()].filter(name => trained(name) && !frozen(name));
  const byName = gradients(loss[by]!, names);
  // Fused before anything is computed again: what is fused depends on what is read, and a fused sum rounds otherwise.
  const fused = fuseForTraining({ ...expanded, ...byName });
  const forward = { losses: pick(fused, lossNames), statistics: pick(fused, Object.keys(statistics)) };
  const kept = pick(fused, Object.keys(byName));
  const passed = recompute({ ...forward.losses, ...forward.statistics }, kept, { what, blocks: found(fused) });
  return { ...forward, gradients: passed };
}

/** The network as it is trained, with the ops that only training has. */
export function trainingForward(network: Network, inputs: Inputs): Forward {
  addGradientRules(gradientRules);
  return network.build(inputs, 'training');
}

/** The masks that a batch is trained towards, [B,S,S,1]. */
export const targetInput = ({ config }: Network, batch: number): Tensor =>
  b.input('target', [batch, config.imageSize, config.imageSize, 1]);

/** Each scalar's input, [1], or what the configuration has. */
export function scalarsOf(network: Network, asInputs: boolean): Outputs {
  const entries = Object.entries(trainingOf(network).scalars);
  return Object.fromEntries(entries.map(([name, value]) => [name, asInputs ? b.input(name, [1]) : b.scalar(value)]));
}

/**
 * `loss` and its parts, [1] each, of a batch: the parts of images as they are, those across the batch times their weights.
 * A part without features to compare is 0.
 */
export function trainingLosses(network: Network, forward: Forward, target: Tensor, scalars: Outputs): Outputs {
  const { config } = network;
  const { losses } = trainingOf(network);
  const ofImages = losses.perImage(config, forward, target);
  let loss = Object.values(ofImages).reduce((sum, part) => b.add(sum, part));
  const across: Record<string, Tensor> = {};
  const compared = Object.keys(forward.features).length > 0;
  const overBatch = compared ? losses.overBatch?.(config, forward.features, target) : undefined;
  for (const [name, weight] of Object.entries(losses.acrossBatch)) {
    across[name] = overBatch?.[name] ?? b.scalar(0);
    if (overBatch) loss = b.add(loss, b.mul(across[name], scalars[weight]!));
  }
  return { loss, ...ofImages, ...across };
}

/** The training step of a batch, up to the gradients. BatchNorm uses the batch's statistics. */
export function trainingGraph(
  network: Network,
  batch: number,
  length: number,
  options: TrainingOptions = {},
): TrainingGraph {
  const forward = trainingForward(network, network.leaves(batch, length));
  const scalars = scalarsOf(network, options.weightsAsInputs ?? false);
  const losses = trainingLosses(network, forward, targetInput(network, batch), scalars);
  return differentiate(network, forward, losses, 'loss', options);
}
