// The configuration of a training run: every choice that is not the network's, checked before anything is opened. Keys of a
// file are snake_case, as in config.json; here they are camelCase.

import * as v from 'valibot';
import { TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import type { Recompute } from '../graph/passes/recompute.js';
import { type Config, defaultConfig, parseConfig } from '../networks/config.js';
import {
  choice,
  type Field,
  type Fields,
  fieldsToJson,
  integer,
  keysOf,
  number,
  readFields,
} from '../networks/fields.js';
import { Network } from '../networks/network.js';
import { PRESETS } from '../networks/presets.js';
import { trainingOf } from '../networks/training-registry.js';
import type { DatasetReading } from '../node/datasets/dataset.js';
import { type AugmentSettings, retells } from './batch/augment.js';
import { type ParameterRule, parameterSettings } from './schedule.js';

/**
 * Sources of the defaults: "paper" is Language-guided Medical Image Segmentation with Target-informed Multi-level Contrastive
 * Alignments, "predecessor" the code of Ariadne's Thread (MICCAI 2023) where the paper is silent, "PyTorch" torch.optim.AdamW.
 */
export interface TrainConfig {
  /** Most passes over the data. 100 (predecessor). */
  readonly epochs: number;
  /** Records a step. 32 (paper). */
  readonly batch: number;
  /**
   * Records in memory at a time; divides `batch`. The contrast is over the batch all the same, BatchNorm's statistics are those
   * of a micro-batch. 0: the most that fit the device, the whole batch if it does.
   */
  readonly microBatch: number;
  /** What the backward pass computes again rather than keep, without any change of the result. auto: as little as fits. */
  readonly recompute: 'auto' | Recompute;
  /** Peak learning rate. 3e-4 (paper). */
  readonly lr: number;
  /** Learning rate at the end of the cosine. 1e-6 (paper). */
  readonly minLr: number;
  /** Optimiser steps from 0 to `lr`. 0 (paper: none). */
  readonly warmupSteps: number;
  /** AdamW's decoupled weight decay, of every parameter. 0.01 (PyTorch). */
  readonly weightDecay: number;
  /** Largest norm of all gradients together; longer ones are scaled down. 0, off (predecessor: none). */
  readonly clip: number;
  /** Decay a step of the averaged weights that are validated and published. 0, off (predecessor: none). */
  readonly ema: number;
  /** Zoom of 10 % (paper), by 0.95 to 1.2 (predecessor); neither colours nor mirroring nor other sentences. */
  readonly augment: AugmentSettings;
  /** One text in place of every record's, in training and validation: the same recipe without language. null: their own. */
  readonly textOverride: string | null;
  /** Which of the sentences that records have by name, as medvlsm's p0 to p9; null: the data set's usual one. */
  readonly prompt: string | null;
  /** COCO's category whose annotations are the masks. null: all categories. */
  readonly category: string | null;
  /** 0. */
  readonly seed: number;
  /**
   * Parameters, by the beginning of their names, that stay as they are; null: those that the network freezes by itself (of TMCA
   * text_encoder, as in its predecessor).
   */
  readonly freeze: readonly string[] | null;
  /** Exceptions from `freeze`, longer prefixes. None. */
  readonly thaw: readonly string[];
  /** Learning rates relative to `lr`, by the beginning of names. None. */
  readonly lrScale: Readonly<Record<string, number>>;
  /** Weight of the contrastive loss; null: the network's own `contrastive_weight` (1; the paper does not say). */
  readonly contrastiveWeight: number | null;
  /** Steps in which that weight grows from 0. 0: there from the first. */
  readonly contrastiveWarmupSteps: number;
  /** Epochs without a better validation score after which training ends; 0: never. 20 (predecessor). */
  readonly patience: number;
  /** Epochs before which it does not end. 20 (predecessor). */
  readonly minEpochs: number;
  /** Optimiser steps between checkpoints; 0: one an epoch. */
  readonly checkpointSteps: number;
  /** Path of the vocab.txt that sentences are read with, from the configuration's own folder where that is a file; null: that of the folder to start from, or the package's own. */
  readonly vocab: string | null;
  /** The network where training starts from nothing. A folder to start from brings its own, and then this does not count. */
  readonly model: Config | null;
}

/** The reader of values that a schema checks, and makes complete. */
const schemed =
  <T>(schema: v.GenericSchema<unknown, T>) =>
  (value: unknown): T | undefined => {
    const parsed = v.safeParse(schema, value);
    return parsed.success ? parsed.output : undefined;
  };

const optionalName = (key: string, of: string): Field<string | null> => ({
  key,
  rule: `null or the name of a ${of}`,
  read: schemed(v.nullable(v.pipe(v.string(), v.minLength(1)))),
  standard: null,
});

const prefixes = (key: string, standard: readonly string[]): Field<readonly string[]> => ({
  key,
  rule: 'a list of beginnings of parameter names, each once',
  read: schemed(
    v.pipe(
      v.array(v.pipe(v.string(), v.minLength(1))),
      v.check(list => new Set(list).size === list.length),
    ),
  ),
  standard,
});

const nullable = <T>(field: Field<T>): Field<T | null> => ({
  ...field,
  rule: `null or ${field.rule}`,
  read: value => (value === null ? null : field.read(value)),
});

const probability = v.pipe(v.number(), v.minValue(0), v.maxValue(1));
const factor = v.pipe(v.number(), v.minValue(0.1), v.maxValue(10));
const spread = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const perhaps = v.optional(probability, 0);

const texts = v.pipe(
  v.strictObject({
    ...{ none: perhaps, bare: perhaps, part: perhaps, wrong: perhaps },
    ...{ paraphrase: perhaps, synonyms: perhaps, typos: perhaps },
  }),
  v.check(({ none, bare, part, wrong }) => none + bare + part + wrong <= 1),
);

const STILL = {
  jitter: { probability: 0, brightness: 0, contrast: 0, saturation: 0 },
  flip: { probability: 0 },
  text: { none: 0, bare: 0, part: 0, wrong: 0, paraphrase: 0, synonyms: 0, typos: 0 },
} as const;

const augment: Field<AugmentSettings> = {
  key: 'augment',
  rule:
    '{"zoom": {probability, min, max}, "jitter": {probability, brightness, contrast, saturation}, "flip": {probability}, ' +
    '"text": {none, bare, part, wrong, paraphrase, synonyms, typos}} with probabilities, shares and spreads from 0 to 1, ' +
    'none + bare + part + wrong <= 1 and 0.1 <= min <= max <= 10',
  read: schemed(
    v.strictObject({
      zoom: v.optional(
        v.pipe(
          v.strictObject({ probability, min: factor, max: factor }),
          v.check(({ min, max }) => min <= max),
        ),
        { probability: 0, min: 1, max: 1 },
      ),
      jitter: v.optional(
        v.strictObject({ probability, brightness: spread, contrast: spread, saturation: spread }),
        STILL.jitter,
      ),
      flip: v.optional(v.strictObject({ probability }), STILL.flip),
      text: v.optional(texts, STILL.text),
    }),
  ),
  standard: { zoom: { probability: 0.1, min: 0.95, max: 1.2 }, ...STILL },
};

// Closed over TrainConfig: a field without its rule does not compile.
const RULES: Fields<Omit<TrainConfig, 'model'>> = {
  epochs: integer('epochs', 100, 1),
  batch: integer('batch', 32, 1, 65_536),
  microBatch: integer('micro_batch', 0, 0, 65_536),
  recompute: choice('recompute', ['auto', 'none', 'cheap', 'blocks'], 'auto'),
  lr: number('lr', 3e-4, 0, 10),
  minLr: number('min_lr', 1e-6, 0, 10),
  warmupSteps: integer('warmup_steps', 0, 0),
  weightDecay: number('weight_decay', 0.01, 0, 1),
  clip: number('clip', 0, 0, 1e9),
  ema: {
    ...number('ema', 0, 0, 1),
    rule: 'a number from 0 to below 1',
    read: schemed(v.pipe(probability, v.ltValue(1))),
  },
  augment,
  textOverride: {
    key: 'text_override',
    rule: 'null or a text that is not empty',
    read: schemed(
      v.nullable(
        v.pipe(
          v.string(),
          v.check(text => text.trim() !== ''),
        ),
      ),
    ),
    standard: null,
  },
  prompt: optionalName('prompt', "data set's prompt"),
  category: optionalName('category', 'category'),
  seed: integer('seed', 0, 0, Number.MAX_SAFE_INTEGER),
  freeze: { ...nullable(prefixes('freeze', [])), standard: null },
  thaw: prefixes('thaw', []),
  lrScale: {
    key: 'lr_scale',
    rule: 'an object of beginnings of parameter names, each with a number from 0 to 1000',
    read: schemed(v.record(v.pipe(v.string(), v.minLength(1)), v.pipe(v.number(), v.minValue(0), v.maxValue(1000)))),
    standard: {},
  },
  contrastiveWeight: {
    key: 'contrastive_weight',
    rule: 'null or a number from 0 to 1000',
    read: schemed(v.nullable(v.pipe(v.number(), v.minValue(0), v.maxValue(1000)))),
    standard: null,
  },
  contrastiveWarmupSteps: integer('contrastive_warmup_steps', 0, 0),
  patience: integer('patience', 20, 0),
  minEpochs: integer('min_epochs', 20, 0),
  checkpointSteps: integer('checkpoint_steps', 0, 0),
  vocab: {
    key: 'vocab',
    rule: 'null or the path of a vocab.txt',
    read: schemed(v.nullable(v.pipe(v.string(), v.minLength(1)))),
    standard: null,
  },
};

const KEYS = [...keysOf(RULES), 'model'];

/** What the command line says over the file. */
export type TrainOverrides = {
  readonly [K in 'epochs' | 'batch' | 'microBatch' | 'lr' | 'seed' | 'textOverride' | 'prompt' | 'category']?:
    | TrainConfig[K]
    | undefined;
};

/**
 * Checks the parsed content of a configuration file. Missing keys take the defaults; unknown ones are refused, because a slip
 * ("learning_rate") would train for a day with the default.
 *
 * Errors: CONFIG_INVALID, naming every key that breaks its rule, the rule and the value.
 *
 * @example
 * const config = parseTrainConfig({ epochs: 50, model: { image_size: 128 } }, 'train.json', { seed: 7 });
 */
export function parseTrainConfig(json: unknown, where: string, overrides: TrainOverrides = {}): TrainConfig {
  const fail = (complaints: readonly string[]) =>
    new TmcaError('CONFIG_INVALID', `parseTrainConfig: ${where}: ${complaints.join('; ')}; correct it`);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw fail([`a configuration must be a JSON object, got ${show(json)}`]);
  }
  const values = new Map<string, unknown>(Object.entries(json));
  for (const [name, value] of Object.entries(overrides)) {
    if (value !== undefined) values.set(RULES[name as keyof TrainOverrides].key, value);
  }
  const broken = [...values.keys()]
    .filter(key => !KEYS.includes(key))
    .map(key => `keys must be of ${KEYS.join(', ')}, got ${show(key)}`);
  const read = readFields(RULES, Object.fromEntries(values));
  broken.push(...read.broken);
  if (broken.length > 0) throw fail(broken);
  const model = values.get('model') ?? null;
  const config = { ...read.values, model: model === null ? null : parseConfig(model, `${where}: model`) };
  const unrelated = relations(config);
  if (unrelated.length > 0) throw fail(unrelated);
  return config;
}

