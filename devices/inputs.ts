// What the benchmark runs on: an image as the network takes it, and ids of a sentence. The same in every run.

import { unit } from '../formats/weights/name-seeded-parameters.js';
import type { Config } from '../networks/config.js';
import { Network } from '../networks/network.js';
import type { BenchInputs } from './runner.js';

/** Tokens of the sentence: of the length of a caption (anchor: the peers' figures are of 24). */
const TOKENS = 24;

/** As golden.py's `batch` makes them, of one record: noise of a normalised image's spread. */
export function madeInputs(config: Config): BenchInputs {
  const size = config.imageSize;
  const network = Network.of(config);
  const image = Float32Array.from(unit('image', 3 * size * size), x => 1.7 * x);
  const length = Math.min(TOKENS, network.maxTextLength);
  const ids = Int32Array.from(unit('ids', length), x => Math.floor(((x + 1) / 2) * (network.text?.vocabSize ?? 0)));
  return { image, size, ids };
}
