// What a run says when it ends before its time: what went wrong, what is saved, how to go on.

import { TmcaError } from '../../errors/index.js';
import type { TrainOptions } from './options.js';
import { commandOf } from './run-json.js';

interface Circumstances {
  readonly options: TrainOptions;
  /** The last checkpoint; null where there is none yet. */
  readonly saved: { readonly step: number; readonly folder: string } | null;
  /** The first thing that was no number, where a step failed by that. */
  readonly notFinite: string | null;
}

/** After these a run can go on from its checkpoint. */
const RESUMABLE: readonly string[] = [
  'ABORTED',
  'DEVICE_LOST',
  'GPU_OUT_OF_MEMORY',
  'GPU_FAILED',
  'OUT_OF_MEMORY',
  'OUTPUT_NOT_WRITABLE',
  'WORKER_DIED',
  'DATASET_INVALID',
];

/** The error with what can be said of the run. Anything but a TmcaError, and what says enough, stays as it is. */
export function explain(error: unknown, { options, saved, notFinite }: Circumstances): unknown {
  if (!(error instanceof TmcaError)) return error;
  const { code, message, retryable } = error;
  const again = (text: string) => new TmcaError(code, text, { cause: error, retryable });
  if (code === 'MODEL_NOT_FINITE') {
    const found = notFinite ? `; the first that is not finite: ${notFinite}` : '';
    return again(`${message}${found}${saved ? `; step ${saved.step} is saved in ${saved.folder}` : ''}`);
  }
  if (!saved || !RESUMABLE.includes(code)) return error;
  const { data, out, device } = options;
  const resume = `step ${saved.step} is saved in ${saved.folder}, go on with: ${commandOf({ data, out, device })} --resume`;
  return again(code === 'ABORTED' ? `train: stopped by its signal; ${resume}` : `${message}; ${resume}`);
}
