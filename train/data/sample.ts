// A kept picture as an epoch sees it: augmented, then normalised as inference does it. Runs in a worker thread, because it
// takes milliseconds a picture, and the thread that feeds the device has none to spare.

import { findRegions, loadAssembly, Preprocessor } from '../../assembly/index.js';
import type { Config } from '../../networks/config.js';
import { type AugmentSettings, augment, type Draw, retells, type Sample } from '../batch/augment.js';
import { type LesionsOf, SPECK } from '../batch/lesions.js';
import { retell } from '../batch/retell.js';

export interface SampleJob {
  readonly sample: Sample;
  /** Null: the sample as it is. */
  readonly settings: AugmentSettings | null;
  readonly draw: Draw;
  /** Another record's sentence, for a share of wrong ones. */
  readonly other: string | null;
  readonly normalize: Config['normalize'];
}

/** What of a batch is one record's. */
export interface ReadySample {
  /** [S, S, 3], normalised. */
  readonly image: Float32Array<ArrayBuffer>;
  /** [S, S], 0 or 1. */
  readonly target: Float32Array<ArrayBuffer>;
  /** What the picture may be told by, the one that was drawn first: see `retell`. */
  readonly texts: readonly string[];
}

/** One thread works for one network. */
let preprocessor: { readonly key: string; readonly run: Preprocessor } | undefined;

/** Errors: BAD_ARGUMENT, OUT_OF_MEMORY. */
export async function makeSample({ sample, settings, draw, other, normalize }: SampleJob): Promise<ReadySample> {
  const seen = settings === null ? sample : augment(sample, settings, draw);
  const { size, picture, mask, text } = seen;
  const assembly = await loadAssembly();
  const lesionsOf: LesionsOf = (of, side) => findRegions(assembly, of, side, side, { minArea: SPECK });
  const texts = retells(settings) ? retell(sample, seen, settings.text, draw, { lesionsOf, other }) : [text];
  const key = `${size} ${normalize}`;
  if (preprocessor?.key !== key) {
    preprocessor?.run.dispose();
    preprocessor = { key, run: new Preprocessor(assembly, { size, normalize }) };
  }
  // at its own size resizing changes nothing, so this is inference's normalisation and no second one
  const normalised = preprocessor.run.run({ data: picture, width: size, height: size, channels: 3 });
  // the next sample overwrites what was given
  return { image: Float32Array.from(normalised), target: Float32Array.from(mask), texts };
}
