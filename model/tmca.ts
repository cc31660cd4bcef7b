// TMCA, defined once: the network of the executable specification, op for op and name for name, over NHWC maps. Inference,
// training, quantisation and export are passes over what this file builds. Section numbers refer to the paper.

import { builder as b } from './builder.js';
import type { Config, Level } from './config.js';
import { type Shape, sizeOf, type Tensor } from './graph.js';
import { LEAKY_SLOPE } from './ops/activation.js';
import type { Block } from './passes/recompute.js';

/** Evaluation uses BatchNorm's running statistics, training those of the batch. */
export type Mode = 'evaluation' | 'training';

export interface TmcaInputs {
  /** [B,S,S,3], normalised. */
  readonly image: Tensor;
  /** [B,L] i32. */
  readonly ids: Tensor;
  /** [B,L] i32, 1 where there is a token. */
  readonly mask: Tensor;
}

export interface TmcaOutputs {
  /** [B,S,S,1] */
  readonly logits: Tensor;
  /** T, [B,L,text_dim] */
  readonly text: Tensor;
  /** I_g, [B,dims[3]] */
  readonly pooled: Tensor;
  /** I_1..I_4 at strides 4, 8, 16, 32, NHWC */
  readonly maps: readonly Tensor[];
  /** LTEM's gates, [B,H,W,1]; empty when enhancement is off */
  readonly enhancement: readonly Tensor[];
  /** What the contrastive loss compares at each level, [B,C] both */
  readonly pairs: Readonly<Record<Level, { readonly image: Tensor; readonly text: Tensor }>>;
  /** BatchNorm's running statistics after this batch, by checkpoint name; none in evaluation. */
  readonly statistics: Readonly<Record<string, Tensor>>;
  /** Parts that training may compute twice rather than keep (`passes/recompute.ts`). */
  readonly blocks: readonly Block[];
}

const CONVNEXT_EPS = 1e-6;
/** BERT's, and ConvNeXt's last LayerNorm. */
const BERT_EPS = 1e-12;
/** PyTorch's default, of the decoder's LayerNorms and BatchNorms. */
const DEFAULT_EPS = 1e-5;

/** PyTorch's default: how much of the batch's statistics goes into the running ones. */
const MOMENTUM = 0.1;

const DOWN_LEVELS = ['32', '16', '8'] as const;

/** Learned pieces by checkpoint name, brought from the checkpoint's layout into the graph's. */
function linear(x: Tensor, name: string, inChannels: number, outChannels: number): Tensor {
  return b.linear(
    x,
    b.parameter(`${name}.weight`, [outChannels, inChannels]),
    b.parameter(`${name}.bias`, [outChannels]),
  );
}

function layerNorm(x: Tensor, name: string, eps: number): Tensor {
  const channels = x.shape[x.shape.length - 1]!;
  return b.layerNorm(x, b.parameter(`${name}.weight`, [channels]), b.parameter(`${name}.bias`, [channels]), { eps });
}

interface ConvOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly bias?: boolean;
}

/** Checkpoint OIHW → graph OHWI. */
function conv2d(x: Tensor, name: string, outChannels: number, options: ConvOptions): Tensor {
  const { kernel, stride = 1, padding = 0, bias = true } = options;
  const stored: Shape = [outChannels, x.shape[3]!, kernel, kernel];
  const weight = b.permute(b.parameter(`${name}.weight`, stored), [0, 2, 3, 1]);
  return b.conv2d(x, weight, bias ? b.parameter(`${name}.bias`, [outChannels]) : null, { stride, padding });
}

/** Checkpoint [C,1,k,k] → graph [k,k,C]. */
function depthwise(x: Tensor, name: string, kernel: number): Tensor {
  const channels = x.shape[3]!;
  const stored = b.parameter(`${name}.weight`, [channels, 1, kernel, kernel]);
  const weight = b.permute(b.reshape(stored, [channels, kernel, kernel]), [1, 2, 0]);
  return b.depthwise(x, weight, b.parameter(`${name}.bias`, [channels]));
}

/** Transposed 2x2 convolution of stride 2: a linear to four pixels' channels, then their places. Checkpoint [I,O,2,2]. */
function upsample(x: Tensor, name: string, outChannels: number): Tensor {
  const inChannels = x.shape[3]!;
  const stored = b.parameter(`${name}.weight`, [inChannels, outChannels, 2, 2]);
  const weight = b.reshape(b.permute(stored, [2, 3, 1, 0]), [4 * outChannels, inChannels]);
  return b.depthToSpace(b.linear(x, weight), { block: 2, order: 'DCR' });
}

