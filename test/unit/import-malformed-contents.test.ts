// Checkpoints of other networks, incomplete ones, tensors of wrong shapes and numbers: refused by name, with nothing written.

import { beforeAll, expect, test } from 'vitest';
import { type SafetensorsTensor, tensorOf } from '../../formats/safetensors/index.js';
import {
  expectRefused,
  FIXTURES,
  float,
  type MalformedCase,
  one,
  readTensors,
  scratch,
  type Tensors,
} from './checkpoint-files.js';

const folder = scratch();
const base: Record<string, Tensors> = {};
beforeAll(async () => {
  for (const id of ['hf', 'timm', 'torchvision', 'original', 'bert'])
    base[id] = await readTensors(`${FIXTURES}/${id}.safetensors`);
});

/** A checkpoint with one tensor changed (null: taken out), others added. */
const edit = (
  id: string,
  name: string,
  change: (tensor: SafetensorsTensor) => SafetensorsTensor | null,
  ...more: SafetensorsTensor[]
): SafetensorsTensor[] => {
  expect(base[id]!.has(name), `${id} has ${name}`).toBe(true);
  const all = [...base[id]!.values()].flatMap(t => (t.name === name ? [change(t)] : [t]));
  return [...all.filter(t => t !== null), ...more];
};

const notFloat = (dtype: 'I32' | 'I8', array: Int32Array | Int8Array) => (t: SafetensorsTensor) => ({
  ...tensorOf(t.name, t.shape, array),
  dtype,
});

const FC1 = 'stages.0.blocks.0.mlp.fc1.weight';

