// How well a model's masks agree with a data set's when it is told the same things in other ways, less, nothing, or something
// wrong.

import { loadAssembly } from '../../assembly/instance.js';
import { Evaluator } from '../../assembly/metrics.js';
import { readable, type Told, WAYS, type Way, waysOf } from '../../language/captions/ways.js';
import type { Session } from '../../runtime/types.js';
import { surveyMasks } from '../images/masks.js';
import { NoteTally } from '../notes.js';
import type { Dataset, DatasetReading } from './dataset.js';
import { type EvaluateOptions, type Prediction, predict, readRecord, type Scores, scoresOf } from './evaluate.js';
import { describeEvaluation, type EvaluationSubject } from './evaluation-subject.js';
import { type FitEngine, FitTally, NO_FIT, type SentenceFit } from './sentence-fit.js';

/** The scores of one way of saying it. */
export interface SentenceRow extends Scores {
  readonly name: Way;
  /** What the first of its records is told; null: nothing. */
  readonly example: string | null;
  /** Texts that are longer than the network reads; the rest of each is left out. */
  readonly truncated: number;
}

export interface SentenceEvaluation extends EvaluationSubject {
  /** Ways that no record's caption can be said in are left out. */
  readonly rows: readonly SentenceRow[];
  /** How well the model tells that a sentence is not of a picture: another record's, and its own with the sides swapped. */
  readonly fit: SentenceFit;
  readonly empty_masks: number;
  readonly notes: readonly string[];
}

interface Row {
  readonly evaluator: Evaluator;
  readonly told: readonly Told[];
  truncated: number;
}

/**
 * `about`: how the data set was opened. A model that reads no sentence has one row, of nothing said.
 *
 * Errors: those of `evaluateRecords`.
 */
export async function evaluateSentences(
  session: Session,
  dataset: Dataset,
  about: DatasetReading & { readonly split: string },
  options: Omit<EvaluateOptions, 'onProgress'> & {
    readonly onProgress?: ((done: number, total: number) => void) | undefined;
    /** What shows the network's insides, for `fit`; without it, `fit` knows nothing. */
    readonly insides?: FitEngine | null | undefined;
  } = {},
): Promise<SentenceEvaluation> {
  const { threshold = 0.5, signal, onProgress, insides } = options;
  const { records } = dataset;
  const watched = { threshold, ...(signal && { signal }) };
  const assembly = await loadAssembly();
  const { empty, notes: ofMasks } = await surveyMasks(records, watched);
  const ofImages = new NoteTally('image');
  const use = session.info.model.text;
  const captions = records.map(({ text }) => text);
  const ways = waysOf(captions, use === 'required');
  const rows = new Map<Way, Row>(
    WAYS.filter(way => (use === 'none' ? way === 'none' : ways[way].some(told => told !== undefined))).map(way => [
      way,
      { evaluator: new Evaluator(assembly), told: ways[way], truncated: 0 },
    ]),
  );
  using fit = insides ? await FitTally.create(insides) : null;
  for (const [i, record] of records.entries()) {
    const opened = await readRecord(record, watched);
    const known = new Map<Told, Prediction>();
    for (const row of rows.values()) {
      const told = row.told[i];
      if (told === undefined) continue;
      // a center has no side to swap: what was told before is not run again
      const found = known.get(told) ?? (await predict(session, opened, told ?? '', watched));
      known.set(told, found);
      row.evaluator.add(found.prediction, found.target);
      row.truncated += found.truncated ? 1 : 0;
    }
    const [other, swapped] = [ways.other_caption[i] ?? undefined, ways.swapped_side[i] ?? captions[i]!];
    if (use !== 'none') await fit?.add(session, opened.pixels, { own: captions[i]!, other, swapped }, signal);
    ofImages.add(known.values().next().value?.notes ?? []);
    onProgress?.(i + 1, records.length);
  }
  const unread = records.length - readable(captions);
  const unsaid = `${unread} of ${records.length} texts are in no wording that is known: they are told whole, swapped and exchanged alone`;
  const notes = [...dataset.warnings, ...dataset.notes, ...ofMasks, ...ofImages.lines()];
  return {
    rows: [...rows].map(([name, row]) => rowOf(name, row)),
    fit: (await fit?.result()) ?? NO_FIT,
    ...describeEvaluation(session.info, dataset, about, threshold),
    empty_masks: empty,
    notes: unread > 0 && use !== 'none' ? [...notes, unsaid] : notes,
  };
}

function rowOf(name: Way, { evaluator, told, truncated }: Row): SentenceRow {
  const example = told.find(text => text !== undefined) ?? null;
  return { name, ...scoresOf(evaluator.result()), example, truncated };
}
