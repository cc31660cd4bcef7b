// The precision that a folder would run at, from its configuration alone.

import { int8Parameters } from '../../formats/weights/int8.js';
import { int8Passes } from '../../graph/passes/int8.js';
import type { Config } from '../../networks/config.js';
import type { DTypeChoice } from '../types.js';
import { choosePrecision, type PrecisionChoice } from './choice.js';
import { hasWideActivations } from './stored-weights.js';

export function plannedPrecision(config: Config, dtype: DTypeChoice = 'auto', shaderF16 = true): PrecisionChoice {
  const precision = choosePrecision(dtype, config.dtype, shaderF16, hasWideActivations(config));
  return precision.dtype === 'int8' ? { ...precision, int8: int8Passes(int8Parameters(config)) } : precision;
}
