// config.json: the size and the choices of one TMCA network. Field names are those of the reference's Config in snake_case;
// here they are camelCase. Sizes are bounded, because plans and positional tables are sized from them before any weight is read.

import * as v from 'valibot';
import { TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';

/** Levels of the contrastive alignment: the pooled image, and the decoder's maps by stride. */
export type Level = 'G' | '32' | '16' | '8';
export type PerStage = readonly [number, number, number, number];

/** What a network is, all fields present. Section numbers are the paper's. */
export interface Config {
  /** Side of the square input, in pixels; a multiple of 32, the stride of the deepest map. */
  readonly imageSize: number;
  /** ConvNeXt blocks of each stage. */
  readonly depths: PerStage;
  /** Channels of each stage, at strides 4, 8, 16 and 32. */
  readonly dims: PerStage;
  readonly vocabSize: number;
  readonly textLayers: number;
  readonly textDim: number;
  readonly textHeads: number;
  /** Width of the text encoder's feed-forward layer. */
  readonly textFfn: number;
  /** Rows of the text encoder's position table. */
  readonly maxPositions: number;
  /** Heads of the decoder's self- and cross-attention. */
  readonly heads: number;
  /** Channels between the head's pixel shuffle and its 1x1 convolution. */
  readonly headChannels: number;
  /** tau_1, section 3.2.1. */
  readonly tauTarget: number;
  /** tau_2, section 3.2.1. */
  readonly tauSimilarity: number;
  /** tau_3, section 3.2.3. */
  readonly tauEnhance: number;
  /** Where the contrastive loss applies (section 3.2.2); none turns it off. */
  readonly levels: readonly Level[];
  /** Targets of the contrastive loss from mask overlap (TSDM); false: identity. */
  readonly targetInformed: boolean;
  /** Language-guided target enhancement (LTEM, section 3.2.3). */
  readonly enhance: boolean;
  /** Scale of LTEM's softmax over the N sub-regions: times N, so that its mean is 1, or as it is. Open in the paper. */
  readonly ltemNormalize: 'mean1' | 'softmax';
  /** What LTEM's map g makes of the features x: x g, or x + x g. Open in the paper. */
  readonly ltemApply: 'multiply' | 'residual';
  readonly contrastiveWeight: number;
  readonly name: string;
  readonly version: string;
  readonly normalize: 'zscore' | 'imagenet';
  /** Tokens of a report with [CLS] and [SEP], at most `maxPositions`. */
  readonly maxTextLength: number;
  /** How the folder's weights are stored. */
  readonly dtype: 'fp32' | 'fp16' | 'int8';
  /** Keys that this package does not know, written back as they came. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** ConvNeXt-Tiny and CXR-BERT at 224 x 224, as in the paper. */
export const DEFAULT_CONFIG: Config = {
  imageSize: 224,
  depths: [3, 3, 9, 3],
  dims: [96, 192, 384, 768],
  vocabSize: 30522,
  textLayers: 12,
  textDim: 768,
  textHeads: 12,
  textFfn: 3072,
  maxPositions: 512,
  heads: 4,
  headChannels: 24,
  tauTarget: 0.1,
  tauSimilarity: 0.1,
  tauEnhance: 1,
  levels: ['G', '32', '16', '8'],
  targetInformed: true,
  enhance: true,
  ltemNormalize: 'mean1',
  ltemApply: 'multiply',
  contrastiveWeight: 1,
  name: 'tmca',
  version: '0.0.0',
  normalize: 'zscore',
  maxTextLength: 512,
  dtype: 'fp32',
  extra: {},
};

type Known = Exclude<keyof Config, 'extra'>;

interface Field<T> {
  /** Key in config.json. */
  readonly key: string;
  /** Completes "KEY must be …". */
  readonly rule: string;
  readonly schema: v.GenericSchema<unknown, T>;
}

const integer = (min: number, max: number) => v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max));

const size = (key: string, max: number, min = 1): Field<number> => ({
  key,
  rule: `an integer from ${min} to ${max}`,
  schema: integer(min, max),
});

const perStage = (key: string, max: number): Field<PerStage> => ({
  key,
  rule: `four integers from 1 to ${max}`,
  schema: v.strictTuple([integer(1, max), integer(1, max), integer(1, max), integer(1, max)]),
});

const temperature = (key: string): Field<number> => ({
  key,
  rule: 'a finite number above 0',
  schema: v.pipe(v.number(), v.finite(), v.gtValue(0)),
});

const flag = (key: string): Field<boolean> => ({ key, rule: 'true or false', schema: v.boolean() });

const label = (key: string): Field<string> => ({
  key,
  rule: 'text of 1 to 200 characters',
  schema: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
});

const choice = <T extends string>(key: string, options: readonly T[]): Field<T> => ({
  key,
  rule: `one of ${options.join(', ')}`,
  schema: v.picklist(options),
});

const LEVELS = ['G', '32', '16', '8'] as const satisfies readonly Level[];

