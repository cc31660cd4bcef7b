// The configuration of one TMCA network. Field names are those of the reference's Config, in snake_case in files and in
// camelCase here. Sizes are bounded, because plans and positional tables are sized from them before any weight is read.

import { show } from '../../errors/show.js';
import { choice, type Field, type Fields, flag, integer, isInteger, isNumber, taken } from '../fields.js';

/** Levels of the contrastive alignment: the pooled image, and the decoder's maps by stride. */
export type Level = 'G' | '32' | '16' | '8';
export type PerStage = readonly [number, number, number, number];

/** Channels at strides 1 and 2, or none. */
export type StemDims = readonly [] | readonly [number, number];

/** What a TMCA network is, all fields present. Section numbers are the paper's. */
export interface TmcaConfig {
  /** Side of the square input, in pixels; a multiple of 32, the stride of the deepest map. */
  readonly imageSize: number;
  /**
   * What encodes the image: ConvNeXt as in the paper (section 3.1), or the descending half of a U-Net, which learns more from few
   * images where nothing is pretrained.
   */
  readonly imageEncoder: 'convnext' | 'unet';
  /**
   * Channels of two convolved maps at strides 1 and 2, before the first stage. The decoder joins them in two more steps, in place
   * of the paper's sub-pixel head. None: ConvNeXt begins with its 4x4 patches, and the sub-pixel head enlarges by four.
   */
  readonly stemDims: StemDims;
  /** ConvNeXt blocks of each stage; a U-Net has two convolutions on each level, and does not read this. */
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
  /** Channels between the sub-pixel head's shuffle and its 1x1 convolution; not read where there are `stemDims`. */
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
  /** Tokens of a sentence with [CLS] and [SEP], at most `maxPositions`. */
  readonly maxTextLength: number;
  /** Whether an image needs a sentence, or the network has been trained without one too: on [CLS] and [SEP] alone. */
  readonly text: 'required' | 'optional';
}

const perStage = (key: string, standard: PerStage, max: number): Field<PerStage> => ({
  key,
  rule: `four integers from 1 to ${max}`,
  read: taken(value => Array.isArray(value) && value.length === 4 && value.every(n => isInteger(n, 1, max))),
  standard,
});

const temperature = (key: string, standard: number): Field<number> => ({
  key,
  rule: 'a finite number above 0',
  read: taken(value => isNumber(value, Number.MIN_VALUE, Number.MAX_VALUE)),
  standard,
});

const LEVELS = ['G', '32', '16', '8'] as const satisfies readonly Level[];

/** The standard values are ConvNeXt-Tiny and CXR-BERT at 224 x 224, as in the paper. */
export const fields: Fields<TmcaConfig> = {
  imageSize: {
    key: 'image_size',
    rule: 'a multiple of 32 from 32 to 2048',
    read: taken(value => isInteger(value, 32, 2048) && (value as number) % 32 === 0),
    standard: 224,
  },
  imageEncoder: choice('image_encoder', ['convnext', 'unet'], 'convnext'),
  stemDims: {
    key: 'stem_dims',
    rule: 'an empty list, or two integers from 1 to 4096',
    read: taken(
      value =>
        Array.isArray(value) && (value.length === 0 || value.length === 2) && value.every(n => isInteger(n, 1, 4096)),
    ),
    standard: [],
  },
  depths: perStage('depths', [3, 3, 9, 3], 64),
  dims: perStage('dims', [96, 192, 384, 768], 4096),
  vocabSize: integer('vocab_size', 30522, 1, 1_000_000),
  // T is the mean of the last three layers (section 3.1)
  textLayers: integer('text_layers', 12, 3, 64),
  textDim: integer('text_dim', 768, 1, 4096),
  textHeads: integer('text_heads', 12, 1, 256),
  textFfn: integer('text_ffn', 3072, 1, 16384),
  maxPositions: integer('max_positions', 512, 2, 8192),
  heads: integer('heads', 4, 1, 256),
  headChannels: integer('head_channels', 24, 1, 1024),
  tauTarget: temperature('tau_target', 0.1),
  tauSimilarity: temperature('tau_similarity', 0.1),
  tauEnhance: temperature('tau_enhance', 1),
  levels: {
    key: 'levels',
    rule: 'a list of "G", "32", "16" and "8", each at most once',
    read: taken(
      value =>
        Array.isArray(value) && new Set(value).size === value.length && value.every(level => LEVELS.includes(level)),
    ),
    standard: LEVELS,
  },
  targetInformed: flag('target_informed', true),
  enhance: flag('enhance', true),
  ltemNormalize: choice('ltem_normalize', ['mean1', 'softmax'], 'mean1'),
  ltemApply: choice('ltem_apply', ['multiply', 'residual'], 'multiply'),
  contrastiveWeight: {
    key: 'contrastive_weight',
    rule: 'a finite number of at least 0',
    read: taken(value => isNumber(value, 0, Number.MAX_VALUE)),
    standard: 1,
  },
  // [CLS] and [SEP] at the least
  maxTextLength: integer('max_text_length', 512, 2, 8192),
  text: choice('text', ['required', 'optional'], 'required'),
};

/** A sentence may be as long as the position table, up to BERT's 512 tokens. */
export const complete = (values: TmcaConfig, given: ReadonlySet<string>): TmcaConfig =>
  given.has('maxTextLength') ? values : { ...values, maxTextLength: Math.min(values.maxPositions, 512) };

/** Rules that bind several fields; each complaint names its key, the rule and the values. */
export function relations(c: TmcaConfig): string[] {
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
  expect(
    c.imageEncoder !== 'unet' || c.stemDims.length === 2,
    'stem_dims must be two integers where image_encoder is "unet", which begins with maps at strides 1 and 2, got []',
  );
  expect(c.textDim % c.textHeads === 0, `text_heads must divide text_dim, got ${c.textHeads} and ${c.textDim}`);
  expect(
    c.maxTextLength <= c.maxPositions,
    `max_text_length must be at most max_positions, got ${c.maxTextLength} and ${c.maxPositions}`,
  );
  return broken;
}
