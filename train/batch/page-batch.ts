// From what a page has (pictures in memory, masks, sentences) to what a step reads.

import { type Assembly, Preprocessor, resizeNearest, Vocabulary } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { Pixels } from '../../runtime/types.js';
import type { Batch } from '../step/gradient-pass.js';
import { Texts } from './texts.js';

/** Decoded pixels: an `ImageData`, or bytes of one, three or four channels. */
export type PixelSource = Pixels | ImageData;

/** One picture with its lesions marked and described. */
export interface Example {
  /** An image of any size; it is prepared as for inference. */
  readonly image: PixelSource;
  /** A mask of the image's size; a pixel is marked where any colour reaches 128. */
  readonly mask: PixelSource;
  /** May be left out for a network that takes images alone, or one whose sentence is optional. */
  readonly text?: string;
}

export interface ExampleBatch extends Batch {
  /** Which sentences were longer than the network was opened for, and were cut there. */
  readonly truncated: readonly number[];
}

/** From here on a mask's pixel is foreground, as in masks of files. */
const FOREGROUND = 128;

function pixelsOf(source: PixelSource, what: string): Pixels {
  const { data, width, height } = source;
  const channels = 'channels' in source ? source.channels : 4;
  check(
    (channels === 1 || channels === 3 || channels === 4) && data.length === width * height * channels,
    'BAD_ARGUMENT',
    () => `Trainer: ${what} must hold ${width} x ${height} x ${channels} bytes, got ${data.length}; pass an ImageData`,
  );
  return { data: data as Uint8ClampedArray, width, height, channels };
}

/** [height, width], 0 or 1. Alpha marks nothing; a mask that has all it says in there is refused. */
function foreground({ data, width, height, channels }: Pixels, what: string): Uint8Array {
  const colours = channels === 4 ? 3 : channels;
  const marked = new Uint8Array(width * height);
  let brightest = 0;
  let shape = false;
  for (let i = 0; i < marked.length; i++) {
    let value = 0;
    for (let c = 0; c < colours; c++) value = Math.max(value, data[i * channels + c]!);
    brightest = Math.max(brightest, value);
    shape ||= channels === 4 && data[i * 4 + 3] !== data[3];
    if (value >= FOREGROUND) marked[i] = 1;
  }
  check(
    brightest > 0 || !shape,
    'BAD_ARGUMENT',
    `Trainer: ${what} must have its lesion in its colours, got black with a shape in the alpha channel; paint it white on black`,
  );
  // Labels 0 and 1 in place of 0 and 255 would read as no lesion at all.
  check(
    brightest === 0 || brightest >= FOREGROUND,
    'BAD_ARGUMENT',
    `Trainer: ${what} must reach 255 where there is a lesion, got ${brightest} as its brightest value; scale it`,
  );
  return marked;
}

/** Holds wasm memory. */
export class Examples {
  readonly #size: number;
  readonly #mustBeTold: boolean;
  readonly #preprocessor: Preprocessor;
  readonly #vocabulary: Vocabulary | null;
  readonly #texts: Texts;

  /**
   * @param vocab content of vocab.txt; null for a network that reads no sentence
   * @param length to which sentences are padded, and at which they are cut
   *
   * Errors: VOCABULARY_INVALID, OUT_OF_MEMORY.
   */
  constructor(
    assembly: Assembly,
    config: Config,
    vocab: Uint8Array | null,
    private readonly length: number,
  ) {
    const { imageSize, normalize } = config;
    this.#size = imageSize;
    this.#mustBeTold = Network.of(config).text?.optional === false;
    this.#vocabulary = vocab && new Vocabulary(assembly, vocab);
    this.#preprocessor = new Preprocessor(assembly, { size: imageSize, normalize });
    this.#texts = new Texts(this.#vocabulary, length);
  }

  /** Errors: BAD_ARGUMENT (bytes that are not the picture's, a mask of another size or too dark), TEXT_EMPTY, IMAGE_TOO_LARGE. */
  batch(examples: readonly Example[]): ExampleBatch {
    const pixels = this.#size ** 2;
    const image = new Float32Array(examples.length * pixels * 3);
    const target = new Float32Array(examples.length * pixels);
    for (const [i, example] of examples.entries()) {
      const [picture, mask] = [pixelsOf(example.image, `image ${i}`), pixelsOf(example.mask, `mask ${i}`)];
      const { width, height } = picture;
      check(
        mask.width === width && mask.height === height,
        'BAD_ARGUMENT',
        `Trainer: mask ${i} must be ${width} x ${height} as its image, got ${mask.width} x ${mask.height}`,
      );
      const said = !this.#mustBeTold || (example.text ?? '').trim() !== '';
      check(said, 'TEXT_EMPTY', `Trainer: text ${i} must say something, got ""`);
      image.set(this.#preprocessor.run(picture) as Float32Array, i * pixels * 3);
      target.set(resizeNearest(foreground(mask, `mask ${i}`), width, height, this.#size, this.#size), i * pixels);
    }
    const texts = examples.map(({ text = '' }) => text);
    const { length: _, ...ids } = this.#texts.batch(texts, this.length);
    const truncated = texts.flatMap((text, i) => (this.#texts.isTruncated(text) ? [i] : []));
    return { image, target, ...ids, truncated };
  }

  /** Twice is fine. */
  dispose(): void {
    this.#preprocessor.dispose();
    this.#vocabulary?.dispose();
  }
}
