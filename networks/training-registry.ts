// The closed table of what networks need for training: a network of registry.ts without a line here does not compile.

import type { NetworkDefinition, TrainingDefinition } from './definition.js';
import type { Network } from './network.js';
import { definitionOf, type NetworkId, type networks } from './registry.js';
import { tmcaTraining } from './tmca/training.js';
import { unetTraining } from './unet/training.js';

type Trainings = {
  readonly [K in NetworkId]: (typeof networks)[K] extends NetworkDefinition<infer C> ? TrainingDefinition<C> : never;
};

const trainings: Trainings = { tmca: tmcaTraining, unet: unetTraining };

/** Numbers that a schedule moves from step to step, by name. */
export type Scalars = Readonly<Record<string, number>>;

type Definition = TrainingDefinition<{ readonly imageSize: number }>;

/** A network as training and reports ask for it. */
export interface Training extends Pick<Definition, 'losses' | 'frozen'> {
  /** Names of the parts of the training loss, those of images first. */
  readonly lossNames: readonly string[];
  /** The numbers that a schedule may move, as the configuration has them. */
  readonly scalars: Scalars;
  /** The key of each scalar, as files and metrics have it. */
  readonly scalarKeys: Readonly<Record<string, string>>;
  /** Outputs that a report draws as maps over a picture, and what they show. */
  readonly maps: ReturnType<Definition['maps']>;
  /** The rows of the model card that describe the network. */
  readonly rows: ReturnType<Definition['describe']>;
}

export function trainingOf({ config }: Network): Training {
  // The definition of a configuration's own network fits it by construction.
  const { losses, frozen, maps, describe } = trainings[config.network] as unknown as Definition;
  const values = config as unknown as Scalars;
  const fields = definitionOf(config.network).fields as Readonly<Record<string, { readonly key: string }>>;
  return {
    losses,
    frozen,
    lossNames: [...losses.ofImages, ...Object.keys(losses.acrossBatch)],
    scalars: Object.fromEntries(losses.scalars.map(name => [name, values[name]!])),
    scalarKeys: Object.fromEntries(losses.scalars.map(name => [name, fields[name]!.key])),
    maps: maps(config),
    rows: describe(config),
  };
}
