// What a network is looked at with: real images and sentences, a few of a data set's or those of the package.

import { fileURLToPath } from 'node:url';
import type { Assembly } from '../assembly/index.js';
import { Preprocessor } from '../assembly/preprocess.js';
import { Vocabulary } from '../assembly/wordpiece.js';
import type { Config } from '../networks/config.js';
import { Network } from '../networks/network.js';
import type { DatasetRecord } from '../node/datasets/dataset.js';
import { readOwnFile } from '../node/disk/read-file.js';
import { decodeImage } from '../node/images/image-files.js';
import type { HostTensor } from '../runtime/engines/webgpu/run-graph.js';
import { paddedLength, padIds, textLengths } from '../runtime/text-lengths.js';

export interface Example {
  readonly id: string;
  /** Path of the image. */
  readonly image: string;
  readonly text: string;
}

/** Inputs of the graph for a batch of examples. */
export interface ExampleInputs {
  readonly batch: number;
  readonly length: number;
  readonly feed: Readonly<Record<'image' | 'ids' | 'mask', HostTensor>>;
}

/** As many as are looked at layer by layer. */
const EXAMPLES = 4;

/** Evenly spread over a data set. */
export const spreadExamples = (records: readonly DatasetRecord[]): readonly Example[] => {
  const count = Math.min(EXAMPLES, records.length);
  return Array.from({ length: count }, (_, i) => records[Math.floor((i * records.length) / count)]!);
};

/** The sample images that the package ships. From `quantize/` and from the built `dist/` alike. */
export async function builtInExamples(): Promise<readonly Example[]> {
  const folder = new URL('../samples/', import.meta.url);
  const samples = JSON.parse(readOwnFile(new URL('samples.json', folder))) as Sample[];
  return samples.map(({ id, file, text }) => ({ id, text, image: fileURLToPath(new URL(file, folder)) }));
}

interface Sample {
  readonly id: string;
  readonly file: string;
  readonly text: string;
}

/** Without a vocabulary the network takes ids alone: distinct ones, spread over its table, stand for words. */
const strangeIds = (config: Config, at: number): Int32Array =>
  Int32Array.from(
    { length: Math.min(12, Network.of(config).maxTextLength) },
    (_, i) => (101 + 997 * (12 * at + i)) % (Network.of(config).text?.vocabSize ?? 1),
  );

/** Errors: those of reading images. */
export async function encodeExamples(
  assembly: Assembly,
  config: Config,
  vocab: Uint8Array | null,
  examples: readonly Example[],
  signal?: AbortSignal,
): Promise<ExampleInputs> {
  const { imageSize: size } = config;
  const maxLength = Network.of(config).maxTextLength;
  const pixels = 3 * size * size;
  const images = new Float32Array(examples.length * pixels);
  using preprocessor = new Preprocessor(assembly, { size, normalize: config.normalize, dtype: 'f32', layout: 'nhwc' });
  for (const [i, { image }] of examples.entries()) {
    const decoded = await decodeImage(image, signal && { signal });
    images.set(preprocessor.run(decoded.pixels) as Float32Array, i * pixels);
  }
  const vocabulary = vocab && new Vocabulary(assembly, vocab);
  try {
    const texts = examples.map(({ text }, i) => vocabulary?.encode(text, { maxLength }).ids ?? strangeIds(config, i));
    const length = paddedLength(textLengths(maxLength), Math.max(...texts.map(ids => ids.length)));
    const padded = texts.map(ids => padIds(ids, length));
    const together = (key: 'ids' | 'mask') => Int32Array.from(padded.flatMap(text => [...text[key]]));
    const batch = examples.length;
    return {
      batch,
      length,
      feed: {
        image: { shape: [batch, size, size, 3], data: images },
        ids: { shape: [batch, length], data: together('ids') },
        mask: { shape: [batch, length], data: together('mask') },
      },
    };
  } finally {
    vocabulary?.dispose();
  }
}
