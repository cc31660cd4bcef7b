// TMCA, defined once: the network of the executable specification, op for op and name for name, over NHWC maps. Inference,
// training, quantization and export are passes over what this file builds. Section numbers refer to the paper.

import { builder as b } from '../../graph/builder.js';
import type { Outputs, Tensor } from '../../graph/graph.js';
import type { Forward, Inputs, Mode } from '../definition.js';
import { asBlock, batchNorm, conv2d, depthwise, layerNorm, linear, NORM_EPS, type Run, upsample } from '../layers.js';
import type { Level, TmcaConfig } from './config.js';

const CONVNEXT_EPS = 1e-6;
/** BERT's, and ConvNeXt's last LayerNorm. */
const BERT_EPS = 1e-12;
/** PyTorch's default slope of a leaky ReLU. */
const LEAKY_SLOPE = 0.01;

/** Where the parameters of the image encoder are in a checkpoint. */
const IMAGE = 'image_encoder';

const DOWN_LEVELS = ['32', '16', '8'] as const;

/** Maps of an image: `stem` at strides 1 and 2 where the configuration has them, I_1..I_4 at strides 4 to 32, and the pooled I_g. */
interface EncodedImage {
  readonly stem: readonly Tensor[];
  readonly maps: readonly Tensor[];
  readonly pooled: Tensor;
}

/** The image encoder (section 3.1). */
function encodeImage(image: Tensor, c: TmcaConfig, run: Run): EncodedImage {
  const stem: Tensor[] = [];
  let x = image;
  for (const [i, dim] of c.stemDims.entries()) {
    x = convolutions(i > 0 ? halved(x) : x, `${IMAGE}.stem.${i}`, dim, run);
    stem.push(x);
  }
  const maps = c.imageEncoder === 'unet' ? unetStages(x, c, run) : convNextStages(x, c, run);
  const deepest = maps[3]!;
  const pooled = b.reshape(b.mean(deepest, [1, 2]), [deepest.shape[0]!, c.dims[3]!]);
  return { stem, maps, pooled: layerNorm(pooled, `${IMAGE}.layernorm`, BERT_EPS) };
}

const halved = (x: Tensor): Tensor => b.maxPool(x, { size: 2, stride: 2, padding: 0 });

/** Two 3x3 convolutions, each with BatchNorm and a leaky ReLU. */
function convolutions(x: Tensor, name: string, channels: number, run: Run): Tensor {
  const first = asBlock(run, [x], convolve(x, name, 1, channels, run));
  return asBlock(run, [first], convolve(first, name, 2, channels, run));
}

function convolve(x: Tensor, name: string, i: 1 | 2, channels: number, run: Run): Tensor {
  const convolved = conv2d(x, `${name}.conv${i}`, channels, { kernel: 3, padding: 1, bias: false });
  return batchNorm(convolved, `${name}.bn${i}`, LEAKY_SLOPE, run);
}

/** The levels of a U-Net from stride 4 on, over its map at stride 2. */
function unetStages(map: Tensor, c: TmcaConfig, run: Run): Tensor[] {
  let x = map;
  return c.dims.map((dim, s) => {
    x = convolutions(halved(x), `${IMAGE}.stages.${s}`, dim, run);
    return x;
  });
}

/** ConvNeXt's stages, over an image or over a map at stride 2. */
function convNextStages(map: Tensor, c: TmcaConfig, run: Run): Tensor[] {
  const patch = c.stemDims.length > 0 ? 2 : 4;
  let x = conv2d(map, `${IMAGE}.embeddings.patch_embeddings`, c.dims[0]!, { kernel: patch, stride: patch });
  x = layerNorm(x, `${IMAGE}.embeddings.layernorm`, CONVNEXT_EPS);
  return c.dims.map((dim, s) => {
    const stage = `${IMAGE}.encoder.stages.${s}`;
    if (s > 0) {
      x = layerNorm(x, `${stage}.downsampling_layer.0`, CONVNEXT_EPS);
      x = conv2d(x, `${stage}.downsampling_layer.1`, dim, { kernel: 2, stride: 2 });
    }
    for (let d = 0; d < c.depths[s]!; d++) x = asBlock(run, [x], convNextBlock(x, `${stage}.layers.${d}`, dim));
    return x;
  });
}

function convNextBlock(x: Tensor, name: string, dim: number): Tensor {
  let y = layerNorm(depthwise(x, `${name}.dwconv`, 7), `${name}.layernorm`, CONVNEXT_EPS);
  y = linear(b.gelu(linear(y, `${name}.pwconv1`, dim, 4 * dim)), `${name}.pwconv2`, 4 * dim, dim);
  return b.add(x, b.mul(y, b.parameter(`${name}.layer_scale_parameter`, [dim])));
}

const firstRows = (x: Tensor, end: number): Tensor => b.slice(x, { axis: 0, start: 0, end });

