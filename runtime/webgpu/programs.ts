// The two programs of a session, from a configuration alone.

import type { Tuning } from '../../gpu/tuning.js';
import type { Config } from '../../model/config.js';
import { lower, type Program } from '../../model/lower.js';
import { type PassName, partition, prepare } from '../../model/passes/index.js';
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

/**
 * What runs per frame and per report, for one image and a text padded to `length`, in any tuning: lowered when asked; without one of
 * the passes, for comparison.
 */
export function programsOf(
  config: Config,
  length: number,
  precision: PrecisionChoice,
  without?: PassName,
): (tuning?: Tuning) => Programs {
  const { logits } = tmca(config, tmcaInputs(config, 1, length));
  const { frame, report } = partition(prepare({ logits }, { ...precision, without }), 'image');
  const { weights, wide } = precision;
  return tuning => {
    const options = { weights, wide, tuning };
    return { frame: lower(frame, options), text: lower(report, options) };
  };
}

export const buildPrograms = (
  config: Config,
  length: number,
  precision: PrecisionChoice,
  tuning?: Tuning,
  without?: PassName,
): Programs => programsOf(config, length, precision, without)(tuning);
