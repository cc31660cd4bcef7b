// The two programs of a session, from a configuration alone.

import type { Tuning } from '../../gpu/tuning.js';
import type { Config } from '../../model/config.js';
import { lower, type Program } from '../../model/lower.js';
import { partition, prepare } from '../../model/passes/index.js';
import { tmca, tmcaInputs } from '../../model/tmca.js';
import type { PrecisionChoice } from '../engine-choice.js';

export interface Programs {
  /** From an image and a report to logits. */
  readonly frame: Program;
  /** From ids and mask to a report. */
  readonly text: Program;
}

/** Inputs of the frame program that are written before every run; the report stays until another one is bound. */
export const FRAME_INPUTS: readonly string[] = ['image'];

/** What runs per frame and per report, for one image and a text padded to `length`. */
export function buildPrograms(config: Config, length: number, precision: PrecisionChoice, tuning?: Tuning): Programs {
  const { logits } = tmca(config, tmcaInputs(config, 1, length));
  const { frame, report } = partition(prepare({ logits }, precision), 'image');
  const options = { weights: precision.weights, wide: precision.wide, tuning };
  return { frame: lower(frame, options), text: lower(report, options) };
}