/** BERT (section 3.1): T, the mean of the last three layers' outputs. */
function textEncoder(ids: Tensor, mask: Tensor, c: TmcaConfig, run: Run): Tensor {
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

function bertLayer(x: Tensor, mask: Tensor, name: string, c: TmcaConfig): Tensor {
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
function decoderBlock({ x, skip, text, mask, gate }: DecoderInputs, name: string, c: TmcaConfig, run: Run): Tensor {
  const { heads, maxTextLength: longest } = c;
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const positions = sinusoid(height * width, channels);
  let tokens: Tensor = b.reshape(x, [batch, height * width, channels]);
  const y = layerNorm(tokens, `${name}.norm1`, NORM_EPS);
  const placed = b.add(y, positions);
  const self = projectedAttention({ q: placed, k: placed, v: y, mask: null }, `${name}.self_attn`, heads);
  tokens = asBlock(run, [x], b.add(tokens, layerNorm(self, `${name}.self_attn_norm`, NORM_EPS)));
  const attended = tokens;
  const queries = b.add(layerNorm(tokens, `${name}.norm2`, NORM_EPS), positions);
  const length = text.shape[1]!;
  const keys = b.add(text, firstRows(sinusoid(Math.max(length, longest), channels), length));
  const cross = projectedAttention({ q: queries, k: keys, v: text, mask }, `${name}.cross_attn`, heads);
  tokens = b.add(tokens, layerNorm(cross, `${name}.cross_attn_norm`, NORM_EPS));
  asBlock(run, [attended, text, mask], tokens);
  return join(b.reshape(tokens, [batch, height, width, channels]), { below: tokens, skip, gate }, name, run);
}

interface Joined {
  /** What the map is made of, where training computes the step again. */
  readonly below: Tensor;
  /** [B,2H,2W,C'] */
  readonly skip: Tensor;
  readonly gate: Tensor | null;
}

/** A U-Net's step up: x [B,H,W,C] twice as large, beside the skip, convolved twice, and gated where there is a gate. */
function join(x: Tensor, { below, skip, gate }: Joined, name: string, run: Run): Tensor {
  const channels = skip.shape[3]!;
  const up = upsample(x, `${name}.upsample`, channels);
  const map = asBlock(run, [below, skip], convolve(b.concat([up, skip], { axis: 3 }), name, 1, channels, run));
  const out = convolve(map, name, 2, channels, run);
  return gate === null ? asBlock(run, [map], out) : asBlock(run, [map, gate], b.mul(out, gate));
}

/**
 * From the decoder's last map at stride 4 to one logit for each pixel: a sub-pixel convolution x4 as in the paper, or a join with each
 * map of the stem, then a 1x1 convolution.
 */
function head(map: Tensor, stem: readonly Tensor[], c: TmcaConfig, run: Run): Tensor {
  let x = map;
  for (const [i, skip] of [...stem].reverse().entries())
    x = join(x, { below: x, skip, gate: null }, `head.joins.${i}`, run);
  if (stem.length > 0) return conv2d(x, 'head.out', 1, { kernel: 1 });
  const spread = conv2d(x, 'head.subpixel', c.headChannels * 16, { kernel: 3, padding: 1 });
  return conv2d(b.depthToSpace(spread, { block: 4, order: 'CRD' }), 'head.out', 1, { kernel: 1 });
}

/** LTEM's map of features [B,H,W,C] and a pooled text [B,C]: [B,2H,2W,1]. */
function enhancementMap(features: Tensor, text: Tensor, { tauEnhance, ltemNormalize }: TmcaConfig): Tensor {
  const map = b.ltem(features, text, { tau: tauEnhance });
  const [, height, width] = features.shape as [number, number, number];
  return ltemNormalize === 'mean1' ? map : b.mul(map, b.scalar(1 / (height * width)));
}

const mean = (map: Tensor): Tensor => b.reshape(b.mean(map, [1, 2]), [map.shape[0]!, map.shape[3]!]);

/** What the contrastive loss may compare at a level, [B,C] both. */
interface Pair {
  readonly image: Tensor;
  readonly text: Tensor;
}

const pairNames = (prefix: string, pairs: readonly (readonly [string, Pair])[]): Outputs =>
  Object.fromEntries(
    pairs.flatMap(([level, { image, text }]) => [
      [`${prefix}${level}.image`, image],
      [`${prefix}${level}.text`, text],
    ]),
  );

const numbered = (prefix: string, tensors: readonly Tensor[]): Outputs =>
  Object.fromEntries(tensors.map((t, i) => [`${prefix}.${i + 1}`, t]));

/** The network over its three inputs. Every switch of `config` that changes the network is honoured here. */
export function build(config: TmcaConfig, { image, ids, mask }: Required<Inputs>, mode: Mode): Forward {
  const run: Run = { mode, statistics: {}, blocks: [] };
  const { stem, maps, pooled } = encodeImage(image, config, run);
  const text = textEncoder(ids, mask, config, run);
  const project = (level: Level, dim: number) => linear(text, `decoder.text_proj.${level}`, config.textDim, dim);
  const pairs = new Map<Level, Pair>([
    ['G', { image: pooled, text: b.maskedMean(project('G', config.dims[3]!), mask) }],
  ]);
  const enhancement: Tensor[] = [];
  let x = maps[3]!;
  DOWN_LEVELS.forEach((level, i) => {
    const projected = project(level, config.dims[3 - i]!);
    const textGlobal = b.maskedMean(projected, mask);
    pairs.set(level, { image: mean(x), text: textGlobal });
    const map = config.enhance ? enhancementMap(x, textGlobal, config) : null;
    if (map) enhancement.push(map);
    // x + x g as one product, which stays an epilogue of the convolution before it
    const gate = map && config.ltemApply === 'residual' ? b.add(map, b.scalar(1)) : map;
    const inputs = { x, skip: maps[2 - i]!, text: projected, mask, gate };
    x = decoderBlock(inputs, `decoder.blocks.${i}`, config, run);
  });
  const logits = head(x, stem, config, run);
  const compared = config.levels.map(level => [level, pairs.get(level)!] as const);
  return {
    logits,
    named: {
      ...{ text, pooled, logits },
      ...numbered('stem', stem),
      ...numbered('map', maps),
      ...numbered('enhancement', enhancement),
      ...pairNames('pair.', [...pairs]),
    },
    features: pairNames('', compared),
    statistics: run.statistics,
    blocks: run.blocks,
  };
}