const cases: [string, MalformedCase][] = [
  // another network
  [
    'a ResNet',
    {
      code: 'MODEL_MISMATCH',
      says: 'must hold ConvNeXt (Hugging Face, timm, torchvision) or BERT (Hugging Face), got 2 tensors of neither: "conv1.weight", "layer1.0.conv1.weight"',
      files: one(() => [float('conv1.weight', [64, 3, 7, 7]), float('layer1.0.conv1.weight', [64, 64, 3, 3])]),
    },
  ],
  [
    'a torchvision Swin',
    {
      code: 'MODEL_INCOMPLETE',
      says: 'got no "features.2.1.weight"',
      files: one(() => [float('features.0.0.weight', [96, 3, 4, 4]), float('features.1.0.attn.qkv.weight', [9, 3])]),
    },
  ],
  [
    'ConvNeXt V2',
    {
      code: 'UNSUPPORTED',
      says: 'of ConvNeXt V2, whose blocks have a response normalisation (grn)',
      files: one(() => edit('timm', FC1, t => t, float('stages.0.blocks.0.mlp.grn.weight', [8]))),
    },
  ],
  [
    'RoBERTa',
    {
      code: 'UNSUPPORTED',
      says: 'of RoBERTa, whose positions begin at 2',
      files: one(() => [float('roberta.embeddings.word_embeddings.weight', [9, 4])]),
    },
  ],
  [
    'DistilBERT',
    {
      code: 'UNSUPPORTED',
      says: 'of DistilBERT',
      files: one(() => [float('distilbert.transformer.layer.0.ffn.lin1.weight', [9, 4])]),
    },
  ],
  [
    'CLIP',
    {
      code: 'UNSUPPORTED',
      says: 'of CLIP',
      files: one(() => [float('text_model.encoder.layers.0.mlp.fc1.weight', [9, 4])]),
    },
  ],
  [
    'LoRA adapters',
    {
      code: 'UNSUPPORTED',
      says: 'LoRA adapters, which are merged before',
      files: one(() =>
        edit(
          'bert',
          'bert.pooler.dense.bias',
          t => t,
          float('bert.encoder.layer.0.attention.self.query.lora_A.weight', [2, 12]),
        ),
      ),
    },
  ],
  [
    'relative positions',
    {
      code: 'UNSUPPORTED',
      says: 'BERT with another kind of attention',
      files: one(() =>
        edit(
          'bert',
          'bert.pooler.dense.bias',
          t => t,
          float('bert.encoder.layer.0.attention.self.distance_embedding.weight', [31, 6]),
        ),
      ),
    },
  ],
  [
    'an adapter inside',
    {
      code: 'MODEL_MISMATCH',
      says: 'every tensor of the encoder must be known, got "bert.encoder.layer.0.adapter.weight"; this is another architecture',
      files: one(() =>
        edit('bert', 'bert.pooler.dense.bias', t => t, float('bert.encoder.layer.0.adapter.weight', [2])),
      ),
    },
  ],
  [
    'a fifth stage',
    {
      code: 'MODEL_MISMATCH',
      says: 'must be known, got "stages.4.blocks.0.gamma"',
      files: one(() => edit('timm', FC1, t => t, float('stages.4.blocks.0.gamma', [8]))),
    },
  ],
  // parts of it
  [
    'a parameter missing',
    {
      code: 'MODEL_INCOMPLETE',
      says: 'all 81 parameters must be there, got 1 missing: "stages.2.blocks.1.mlp.fc2.bias"',
      files: one(() => edit('timm', 'stages.2.blocks.1.mlp.fc2.bias', () => null)),
    },
  ],
  [
    'a stem missing',
    {
      code: 'MODEL_INCOMPLETE',
      says: 'got 2 missing: "features.0.1.weight", "features.0.1.bias"',
      files: one(() => [...base.torchvision!.values()].filter(t => !t.name.startsWith('features.0.1'))),
    },
  ],
  [
    'a block missing in the middle',
    {
      code: 'MODEL_INCOMPLETE',
      says: 'got 9 missing: "convnext.encoder.stages.2.layers.1.dwconv.weight"',
      files: one(() => [...base.hf!.values()].filter(t => !t.name.includes('stages.2.layers.1.'))),
    },
  ],
  [
    'a stage without blocks',
    {
      code: 'MODEL_INCOMPLETE',
      says: 'every stage must have blocks, got none in stage 3',
      files: one(() => [...base.original!.values()].filter(t => !t.name.startsWith('stages.3'))),
    },
  ],
  [
    'no downsampling',
    {
      code: 'MODEL_INCOMPLETE',
      says: 'got no "downsample_layers.2.1.weight"',
      files: one(() => edit('original', 'downsample_layers.2.1.weight', () => null)),
    },
  ],
  [
    'BERT without positions',
    {
      code: 'MODEL_INCOMPLETE',
      says: 'got no "bert.embeddings.position_embeddings.weight"',
      files: one(() => edit('bert', 'bert.embeddings.position_embeddings.weight', () => null)),
    },
  ],
  [
    'BERT of two layers',
    {
      code: 'CONFIG_INVALID',
      says: 'text_layers must be an integer from 3 to 64, got 2',
      files: one(() => [...base.bert!.values()].filter(t => !t.name.includes('layer.2.'))),
    },
  ],
  [
    'weight and gamma of one norm',
    {
      code: 'MODEL_MISMATCH',
      says: 'must hold each parameter once, got "bert.embeddings.LayerNorm.gamma" and "bert.embeddings.LayerNorm.weight"',
      files: one(() =>
        edit('bert', 'bert.embeddings.LayerNorm.gamma', t => t, float('bert.embeddings.LayerNorm.weight', [12])),
      ),
    },
  ],
  [
    'two encoders in a file',
    {
      code: 'MODEL_MISMATCH',
      says: 'must hold one of each encoder, got "student.stem.0.weight" and "teacher.stem.0.weight"',
      files: one(() =>
        ['student.', 'teacher.'].flatMap(p => [...base.timm!.values()].map(t => ({ ...t, name: p + t.name }))),
      ),
    },
  ],
  [
    'two image encoders',
    {
      code: 'BAD_ARGUMENT',
      says: 'one image encoder must be given, got',
      files: () => ({ 'a.safetensors': base.timm!.values(), 'b.safetensors': base.hf!.values() }),
      give: ['a.safetensors', 'b.safetensors'],
    },
  ],
  [
    'two text encoders',
    {
      code: 'BAD_ARGUMENT',
      says: 'one text encoder must be given, got',
      files: () => ({ 'a.safetensors': base.bert!.values(), 'b.safetensors': base.bert!.values() }),
      give: ['a.safetensors', 'b.safetensors'],
    },
  ],
  // shapes and numbers
  [
    'transposed',
    {
      code: 'MODEL_MISMATCH',
      says: `tensor "${FC1}" must be [8,2], got [2,8] (looks transposed)`,
      files: one(() => edit('timm', FC1, t => ({ ...t, shape: [2, 8] }))),
    },
  ],
  [
    'channels last',
    {
      code: 'MODEL_MISMATCH',
      says: 'tensor "stages.0.blocks.0.conv_dw.weight" must be [2,1,7,7], got [7,7,1,2] (looks transposed)',
      files: one(() => edit('timm', 'stages.0.blocks.0.conv_dw.weight', t => ({ ...t, shape: [7, 7, 1, 2] }))),
    },
  ],
  [
    'a layer scale of ones before',
    {
      code: 'MODEL_MISMATCH',
      says: 'tensor "features.1.0.layer_scale" must be [2], got [1,1,2]; give',
      files: one(() => edit('torchvision', 'features.1.0.layer_scale', t => ({ ...t, shape: [1, 1, 2] }))),
    },
  ],
  [
    'another width',
    {
      code: 'MODEL_MISMATCH',
      says: `tensor "${FC1}" must be [8,2], got [6,2]`,
      files: one(() => edit('timm', FC1, t => float(t.name, [6, 2]))),
    },
  ],
  [
    'a patch of 2 x 2',
    {
      code: 'MODEL_MISMATCH',
      says: 'tensor "stem.0.weight" must be [2,3,4,4], got [2,3,2,2]',
      files: one(() => edit('timm', 'stem.0.weight', t => float(t.name, [2, 3, 2, 2]))),
    },
  ],
  [
    'grey images',
    {
      code: 'MODEL_MISMATCH',
      says: 'tensor "stem.0.weight" must be [2,3,4,4], got [2,1,4,4]',
      files: one(() => edit('timm', 'stem.0.weight', t => float(t.name, [2, 1, 4, 4]))),
    },
  ],
  [
    'a stem that is a matrix',
    {
      code: 'MODEL_MISMATCH',
      says: 'tensor "stem.0.weight" must have 4 dimensions, got [2,48]',
      files: one(() => edit('timm', 'stem.0.weight', t => float(t.name, [2, 48]))),
    },
  ],
  [
    'no channels',
    {
      code: 'MODEL_MISMATCH',
      says: 'tensor "stem.0.weight" must have 4 dimensions, got [0,3,4,4]',
      files: one(() => edit('timm', 'stem.0.weight', t => float(t.name, [0, 3, 4, 4]))),
    },
  ],
  [
    'one kind of segment (RoBERTa)',
    {
      code: 'MODEL_MISMATCH',
      says: 'tensor "bert.embeddings.token_type_embeddings.weight" must be [2,12], got [1,12]',
      files: one(() => edit('bert', 'bert.embeddings.token_type_embeddings.weight', t => float(t.name, [1, 12]))),
    },
  ],
  [
    'I32',
    {
      code: 'MODEL_MISMATCH',
      says: `tensor "${FC1}" must be F32, F16, BF16, F64, got I32`,
      files: one(() => edit('timm', FC1, notFloat('I32', new Int32Array(16)))),
    },
  ],
  [
    'int8',
    {
      code: 'MODEL_MISMATCH',
      says: `tensor "${FC1}" must be F32, F16, BF16, F64, got I8`,
      files: one(() => edit('timm', FC1, notFloat('I8', new Int8Array(16)))),
    },
  ],
  [
    'NaN',
    {
      code: 'MODEL_NOT_FINITE',
      says: `tensor "${FC1}": weights must be finite, got NaN at index 0 (F32)`,
      files: one(() => edit('timm', FC1, t => float(t.name, t.shape, Number.NaN))),
    },
  ],
  [
    'an infinity',
    {
      code: 'MODEL_NOT_FINITE',
      says: 'tensor "bert.embeddings.LayerNorm.beta": weights must be finite, got -Infinity at index 0 (F32)',
      files: one(() => edit('bert', 'bert.embeddings.LayerNorm.beta', t => float(t.name, t.shape, -Infinity))),
    },
  ],
];

test.each(cases)('%s', (name, given) => expectRefused(folder, name, given));
