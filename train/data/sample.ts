// A kept picture as an epoch sees it: augmented, then normalised as inference does it. Runs in a worker thread, because it
// takes milliseconds a picture, and the thread that feeds the device has none to spare.

import { loadAssembly, Preprocessor } from '../../assembly/index.js';
import type { Config } from '../../networks/config.js';
import { type AugmentSettings, augment, type Draw, type Sample } from '../batch/augment.js';

export interface SampleJob {
  readonly sample: Sample;
  /** Null: the sample as it is. */
  readonly settings: AugmentSettings | null;
  readonly draw: Draw;
  readonly normalize: Config['normalize'];
}

/** What of a batch is one record's. */
export interface ReadySample {
  /** [S, S, 3], normalised. */
  readonly image: Float32Array<ArrayBuffer>;
  /** [S, S], 0 or 1. */
  readonly target: Float32Array<ArrayBuffer>;
  readonly text: string;
}

/** One thread works for one network. */
let preprocessor: { readonly key: string; readonly run: Preprocessor } | undefined;

/** Errors: BAD_ARGUMENT, OUT_OF_MEMORY. */
export async function makeSample({ sample, settings, draw, normalize }: SampleJob): Promise<ReadySample> {
  const { size, picture, mask, text } = settings === null ? sample : augment(sample, settings, draw);
  const key = `${size} ${normalize}`;
  if (preprocessor?.key !== key) {
    preprocessor?.run.dispose();
    preprocessor = { key, run: new Preprocessor(await loadAssembly(), { size, normalize }) };
  }
  // at its own size resizing changes nothing, so this is inference's normalisation and no second one
  const normalised = preprocessor.run.run({ data: picture, width: size, height: size, channels: 3 });
  // the next sample overwrites what was given
  return { image: Float32Array.from(normalised), target: Float32Array.from(mask), text };
}
