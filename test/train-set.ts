// A data set small enough to train on in a test, and a network small enough for it: 32 x 32 pictures of one bright disc, whose
// place the sentence names.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';

const SIZE = 32;

const WORDS = [
  '[PAD]',
  '[UNK]',
  '[CLS]',
  '[SEP]',
  'one',
  'disc',
  'in',
  'the',
  'left',
  'right',
  'centre',
  'small',
  'large',
];

const PLACES = [
  ['left', 8],
  ['right', 24],
  ['centre', 16],
] as const;

/** The content of a configuration file: the smallest network, everything switched on that a run can have. */
export const tinyConfig = (vocab: string) => ({
  ...{ epochs: 10, batch: 2, lr: 3e-3, freeze: [], vocab },
  ...{ warmup_steps: 3, clip: 1, ema: 0.9, contrastive_weight: 0.1, contrastive_warmup_steps: 4 },
  augment: {
    zoom: { probability: 0.5, min: 0.9, max: 1.2 },
    jitter: { probability: 0.5, brightness: 0.2, contrast: 0.2, saturation: 0.2 },
    flip: { probability: 0.5 },
  },
  model: {
    ...{ name: 'tiny', image_size: SIZE, depths: [1, 1, 1, 1], dims: [8, 8, 16, 16], vocab_size: WORDS.length },
    ...{ text_layers: 3, text_dim: 8, text_heads: 2, text_ffn: 16, max_positions: 16, max_text_length: 16 },
    ...{ heads: 2, head_channels: 4 },
  },
});

/** A disc of grey noise and red: as the record's number says. */
function picture(number: number, centre: number, radius: number): { image: Buffer; mask: Buffer } {
  const image = Buffer.alloc(SIZE * SIZE * 3);
  const mask = Buffer.alloc(SIZE * SIZE);
  for (let i = 0; i < SIZE * SIZE; i++) {
    const inside = Math.hypot((i % SIZE) - centre, Math.floor(i / SIZE) - 16) <= radius;
    const grey = 60 + ((i * 37 + number * 101) % 29);
    image.set([inside ? 220 : grey, grey, grey], i * 3);
    mask[i] = inside ? 255 : 0;
  }
  return { image, mask };
}

/**
 * Writes dataset.json, its pictures and vocab.txt. Records of a split are numbered from 0, and of one number are alike whatever
 * the split.
 */
export async function writeTrainSet(folder: string, counts: Readonly<Record<string, number>>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const records = [];
  for (const [split, count] of Object.entries(counts)) {
    for (let number = 0; number < count; number++) {
      const [place, centre] = PLACES[number % PLACES.length]!;
      const radius = 4 + (number % 4);
      const { image, mask } = picture(number, centre, radius);
      const files = { image: `${split}-${number}.png`, mask: `${split}-${number}.mask.png` };
      await sharp(image, { raw: { width: SIZE, height: SIZE, channels: 3 } }).toFile(join(folder, files.image));
      await sharp(mask, { raw: { width: SIZE, height: SIZE, channels: 1 } }).toFile(join(folder, files.mask));
      const text = `one ${radius < 6 ? 'small' : 'large'} disc in the ${place}`;
      records.push({ id: `${split}-${number}`, ...files, split, text });
    }
  }
  await writeFile(join(folder, 'dataset.json'), JSON.stringify({ name: 'discs', records }));
  await writeFile(join(folder, 'vocab.txt'), `${WORDS.join('\n')}\n`);
}