/**
 * BatchNorm and the leaky ReLU behind it. In training the batch's own statistics normalise, and what the running ones become is
 * put into `statistics`.
 */
function batchNorm(x: Tensor, name: string, { mode, statistics }: Run): Tensor {
  const channels = x.shape[3]!;
  const p = (field: string) => b.parameter(`${name}.${field}`, [channels]);
  const [weight, bias, eps] = [p('weight'), p('bias'), DEFAULT_EPS];
  if (mode === 'evaluation') {
    const y = b.batchNorm(x, weight, bias, p('running_mean'), p('running_var'), { eps });
    return b.leakyRelu(y, LEAKY_SLOPE);
  }
  const ofBatch = b.batchStatistics(x);
  const count = sizeOf(x.shape) / channels;
  const mix = (field: string, row: number, factor: number) => {
    const kept = b.mul(p(field), b.scalar(1 - MOMENTUM));
    const found = b.reshape(b.slice(ofBatch, { axis: 0, start: row, end: row + 1 }), [channels]);
    statistics[`${name}.${field}`] = b.add(kept, b.mul(found, b.scalar(MOMENTUM * factor)));
  };
  mix('running_mean', 0, 1);
  // Unbiased, as torch keeps it; a single value has no unbiased variance, and torch refuses it.
  mix('running_var', 1, count / Math.max(count - 1, 1));
  return b.batchNormTraining(x, weight, bias, ofBatch, { eps, slope: LEAKY_SLOPE });
}

/** What one building of the network carries along. */
interface Run {
  readonly mode: Mode;
  readonly statistics: Record<string, Tensor>;
  readonly blocks: Block[];
}

/** Notes that `output` can be made again from `inputs`. */
function asBlock({ blocks }: Run, inputs: readonly Tensor[], output: Tensor): Tensor {
  blocks.push({ inputs, output });
  return output;
}

/** ConvNeXt (section 3.1): the maps I_1..I_4 and the pooled I_g. */
function imageEncoder(image: Tensor, c: Config, run: Run): { maps: Tensor[]; pooled: Tensor } {
  const root = 'image_encoder';
  let x = conv2d(image, `${root}.embeddings.patch_embeddings`, c.dims[0]!, { kernel: 4, stride: 4 });
  x = layerNorm(x, `${root}.embeddings.layernorm`, CONVNEXT_EPS);
  const maps = c.dims.map((dim, s) => {
    const stage = `${root}.encoder.stages.${s}`;
    if (s > 0) {
      x = layerNorm(x, `${stage}.downsampling_layer.0`, CONVNEXT_EPS);
      x = conv2d(x, `${stage}.downsampling_layer.1`, dim, { kernel: 2, stride: 2 });
    }
    for (let d = 0; d < c.depths[s]!; d++) x = asBlock(run, [x], convNextBlock(x, `${stage}.layers.${d}`, dim));
    return x;
  });
  const pooled = b.reshape(b.mean(x, [1, 2]), [x.shape[0]!, c.dims[3]!]);
  return { maps, pooled: layerNorm(pooled, `${root}.layernorm`, BERT_EPS) };
}

function convNextBlock(x: Tensor, name: string, dim: number): Tensor {
  let y = layerNorm(depthwise(x, `${name}.dwconv`, 7), `${name}.layernorm`, CONVNEXT_EPS);
  y = linear(b.gelu(linear(y, `${name}.pwconv1`, dim, 4 * dim)), `${name}.pwconv2`, 4 * dim, dim);
  return b.add(x, b.mul(y, b.parameter(`${name}.layer_scale_parameter`, [dim])));
}

const firstRows = (x: Tensor, end: number): Tensor => b.slice(x, { axis: 0, start: 0, end });

