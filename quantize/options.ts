// What a caller says of a quantization, and what it is told meanwhile.

import type { DatasetReading } from '../node/datasets/dataset.js';
import type { DeviceChoice } from '../runtime/types.js';

/** What Dice may fall by, unless the caller says otherwise. */
export const DICE_BUDGET = { fp16: 0.002, int8: 0.005 } as const;

export interface QuantizeOptions {
  readonly to: 'fp16' | 'int8';
  readonly out: string;
  /** A data set's folder: masks are scored on it, and examples taken from it. */
  readonly data?: string | undefined;
  /** The split that is scored; `test` if not given. */
  readonly split?: string | undefined;
  /** Which of its sentences and masks. */
  readonly reading?: DatasetReading | undefined;
  readonly maxDiceDrop?: number | undefined;
  /** For int8: whether masks are scored with activations rounded to int8 too, and that permitted where Dice holds. */
  readonly integerProducts?: boolean | undefined;
  readonly device?: DeviceChoice | undefined;
  /** name@version of this package, for the manifest. */
  readonly package: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: QuantizeProgress) => void) | undefined;
}

export interface QuantizeProgress {
  readonly phase: 'store' | 'look' | 'score';
  readonly done: number;
  readonly total: number;
}
