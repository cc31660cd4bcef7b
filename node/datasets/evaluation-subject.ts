// What an evaluation is of: which model on which engine, and which records, read how.

import type { EngineId } from '../../runtime/engines/names.js';
import type { AdapterSummary, DType, SessionInfo } from '../../runtime/types.js';
import type { Dataset, DatasetReading } from './dataset.js';

export interface EvaluationSubject {
  readonly device: EngineId;
  readonly dtype: DType;
  readonly adapter: AdapterSummary;
  readonly data: string;
  readonly split: string;
  /** The one text of all records, where theirs were replaced; null: they were told nothing. */
  readonly text?: string | null;
  /** Which of the records' sentences, and which category of annotations, where they were chosen. */
  readonly prompt?: string;
  readonly category?: string;
  readonly model: string;
  /** SHA-256 of the weights' file: which model these are the scores of. Empty where it is not known. */
  readonly hash: string;
  /** Side of the masks that were compared. */
  readonly size: number;
  readonly threshold: number;
  /** Whether the model's files were checked; see `SessionInfo`. */
  readonly integrity: 'checked' | 'unchecked';
}

/** @param about how the data set was opened */
export function describeEvaluation(
  { device, dtype, adapter, model, integrity }: SessionInfo,
  { name }: Dataset,
  { split, text, prompt, category }: DatasetReading & { readonly split: string },
  threshold: number,
): EvaluationSubject {
  const reading = Object.entries({ text, prompt, category }).filter(([, value]) => value !== undefined);
  return {
    ...{ device, dtype, adapter, data: name, split },
    ...(Object.fromEntries(reading) as Pick<EvaluationSubject, 'text' | 'prompt' | 'category'>),
    ...{ model: model.name, hash: model.hash, size: model.imageSize, threshold, integrity },
  };
}