/** Rules that bind several fields. */
function relations(c: TrainConfig): string[] {
  const broken: string[] = [];
  if (c.microBatch > 0 && c.batch % c.microBatch !== 0)
    broken.push(`micro_batch must divide batch, got ${c.microBatch} and ${c.batch}`);
  if (c.minLr > c.lr) broken.push(`min_lr must be at most lr, got ${c.minLr} and ${c.lr}`);
  const freeze = frozenBy(c.model ?? defaultConfig('tmca'), c);
  for (const prefix of c.thaw) {
    const inside = freeze.some(frozen => prefix.startsWith(`${frozen}.`));
    if (!inside) broken.push(`thaw must name a part of what freeze names, got ${show(prefix)} and ${show(freeze)}`);
  }
  return broken;
}

/** The content of a configuration file that gives this configuration, for `state.json`; all keys but `model`. */
export function trainConfigToJson(config: TrainConfig): Record<string, unknown> {
  return fieldsToJson<Omit<TrainConfig, 'model'>>(RULES, config);
}

/**
 * The network as the configuration trains it: with the weight that it gives the contrastive loss, if it gives one, and with an
 * optional sentence where some of its texts are none.
 *
 * Errors: CONFIG_INVALID, where the network has no such loss, or reads no sentences.
 */
