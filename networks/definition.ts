// What a network must say of itself. `networks/NAME/` says it, registry.ts and training-registry.ts are the closed tables of all, and
// the rest of the package asks a `Network` (network.ts) or its `trainingOf`: nothing outside this folder knows one by name.

import type { Outputs, Tensor } from '../graph/graph.js';
import type { Block } from '../graph/passes/recompute.js';
import type { Fields } from './fields.js';

/** Evaluation uses BatchNorm's running statistics, training those of the batch. */
export type Mode = 'evaluation' | 'training';

/** How a network reads a sentence: as ids of WordPiece tokens. */
export interface TextInput {
  /** Tokens that the word table has. */
  readonly vocabSize: number;
  /** Tokens of a sentence with [CLS] and [SEP] that are used; longer ones are cut. */
  readonly maxLength: number;
  /** Tokens that the position table has. */
  readonly maxPositions: number;
  /** It has been trained without a sentence too: on [CLS] and [SEP] alone. */
  readonly optional: boolean;
}

/** The leaves of a network's graph: `image` [B,S,S,3], normalised, and with a text `ids` and `mask` [B,L]. */
export interface Inputs {
  readonly image: Tensor;
  /** i32, with [CLS] and [SEP]. */
  readonly ids?: Tensor;
  /** i32, 1 where there is a token. */
  readonly mask?: Tensor;
}

/** A network over its inputs. */
export interface Forward {
  /** [B,S,S,1] */
  readonly logits: Tensor;
  /** All that is inspected, the logits among it, under the names of the reference; maps are channels-last. */
  readonly named: Outputs;
  /** What losses across the batch compare, [B,C] each; empty where the configuration has no such loss. */
  readonly features: Outputs;
  /** BatchNorm's running statistics after this batch, by checkpoint name; none in evaluation. */
  readonly statistics: Outputs;
  /** Parts that training may compute twice rather than keep (`graph/passes/recompute.ts`). */
  readonly blocks: readonly Block[];
}

/** The parts of the training loss: the sum of those of images, and of those across the batch times their weights. */
export interface Losses<C> {
  /** Names of the parts that an image has for itself, as metrics call them. */
  readonly ofImages: readonly string[];
  /** Names of the parts that compare the images of a batch with each other, and the scalar that weighs each. */
  readonly acrossBatch: Readonly<Record<string, string>>;
  /** Numbers of the configuration that a schedule may move from step to step: inputs of the training graph by these names. */
  readonly scalars: readonly (keyof C & string)[];
  /** [1] each: means over the images. `target` [B,S,S,1] in {0,1}. */
  perImage(config: C, forward: Forward, target: Tensor): Readonly<Record<string, Tensor>>;
  /** [1] each, from the features of the whole batch. Asked only where there are features. */
  overBatch?(config: C, features: Outputs, target: Tensor): Readonly<Record<string, Tensor>>;
}

export interface NetworkDefinition<C extends { readonly imageSize: number }> {
  /** What people call it. */
  readonly title: string;
  /** The network's own fields of config.json. */
  readonly fields: Fields<C>;
  /** Standard values that follow from other fields, for keys that were not given. */
  complete?(values: C, given: ReadonlySet<string>): C;
  /** Rules that bind several fields; each complaint names its key, the rule and the values. */
  relations(config: C): readonly string[];
  /** Null where the network takes an image alone. */
  text(config: C): TextInput | null;
  build(config: C, inputs: Inputs, mode: Mode): Forward;
}

/** What training and its reports need of a network besides. Apart, since a page that segments loads none of it. */
export interface TrainingDefinition<C extends { readonly imageSize: number }> {
  readonly losses: Losses<C>;
  /** Beginnings of the names of parameters that training leaves as they are, unless it is told otherwise. */
  readonly frozen: readonly string[];
  /** Outputs among `named` that a report draws as maps over a picture, [B,1,H,W] in files, and what they show. */
  maps(config: C): readonly (readonly [output: string, title: string])[];
  /** The rows of the model card that describe the network: what, and how. */
  describe(config: C): readonly (readonly [what: string, how: string])[];
}
