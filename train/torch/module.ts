// A network as a Python module: what a training step computes up to the losses, and the logits that validate.

import { builder as b } from '../../graph/builder.js';
import type { ConstantTensor, Outputs } from '../../graph/graph.js';
import { expandForGradients } from '../../graph/passes/expand-for-gradients.js';
import { fold, foldForTraining } from '../../graph/passes/index.js';
import type { Network } from '../../networks/network.js';
import { scalarsOf, targetInput, trainingForward, trainingLosses } from '../../networks/training.js';
import { emitFunction } from './emit.js';
import helpers from './helpers.py?raw';

export interface TorchModule {
  /**
   * helpers.py, and three functions of inputs, parameters and constants by name: `training` (logits, features, running statistics
   * under "statistic:NAME"), `losses` (of these and the target), `forward` (logits in evaluation).
   */
  readonly source: string;
  /** What the functions read as constants. */
  readonly constants: ReadonlyMap<string, ConstantTensor>;
  /** Names of the losses. */
  readonly losses: readonly string[];
  /** Names of the parameters that are running statistics. */
  readonly statistics: readonly string[];
}

export const statistic = (name: string): string => `statistic:${name}`;

/** @param sizes images of a training batch and of a validating one, and tokens of their sentences */
export function torchModule(
  network: Network,
  sizes: { readonly batch: number; readonly validation: number; readonly length: number },
): TorchModule {
  const { batch, validation, length } = sizes;
  const forward = trainingForward(network, network.leaves(batch, length));
  const { logits, features, statistics } = forward;
  const named = Object.fromEntries(Object.entries(statistics).map(([name, t]) => [statistic(name), t]));
  // What the losses read of the network is an input to them, so that they are taken in fp32 whatever the network runs in.
  const given = (outputs: Outputs) =>
    Object.fromEntries(Object.entries(outputs).map(([name, { shape }]) => [name, b.input(name, shape)]));
  const results = { ...forward, ...given({ logits }), features: given(features) } as typeof forward;
  const losses = trainingLosses(network, results, targetInput(network, batch), scalarsOf(network, true));
  const constants = new Map<string, ConstantTensor>();
  const functions = {
    training: foldForTraining({ logits, ...features, ...named }),
    losses,
    forward: fold(network.logits(validation, length)),
  };
  const sources = Object.entries(functions).map(([name, outputs]) =>
    emitFunction(name, expandForGradients(outputs), constants),
  );
  return {
    source: [helpers, ...sources].join('\n\n\n'),
    constants,
    losses: Object.keys(losses),
    statistics: Object.keys(statistics),
  };
}