export function configured(network: Config, { contrastiveWeight, augment }: TrainConfig): Config {
  const refuse = (what: string, without: string, got: unknown) =>
    new TmcaError(
      'CONFIG_INVALID',
      `train: ${what} must be left out for a network without ${without}, got ${show(got)} for ${network.network}; remove the key`,
    );
  const weighted = contrastiveWeight !== null && { contrastiveWeight };
  if (weighted && !Object.hasOwn(trainingOf(Network.of(network)).scalars, 'contrastiveWeight'))
    throw refuse('contrastive_weight', 'a contrastive loss', contrastiveWeight);
  if (retells(augment) && !Network.of(network).text) throw refuse('augment.text', 'sentences', augment.text);
  const told = augment.text.none > 0 && { text: 'optional' };
  return weighted || told ? ({ ...network, ...weighted, ...told } as Config) : network;
}

/** How a run reads its data set, from its configuration as `trainConfigToJson` gives it. */
export function readingOf(settings: Readonly<Record<string, unknown>>): DatasetReading {
  const { text_override: text, prompt, category } = settings;
  const given = Object.entries({ text, prompt, category }).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(given);
}

/** The parameters that stay as they are, by the beginning of their names. */
export const frozenBy = (network: Config, { freeze }: TrainConfig): readonly string[] =>
  freeze ?? trainingOf(Network.of(network)).frozen;

