// The scores of a run's model on a split, as they are kept beside it.

import { join } from 'node:path';
import { type Dataset, openDataset } from '../../runtime/node/dataset.js';
import { type Evaluated, type EvaluateOptions, evaluateRecords } from '../../runtime/node/evaluate.js';
import type { AdapterSummary, DType, Session } from '../../runtime/types.js';

/** evaluation-SPLIT.json: what `tmca evaluate --json` prints, and which model it is of. */
export interface RunEvaluation extends Evaluated {
  readonly device: 'webgpu' | 'wasm';
  readonly dtype: DType;
  readonly adapter: AdapterSummary;
  readonly data: string;
  readonly split: string;
  /** The one text of all records, where theirs were replaced. */
  readonly text?: string;
  readonly model: string;
  /** Of the weights. */
  readonly hash: string;
  readonly size: number;
}

export interface EvaluationTarget {
  /** Data set folder. */
  readonly data: string;
  readonly split: string;
  /** In place of every record's own. */
  readonly text?: string | undefined;
}

export const evaluationFile = (folder: string, split: string): string => join(folder, `evaluation-${split}.json`);

/** Errors: those of `openDataset` and `evaluateRecords`. `onProgress`: images done, and all. */
export async function evaluateRun(
  session: Session,
  { data, split, text }: EvaluationTarget,
  options: Pick<EvaluateOptions, 'signal'> & { readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<{ readonly evaluation: RunEvaluation; readonly records: Dataset['records'] }> {
  const { signal, onProgress } = options;
  const stop = signal && { signal };
  const replaced = text !== undefined && { text };
  const { records, name } = await openDataset(data, { split, ...replaced, ...stop });
  const { truncated: _, ...scores } = await evaluateRecords(session, records, {
    ...stop,
    onProgress: done => onProgress?.(done, records.length),
  });
  const { device, dtype, adapter, model } = session.info;
  const ran = { device, dtype, adapter, data: name, split, ...replaced };
  return {
    evaluation: { ...scores, ...ran, model: model.name, hash: model.hash, size: model.imageSize },
    records,
  };
}