/** BERT (section 3.1): T, the mean of the last three layers' outputs. */
function textEncoder(ids: Tensor, mask: Tensor, c: Config, run: Run): Tensor {
  const root = 'text_encoder';
  const length = ids.shape[1]!;
  const d = c.textDim;
  const table = (name: string, count: number) => b.parameter(`${root}.embeddings.${name}.weight`, [count, d]);
  const words = b.embedding(table('word_embeddings', c.vocabSize), ids);
  const type = firstRows(table('token_type_embeddings', 2), 1);
  const positions = table('position_embeddings', c.maxPositions);
  // What is known at load is made once for all lengths; training adds it anew at every step, and no more than it reads.
  const places =
    run.mode === 'training' ? b.add(firstRows(positions, length), type) : firstRows(b.add(positions, type), length);
  let x = layerNorm(b.add(words, places), `${root}.embeddings.LayerNorm`, BERT_EPS);
  const outs: Tensor[] = [];
  for (let i = 0; i < c.textLayers; i++) {
    x = asBlock(run, [x, mask], bertLayer(x, mask, `${root}.encoder.layer.${i}`, c));
    outs.push(x);
  }
  const [first, second, third] = outs.slice(-3) as [Tensor, Tensor, Tensor];
  return b.mul(b.add(b.add(first, second), third), b.scalar(1 / 3));
}

function bertLayer(x: Tensor, mask: Tensor, name: string, c: Config): Tensor {
  const d = c.textDim;
  const [q, k, v] = ['query', 'key', 'value'].map(part => linear(x, `${name}.attention.self.${part}`, d, d)) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const attended = b.attention(q, k, v, mask, { heads: c.textHeads });
  const y = layerNorm(
    b.add(x, linear(attended, `${name}.attention.output.dense`, d, d)),
    `${name}.attention.output.LayerNorm`,
    BERT_EPS,
  );
  const hidden = b.gelu(linear(y, `${name}.intermediate.dense`, d, c.textFfn));
  return layerNorm(
    b.add(y, linear(hidden, `${name}.output.dense`, c.textFfn, d)),
    `${name}.output.LayerNorm`,
    BERT_EPS,
  );
}

/** Sinusoidal positions over the flattened sequence, [length, dim]. */
export const sinusoid = (length: number, dim: number): Tensor =>
  b.computed(`sinusoid ${length} ${dim}`, [length, dim], () => {
    const values = new Float64Array(length * dim);
    for (let i = 0; i < dim; i += 2) {
      const rate = Math.exp(i * -(Math.log(10000) / dim));
      for (let pos = 0; pos < length; pos++) {
        values[pos * dim + i] = Math.sin(pos * rate);
        if (i + 1 < dim) values[pos * dim + i + 1] = Math.cos(pos * rate);
      }
    }
    return values;
  });

interface AttentionInputs {
  readonly q: Tensor;
  readonly k: Tensor;
  readonly v: Tensor;
  readonly mask: Tensor | null;
}

function projectedAttention({ q, k, v, mask }: AttentionInputs, name: string, heads: number): Tensor {
  const dim = q.shape[2]!;
  const project = (x: Tensor, part: string) => linear(x, `${name}.${part}`, dim, dim);
  const y = b.attention(project(q, 'q_proj'), project(k, 'k_proj'), project(v, 'v_proj'), mask, { heads });
  return project(y, 'out_proj');
}

interface DecoderInputs {
  /** [B,H,W,C] */
  readonly x: Tensor;
  /** [B,2H,2W,C'] */
  readonly skip: Tensor;
  /** Projected, [B,L,C], and which of its tokens there are. */
  readonly text: Tensor;
  readonly mask: Tensor;
  /** LTEM's, [B,2H,2W,1], if there is one. */
  readonly gate: Tensor | null;
}