// Closed over Config: a field without its rule does not compile.
const FIELDS: { readonly [K in Known]: Field<Config[K]> } = {
  imageSize: {
    key: 'image_size',
    rule: 'a multiple of 32 from 32 to 2048',
    schema: v.pipe(integer(32, 2048), v.multipleOf(32)),
  },
  depths: perStage('depths', 64),
  dims: perStage('dims', 4096),
  vocabSize: size('vocab_size', 1_000_000),
  // T is the mean of the last three layers (section 3.1)
  textLayers: size('text_layers', 64, 3),
  textDim: size('text_dim', 4096),
  textHeads: size('text_heads', 256),
  textFfn: size('text_ffn', 16384),
  maxPositions: size('max_positions', 8192, 2),
  heads: size('heads', 256),
  headChannels: size('head_channels', 1024),
  tauTarget: temperature('tau_target'),
  tauSimilarity: temperature('tau_similarity'),
  tauEnhance: temperature('tau_enhance'),
  levels: {
    key: 'levels',
    rule: 'a list of "G", "32", "16" and "8", each at most once',
    schema: v.pipe(
      v.array(v.picklist(LEVELS)),
      v.check(levels => new Set(levels).size === levels.length),
    ),
  },
  targetInformed: flag('target_informed'),
  enhance: flag('enhance'),
  ltemNormalize: choice('ltem_normalize', ['mean1', 'softmax']),
  ltemApply: choice('ltem_apply', ['multiply', 'residual']),
  contrastiveWeight: {
    key: 'contrastive_weight',
    rule: 'a finite number of at least 0',
    schema: v.pipe(v.number(), v.finite(), v.minValue(0)),
  },
  name: label('name'),
  version: label('version'),
  normalize: choice('normalize', ['zscore', 'imagenet']),
  // [CLS] and [SEP] at the least
  maxTextLength: size('max_text_length', 8192, 2),
  dtype: choice('dtype', ['fp32', 'fp16', 'int8']),
};

const KNOWN = Object.keys(FIELDS) as Known[];
const KNOWN_KEYS: ReadonlySet<string> = new Set(KNOWN.map(name => FIELDS[name].key));

/** Rules that bind several fields; each complaint names its key, the rule and the values. */
function relations(c: Config): string[] {
  const broken: string[] = [];
  const expect = (holds: boolean, complaint: string) => void (holds || broken.push(complaint));
  const stages = c.dims.slice(1);
  expect(
    stages.every(dim => dim % c.heads === 0),
    `heads must divide dims[1], dims[2] and dims[3], got ${c.heads} and ${show(stages)}`,
  );
  expect(
    stages.every(dim => dim % 2 === 0),
    `dims must be even from dims[1] on (sines and cosines alternate), got ${show(stages)}`,
  );
  expect(c.textDim % c.textHeads === 0, `text_heads must divide text_dim, got ${c.textHeads} and ${c.textDim}`);
  expect(
    c.maxTextLength <= c.maxPositions,
    `max_text_length must be at most max_positions, got ${c.maxTextLength} and ${c.maxPositions}`,
  );
  return broken;
}

/**
 * Checks the parsed content of a config.json. Missing keys take the defaults (`max_text_length`: the smaller of 512 and
 * `max_positions`); unknown ones are kept in `extra`.
 *
 * @param where The file's name, for messages.
 * @throws TmcaError CONFIG_INVALID, naming every key that breaks its rule, the rule and the value.
 * @example
 * const config = parseConfig(JSON.parse(text), 'models/nano-128/config.json');
 */
export function parseConfig(json: unknown, where: string): Config {
  const fail = (complaints: readonly string[]) =>
    new TmcaError('CONFIG_INVALID', `parseConfig: ${where}: ${complaints.join('; ')}; correct the file`);
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw fail([`a configuration must be a JSON object, got ${show(json)}`]);
  }
  const broken: string[] = [];
  const given: Partial<Record<Known, unknown>> = {};
  for (const name of KNOWN) {
    const { key, rule, schema } = FIELDS[name];
    // own keys only: what a prototype holds is not the file's
    if (!Object.hasOwn(json, key)) continue;
    const value = (json as Record<string, unknown>)[key];
    const parsed = v.safeParse(schema, value);
    if (parsed.success) given[name] = parsed.output;
    else broken.push(`${key} must be ${rule}, got ${show(value)}`);
  }
  if (broken.length > 0) throw fail(broken);
  // fromEntries defines properties, so a key named __proto__ stays a plain key
  const extra = Object.fromEntries(Object.entries(json).filter(([key]) => !KNOWN_KEYS.has(key)));
  const config = { ...DEFAULT_CONFIG, ...(given as Partial<Config>), extra };
  const complete: Config = {
    ...config,
    maxTextLength: (given.maxTextLength as number | undefined) ?? Math.min(config.maxPositions, 512),
  };
  const unrelated = relations(complete);
  if (unrelated.length > 0) throw fail(unrelated);
  return complete;
}

/** The content of a config.json: every field under its snake_case key, then the unknown keys as they came. */
export function configToJson(config: Config): Record<string, unknown> {
  const known = KNOWN.map((name): [string, unknown] => [FIELDS[name].key, config[name]]);
  const extra = Object.entries(config.extra).filter(([key]) => !KNOWN_KEYS.has(key));
  return Object.fromEntries([...known, ...extra]);
}