/** What `freeze`, `thaw` and `lrScale` say of a network, for `parameterSettings`. */
export function parameterRules(network: Config, config: TrainConfig): ParameterRule[] {
  const { thaw, lrScale } = config;
  const freeze = frozenBy(network, config);
  const rules = new Map<string, ParameterRule>();
  const add = (prefix: string, more: Omit<ParameterRule, 'prefix'>) =>
    rules.set(prefix, { prefix, ...rules.get(prefix), ...more });
  for (const prefix of freeze) add(prefix, { frozen: true });
  for (const prefix of thaw) add(prefix, { frozen: false });
  for (const [prefix, scale] of Object.entries(lrScale)) add(prefix, { lrScale: scale });
  return [...rules.values()];
}

/**
 * The parameters of a network that a configuration trains, each with its learning rate relative to the schedule's.
 * Errors: CONFIG_INVALID, where a rule names none, or nothing is left to train.
 */
export function trainedParameters(network: Config, config: TrainConfig): ReadonlyMap<string, number> {
  const settings = parameterSettings([...Network.of(network).parameters.keys()], parameterRules(network, config));
  return new Map([...settings].filter(([, { frozen }]) => !frozen).map(([name, { lrScale }]) => [name, lrScale]));
}

/**
 * What `--config` names: a preset, or a JSON file. A name of a preset is the preset; write `./nano` for a file of that name.
 * Without a name: the defaults.
 *
 * Errors: FILE_NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID.
 */
export async function resolveTrainConfig(
  fileOrPreset: string | undefined,
  overrides: TrainOverrides = {},
): Promise<TrainConfig> {
  if (fileOrPreset === undefined) return parseTrainConfig({}, 'the command line', overrides);
  if (Object.hasOwn(PRESETS, fileOrPreset)) {
    return parseTrainConfig(PRESETS[fileOrPreset as keyof typeof PRESETS], `preset ${fileOrPreset}`, overrides);
  }
  // lazily: the rest of this file runs in a page too
  const { readJson } = await import('../node/disk/read-file.js');
  const rule = `resolveTrainConfig: --config must name ${Object.keys(PRESETS).join(' or ')} or a JSON file`;
  const json = await readJson(fileOrPreset, { rule, advice: 'check the path and the file', invalid: 'CONFIG_INVALID' });
  const config = parseTrainConfig(json, fileOrPreset, overrides);
  if (config.vocab === null) return config;
  // a file names its neighbours
  const { dirname, resolve } = await import('node:path');
  return { ...config, vocab: resolve(dirname(fileOrPreset), config.vocab) };
}
