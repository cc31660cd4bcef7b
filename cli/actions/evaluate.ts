// `tmca evaluate`: how well a model's masks agree with a data set's, at the network's own size.

import { type Evaluation, evaluateDataset } from '../../node/datasets/evaluate-dataset.js';
import { checkReading, openDatasetFor } from '../../node/datasets/reading.js';
import type { Context } from '../context.js';
import type { NetworkOptions } from '../options.js';
import { openSession } from '../session.js';

export interface EvaluateOptions extends NetworkOptions {
  readonly data: string;
  readonly split: string;
  readonly model: string;
  readonly threshold: number;
  /** In place of every record's own. */
  readonly text?: string;
  readonly prompt?: string;
  readonly category?: string;
  readonly json?: boolean;
}

/** The JSON. */
export type EvaluateResult = Evaluation;

export async function evaluate(options: EvaluateOptions, context: Context): Promise<void> {
  const { console } = context;
  const result = await evaluateOn(options, context);
  await (options.json ? console.json(result) : console.print(summary(result)));
}

/** The evaluation with its progress shown, and a warning where texts were cut. */
export async function evaluateOn(options: EvaluateOptions, context: Context): Promise<EvaluateResult> {
  const { console, io } = context;
  const { split, text, prompt, category, threshold } = options;
  const reading = { text, prompt, category };
  const asked = { split, ...reading, signal: io.signal };
  const dataset = await openDatasetFor('evaluate', options.model, options.data, asked);
  for (const text of dataset.warnings) await console.warn(text);
  const session = await openSession(context, options);
  try {
    checkReading('evaluate', session.info.model, reading);
    const count = dataset.records.length;
    const task = await console.task('evaluate', count);
    const watched = { threshold, signal: io.signal, onProgress: (done: number) => task.step(done) };
    const about = { split, ...reading };
    const evaluation = await evaluateDataset(session, dataset, about, watched).finally(() => task.end());
    const { truncated } = evaluation;
    if (truncated > 0) {
      const rule = `longer than the ${session.info.model.maxTextLength} tokens of the model`;
      await console.warn(`${truncated} of ${count} texts are ${rule}; the rest of each is left out`);
    }
    const told = new Set(dataset.warnings);
    await tellNotes({ ...evaluation, notes: evaluation.notes.filter(text => !told.has(text)) }, context);
    return evaluation;
  } finally {
    session.dispose();
  }
}

/** What was taken for granted; where no mask marks a lesion, a warning: then the scores are of nothing. */
export async function tellNotes({ notes, empty_masks, n }: EvaluateResult, { console }: Context): Promise<void> {
  for (const text of notes) await (empty_masks === n ? console.warn(text) : console.note(text));
}

function summary(result: EvaluateResult): string[] {
  const { n, device, dtype, adapter, data, split, text, model, size } = result;
  const { dice, iou, accuracy, mean_dice, mean_iou, without } = result;
  const told = text === undefined ? '' : `, every text "${text}"`;
  return [
    `${model} on ${data}, ${split}: ${n} image${n === 1 ? '' : 's'} at ${size} x ${size}${told}`,
    `  all pixels   dice ${dice.toFixed(4)}  iou ${iou.toFixed(4)}  accuracy ${accuracy.toFixed(4)}`,
    `  per image    dice ${mean_dice.toFixed(4)}  iou ${mean_iou.toFixed(4)}`,
    ...Object.entries(without).map(
      ([mark, s]) => `  without ${mark} (${s.n})   dice ${s.dice.toFixed(4)}  per image ${s.mean_dice.toFixed(4)}`,
    ),
    `  ${device}, ${dtype}: ${adapter.description || adapter.vendor}`,
  ];
}
