// A training step as a benchmark sees it: the same network, parameters and batch for whoever takes it, and what all of them are
// asked to do: losses, gradients of every parameter, clipping by their norm, AdamW.

import { unit } from '../formats/weights/name-seeded-parameters.js';
import type { Shape } from '../graph/graph.js';
import type { Config } from '../networks/config.js';
import { Network } from '../networks/network.js';
import type { Batch } from '../train/step/gradient-pass.js';

/** Under a parameter's checkpoint name, in its checkpoint shape. */
export type Parameters = ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array }>;

export interface TrainingWork {
  readonly config: Config;
  readonly parameters: Parameters;
  readonly batch: Batch;
  readonly images: number;
  /** Tokens to which sentences are padded. */
  readonly length: number;
}

/** The same for every runner; small steps, so that rounding shows as rounding. */
export const STEP = { lr: 1e-4, weightDecay: 0.01, clip: 1 } as const;

export interface TrainRunner {
  readonly name: string;
  readonly version: string;
  open(): Promise<void>;
  /** One step on the work's batch; settles with the loss before it when the parameters after it are there. */
  step(): Promise<number>;
  /** Milliseconds of CPU that its process has used up to now. */
  cpu(): Promise<number>;
  /** Twice is fine. */
  dispose(): Promise<void>;
}

/** A disc for each image but the second, whose target is empty; place and size follow from its number. */
function discs(images: number, size: number): Float32Array {
  const target = new Float32Array(images * size * size);
  const places = unit('discs', 3 * images);
  for (let b = 0; b < images; b++) {
    if (b === 1) continue;
    const [cy, cx, r] = [0.5 + 0.25 * places[3 * b]!, 0.5 + 0.25 * places[3 * b + 1]!, 0.2 + 0.1 * places[3 * b + 2]!];
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++)
        if ((y / size - cy) ** 2 + (x / size - cx) ** 2 < r * r) target[(b * size + y) * size + x] = 1;
  }
  return target;
}

/** Noise of a normalised image's spread, ids of sentences of different lengths, discs. The same in every run. */
export function madeBatch(config: Config, images: number, length: number): Batch {
  const { imageSize: size } = config;
  const image = Float32Array.from(unit('image', images * size * size * 3), x => 1.7 * x);
  const { text } = Network.of(config);
  if (!text) return { image, target: discs(images, size) };
  const { vocabSize } = text;
  const mask = new Int32Array(images * length);
  for (let b = 0; b < images; b++)
    mask.fill(1, b * length, b * length + Math.max(Math.min(2, length), length - 2 * (b % 8)));
  const ids = Int32Array.from(unit('ids', images * length), (x, i) => mask[i]! * Math.floor(((x + 1) / 2) * vocabSize));
  return { image, ids, mask, target: discs(images, size) };
}
