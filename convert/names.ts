// How other projects name the parameters of the two encoders: one table a convention, read both ways. What the network calls
// `image_encoder.NAME` and `text_encoder.NAME` has Hugging Face's own NAME, so that convention is written out like the others
// and the rest follows from it.

import type { Shape } from '../graph/graph.js';

export type Encoder = 'image' | 'text';

/** ConvNeXt's parts that have parameters. `{s}` is the stage, 0 to 3, `{b}` the block within it. */
type ImagePart =
  | 'patch'
  | 'patchNorm'
  | 'downNorm'
  | 'downConv'
  | 'depthwise'
  | 'blockNorm'
  | 'expand'
  | 'project'
  | 'scale'
  | 'norm';

export interface Convention {
  readonly id: string;
  /** For people. */
  readonly title: string;
  readonly encoder: Encoder;
  /** The one parameter that tells the convention: found by it, with whatever prefix stands before. */
  readonly anchor: string;
  /** Their name of a parameter that the network has, by its name after `image_encoder.` or `text_encoder.`. */
  theirs(name: string): string;
  /** Their shape where it is not the network's: other ones that are 1. */
  shape(name: string, shape: Shape): Shape;
  /** Older spellings, brought to the current one. */
  readonly spellings: readonly (readonly [RegExp, string])[];
  /** What belongs to their network and must be known: a name of this form that no part has means another architecture. */
  readonly inside: RegExp;
  /** Names that are left over by rule, and why. */
  readonly leftOver: readonly (readonly [RegExp, string])[];
  /** Parameters that a checkpoint may lack, by the network's name. */
  readonly optional: RegExp;
}

type ImageNames = Readonly<Record<ImagePart, string>>;

/** Hugging Face's: the network's own. */
const HF: ImageNames = {
  patch: 'embeddings.patch_embeddings',
  patchNorm: 'embeddings.layernorm',
  downNorm: 'encoder.stages.{s}.downsampling_layer.0',
  downConv: 'encoder.stages.{s}.downsampling_layer.1',
  depthwise: 'encoder.stages.{s}.layers.{b}.dwconv',
  blockNorm: 'encoder.stages.{s}.layers.{b}.layernorm',
  expand: 'encoder.stages.{s}.layers.{b}.pwconv1',
  project: 'encoder.stages.{s}.layers.{b}.pwconv2',
  scale: 'encoder.stages.{s}.layers.{b}.layer_scale_parameter',
  norm: 'layernorm',
};

const TIMM: ImageNames = {
  patch: 'stem.0',
  patchNorm: 'stem.1',
  downNorm: 'stages.{s}.downsample.0',
  downConv: 'stages.{s}.downsample.1',
  depthwise: 'stages.{s}.blocks.{b}.conv_dw',
  blockNorm: 'stages.{s}.blocks.{b}.norm',
  expand: 'stages.{s}.blocks.{b}.mlp.fc1',
  project: 'stages.{s}.blocks.{b}.mlp.fc2',
  scale: 'stages.{s}.blocks.{b}.gamma',
  norm: 'head.norm',
};

/** One sequence of features: stem, then stages (odd) and the downsampling before each (even). */
const TORCHVISION: ImageNames = {
  patch: 'features.0.0',
  patchNorm: 'features.0.1',
  downNorm: 'features.{2s}.0',
  downConv: 'features.{2s}.1',
  depthwise: 'features.{2s+1}.{b}.block.0',
  blockNorm: 'features.{2s+1}.{b}.block.2',
  expand: 'features.{2s+1}.{b}.block.3',
  project: 'features.{2s+1}.{b}.block.5',
  scale: 'features.{2s+1}.{b}.layer_scale',
  norm: 'classifier.0',
};

/** The authors' own code, github.com/facebookresearch/ConvNeXt. */
const ORIGINAL: ImageNames = {
  patch: 'downsample_layers.0.0',
  patchNorm: 'downsample_layers.0.1',
  downNorm: 'downsample_layers.{s}.0',
  downConv: 'downsample_layers.{s}.1',
  depthwise: 'stages.{s}.{b}.dwconv',
  blockNorm: 'stages.{s}.{b}.norm',
  expand: 'stages.{s}.{b}.pwconv1',
  project: 'stages.{s}.{b}.pwconv2',
  scale: 'stages.{s}.{b}.gamma',
  norm: 'norm',
};

