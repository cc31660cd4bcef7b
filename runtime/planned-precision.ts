// The precision that a folder would run at, from its configuration alone.

import { int8Passes } from '../model/passes/int8.js';
import type { Config } from '../networks/config.js';
import { choosePrecision, type PrecisionChoice } from './engine-choice.js';
import { int8Parameters } from './int8.js';
import { hasWideActivations } from './stored-weights.js';
import type { DTypeChoice } from './types.js';

export function plannedPrecision(config: Config, dtype: DTypeChoice = 'auto', shaderF16 = true): PrecisionChoice {
  const precision = choosePrecision(dtype, config.dtype, shaderF16, hasWideActivations(config));
  return precision.dtype === 'int8' ? { ...precision, int8: int8Passes(int8Parameters(config)) } : precision;
}
