// What a run says when it ends before its time: what went wrong, what is saved, how to go on.

import { TmcaError } from '../../errors/index.js';
import { Readback } from '../../gpu/readback.js';
import type { ArenaKind, ParameterArena } from '../parameter-arena.js';
import type { TrainOptions } from './options.js';

interface Circumstances {
  readonly options: TrainOptions;
  /** The last checkpoint; null where there is none yet. */
  readonly saved: { readonly step: number; readonly folder: string } | null;
  /** Absent where the run failed before it was made. */
  readonly arena?: ParameterArena | undefined;
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
export async function explain(error: unknown, { options, saved, arena }: Circumstances): Promise<unknown> {
  if (!(error instanceof TmcaError)) return error;
  const { code, message, retryable } = error;
  const again = (text: string) => new TmcaError(code, text, { cause: error, retryable });
  if (code === 'MODEL_NOT_FINITE' && arena) {
    const where = await firstNotFinite(arena).catch(() => null);
    const found = where ? `; the first that is not finite: ${where}` : '';
    return again(`${message}${found}${saved ? `; step ${saved.step} is saved in ${saved.folder}` : ''}`);
  }
  if (!saved || !RESUMABLE.includes(code)) return error;
  const resume = `go on with: tmca train --data ${options.data} --out ${options.out} --resume`;
  return again(`${message}; step ${saved.step} is saved in ${saved.folder}, ${resume}`);
}

/** The parameter, or else the gradient, that has a value which is no number; null where all have numbers. */
async function firstNotFinite(arena: ParameterArena): Promise<string | null> {
  using readback = new Readback(arena.gpu, 0);
  for (const [kind, what] of [
    ['parameters', ''],
    ['gradients', 'the gradient of '],
  ] as const satisfies readonly (readonly [ArenaKind, string])[]) {
    for (const [name, { data }] of await arena.read(readback, kind)) {
      const value = data.find(x => !Number.isFinite(x));
      if (value !== undefined) return `${what}${name} (${value})`;
    }
  }
  return null;
}