/** Section 3.2: self-attention, cross-attention to the text, then a U-Net upsample block; [B,2H,2W,C']. */
function decoderBlock({ x, skip, text, mask, gate }: DecoderInputs, name: string, c: Config, run: Run): Tensor {
  const { heads, maxTextLength: longest } = c;
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const outChannels = skip.shape[3]!;
  const positions = sinusoid(height * width, channels);
  let tokens: Tensor = b.reshape(x, [batch, height * width, channels]);
  const y = layerNorm(tokens, `${name}.norm1`, DEFAULT_EPS);
  const placed = b.add(y, positions);
  const self = projectedAttention({ q: placed, k: placed, v: y, mask: null }, `${name}.self_attn`, heads);
  tokens = asBlock(run, [x], b.add(tokens, layerNorm(self, `${name}.self_attn_norm`, DEFAULT_EPS)));
  const attended = tokens;
  const queries = b.add(layerNorm(tokens, `${name}.norm2`, DEFAULT_EPS), positions);
  const length = text.shape[1]!;
  const keys = b.add(text, firstRows(sinusoid(Math.max(length, longest), channels), length));
  const cross = projectedAttention({ q: queries, k: keys, v: text, mask }, `${name}.cross_attn`, heads);
  tokens = b.add(tokens, layerNorm(cross, `${name}.cross_attn_norm`, DEFAULT_EPS));
  asBlock(run, [attended, text, mask], tokens);
  const up = upsample(b.reshape(tokens, [batch, height, width, channels]), `${name}.upsample`, outChannels);
  const convolve = (map: Tensor, i: 1 | 2) => {
    const convolved = conv2d(map, `${name}.conv${i}`, outChannels, { kernel: 3, padding: 1, bias: false });
    return batchNorm(convolved, `${name}.bn${i}`, run);
  };
  const map = asBlock(run, [tokens, skip], convolve(b.concat([up, skip], { axis: 3 }), 1));
  const out = convolve(map, 2);
  return gate === null ? asBlock(run, [map], out) : asBlock(run, [map, gate], b.mul(out, gate));
}

/** Sub-pixel convolution x4, then a 1x1 convolution to one logit. */
function head(x: Tensor, c: Config): Tensor {
  const spread = conv2d(x, 'head.subpixel', c.headChannels * 16, { kernel: 3, padding: 1 });
  return conv2d(b.depthToSpace(spread, { block: 4, order: 'CRD' }), 'head.out', 1, { kernel: 1 });
}

/** LTEM's map of features [B,H,W,C] and a pooled text [B,C]: [B,2H,2W,1]. */
function enhancementMap(features: Tensor, text: Tensor, { tauEnhance, ltemNormalize }: Config): Tensor {
  const map = b.ltem(features, text, { tau: tauEnhance });
  const [, height, width] = features.shape as [number, number, number];
  return ltemNormalize === 'mean1' ? map : b.mul(map, b.scalar(1 / (height * width)));
}

const mean = (map: Tensor): Tensor => b.reshape(b.mean(map, [1, 2]), [map.shape[0]!, map.shape[3]!]);

/**
 * The whole network over its three inputs. Every switch of `config` that changes the network is honoured here. Training has ops
 * of its own: see `addGradientRules`.
 */
export function tmca(config: Config, { image, ids, mask }: TmcaInputs, mode: Mode = 'evaluation'): TmcaOutputs {
  const run: Run = { mode, statistics: {}, blocks: [] };
  const { maps, pooled } = imageEncoder(image, config, run);
  const text = textEncoder(ids, mask, config, run);
  const project = (level: Level, dim: number) => linear(text, `decoder.text_proj.${level}`, config.textDim, dim);
  const pairs: Partial<Record<Level, { image: Tensor; text: Tensor }>> = {
    G: { image: pooled, text: b.maskedMean(project('G', config.dims[3]!), mask) },
  };
  const enhancement: Tensor[] = [];
  let x = maps[3]!;
  DOWN_LEVELS.forEach((level, i) => {
    const projected = project(level, config.dims[3 - i]!);
    const textGlobal = b.maskedMean(projected, mask);
    pairs[level] = { image: mean(x), text: textGlobal };
    const map = config.enhance ? enhancementMap(x, textGlobal, config) : null;
    if (map) enhancement.push(map);
    // x + x g as one product, which stays an epilogue of the convolution before it
    const gate = map && config.ltemApply === 'residual' ? b.add(map, b.scalar(1)) : map;
    const inputs = { x, skip: maps[2 - i]!, text: projected, mask, gate };
    x = decoderBlock(inputs, `decoder.blocks.${i}`, config, run);
  });
  return {
    logits: head(x, config),
    text,
    pooled,
    maps,
    enhancement,
    pairs: pairs as TmcaOutputs['pairs'],
    statistics: run.statistics,
    blocks: run.blocks,
  };
}

/** The network's input leaves for a batch of images and sentences of one padded length. */
export function tmcaInputs(config: Config, batch: number, length: number): TmcaInputs {
  return {
    image: b.input('image', [batch, config.imageSize, config.imageSize, 3]),
    ids: b.input('ids', [batch, length], 'i32'),
    mask: b.input('mask', [batch, length], 'i32'),
  };
}