/** The network's names as patterns, each with the part that it is. */
const PARTS = Object.entries(HF).map(([part, template]): readonly [RegExp, ImagePart] => {
  const digits = template.replaceAll('.', '\\.').replace('{s}', '(?<s>\\d+)').replace('{b}', '(?<b>\\d+)');
  return [new RegExp(`^${digits}(?<field>\\.weight|\\.bias)?$`), part as ImagePart];
});

function imageName(names: ImageNames, ours: string): string {
  for (const [pattern, part] of PARTS) {
    const groups = pattern.exec(ours)?.groups;
    if (!groups) continue;
    const s = Number(groups.s);
    const filled = names[part]
      .replace('{s}', `${s}`)
      .replace('{2s}', `${2 * s}`)
      .replace('{2s+1}', `${2 * s + 1}`);
    return filled.replace('{b}', groups.b ?? '') + (groups.field ?? '');
  }
  return ours;
}

interface ImageConvention extends Pick<Convention, 'inside' | 'leftOver'> {
  readonly title: string;
  readonly names: ImageNames;
  readonly spellings?: Convention['spellings'];
  /** Ones after the shape of a layer scale. */
  readonly scaleOnes?: number;
}

function imageConvention(id: string, { title, names, scaleOnes = 0, ...rest }: ImageConvention): Convention {
  return {
    id,
    title,
    encoder: 'image',
    anchor: `${names.patch}.weight`,
    theirs: ours => imageName(names, ours),
    shape: (ours, shape) =>
      ours.endsWith('.layer_scale_parameter') ? [...shape, ...Array<number>(scaleOnes).fill(1)] : shape,
    spellings: [],
    optional: /^layernorm\./,
    ...rest,
  };
}

const CLASSES = 'classification head';

/** Every convention that is read and written. */
export const CONVENTIONS = {
  hf: imageConvention('hf', {
    title: 'Hugging Face ConvNeXt',
    names: HF,
    inside: /^(embeddings|encoder)\./,
    leftOver: [
      [/^classifier\./, CLASSES],
      [/^hidden_states_norms\./, "norms of a backbone's outputs"],
    ],
  }),
  timm: imageConvention('timm', {
    title: 'timm ConvNeXt',
    names: TIMM,
    // features_only flattens the first level of names
    spellings: [[/^(stem|stages)_(\d+)\./, '$1.$2.']],
    inside: /^(stem|stages)\./,
    leftOver: [
      [/^head\.(fc|pre_logits)\./, CLASSES],
      [/^norm_pre\./, 'norm before the pooling, where this network has it after'],
    ],
  }),
  torchvision: imageConvention('torchvision', {
    title: 'torchvision ConvNeXt',
    names: TORCHVISION,
    scaleOnes: 2,
    inside: /^features\./,
    leftOver: [[/^classifier\.[1-9]/, CLASSES]],
  }),
  original: imageConvention('original', {
    title: "ConvNeXt as its authors' code names it",
    names: ORIGINAL,
    inside: /^(downsample_layers|stages)\./,
    leftOver: [[/^head\./, CLASSES]],
  }),
  bert: {
    id: 'bert',
    title: 'Hugging Face BERT',
    encoder: 'text',
    anchor: 'embeddings.word_embeddings.weight',
    theirs: ours => ours,
    shape: (_, shape) => shape,
    // TensorFlow's words for the two halves of a LayerNorm, in checkpoints that were converted from it
    spellings: [
      [/\bLayerNorm\.gamma$/, 'LayerNorm.weight'],
      [/\bLayerNorm\.beta$/, 'LayerNorm.bias'],
    ],
    inside: /^(embeddings|encoder)\./,
    leftOver: [
      [/^embeddings\.(position_ids|token_type_ids)$/, 'buffer of constants'],
      [/^pooler\./, 'pooler'],
      [/^(cls|lm_head|cls_projection_head)\./, 'pre-training head'],
      [/^(classifier|qa_outputs)\./, 'task head'],
    ],
    optional: /(?!)/,
  },
} as const satisfies Readonly<Record<string, Convention>>;

export type ConventionId = keyof typeof CONVENTIONS;

/** The network's prefix of an encoder's parameters. */
export const PREFIX: Readonly<Record<Encoder, string>> = { image: 'image_encoder.', text: 'text_encoder.' };

/** Their names of an encoder's parameters, by the network's. One to one. */
export function namesIn(convention: Convention, parameters: Iterable<string>): Map<string, string> {
  const prefix = PREFIX[convention.encoder];
  const own = [...parameters].filter(name => name.startsWith(prefix));
  return new Map(own.map(name => [name, convention.theirs(name.slice(prefix.length))]));
}
