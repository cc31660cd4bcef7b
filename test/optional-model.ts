// A small TMCA network whose sentence is optional, with the parameters that golden.py's `fill` gives.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeSafetensors } from '../formats/safetensors/index.js';
import { fillStream } from '../formats/weights/name-seeded-parameters.js';
import { parseConfig } from '../networks/config.js';
import { Network } from '../networks/network.js';

const WORDS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'one', 'two', 'small', 'polyp', 'left', 'right', ',', '.'];
/** [CLS] and [SEP]: what the network is told in place of a sentence. */
export const NOTHING = [2, 3] as const;

const JSON_CONFIG = {
  ...{ name: 'small-optional', text: 'optional', image_size: 32, depths: [1, 1, 1, 1], dims: [8, 8, 16, 16] },
  ...{ text_layers: 3, text_dim: 8, text_heads: 2, text_ffn: 16, vocab_size: WORDS.length },
  ...{ max_positions: 16, max_text_length: 16, heads: 2, head_channels: 4 },
};

export const optionalConfig = parseConfig(JSON_CONFIG, 'test');

/** Writes a model folder. @param more keys of its config.json, and whether it has a vocabulary */
export async function writeOptionalModel(
  folder: string,
  {
    vocabulary = true,
    ...more
  }: { readonly vocabulary?: boolean; readonly text?: string; readonly name?: string } = {},
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const tensors = [];
  for await (const tensor of fillStream(Network.of(optionalConfig).parameters).tensors())
    tensors.push({ ...tensor, bytes: tensor.bytes.slice() });
  await writeFile(join(folder, 'config.json'), JSON.stringify({ ...JSON_CONFIG, ...more }));
  await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
  if (vocabulary) await writeFile(join(folder, 'vocab.txt'), `${WORDS.join('\n')}\n`);
}

/** Pixels of any picture. */
export const optionalImage = {
  data: Uint8Array.from({ length: 40 * 36 * 3 }, (_, i) => (i * 37) % 251),
  ...{ width: 40, height: 36, channels: 3 as const },
};
