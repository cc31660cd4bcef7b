// `tmca evaluate`: how well a model's masks agree with a data set's, at the network's own size.

import type { Dataset } from '../../node/datasets/dataset.js';
import { type Evaluation, evaluateModel } from '../../node/datasets/evaluate-dataset.js';
import type { Task } from '../console.js';
import type { Context } from '../context.js';
import type { NetworkOptions } from '../options.js';
import { openWithProgress } from '../session.js';

export interface EvaluateOptions extends NetworkOptions {
  readonly data: string;
  readonly split: string;
  readonly model: string;
  readonly threshold: number;
  /** In place of every record's own; false: no text. */
  readonly text?: string | false;
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
  const { data, model, split, prompt, category, threshold } = options;
  const text = options.text === false ? null : options.text;
  let told: readonly string[] = [];
  let limit = 0;
  let bar: Task | undefined;
  const open = async ({ warnings, records }: Dataset) => {
    told = warnings;
    for (const warning of warnings) await console.warn(warning);
    const session = await openWithProgress(context, options);
    limit = session.info.model.maxTextLength;
    bar = await console.task('evaluate', records.length);
    return session;
  };
  const onProgress = (done: number) => bar?.step(done);
  const task = { data, model, split, reading: { text, prompt, category }, threshold, signal: io.signal, onProgress };
  const evaluation = await evaluateModel(task, open).finally(() => bar?.end());
  const { truncated, n } = evaluation;
  if (truncated > 0)
    await console.warn(
      `${truncated} of ${n} texts are longer than the ${limit} tokens of the model; the rest of each is left out`,
    );
  await tellNotes({ ...evaluation, notes: evaluation.notes.filter(note => !told.includes(note)) }, context);
  return evaluation;
}

/** What was taken for granted; where no mask marks a lesion, a warning: then the scores are of nothing. */
export async function tellNotes({ notes, empty_masks, n }: EvaluateResult, { console }: Context): Promise<void> {
  for (const text of notes) await (empty_masks === n ? console.warn(text) : console.note(text));
}

function summary(result: EvaluateResult): string[] {
  const { n, device, dtype, adapter, data, split, text, model, size } = result;
  const { dice, iou, accuracy, mean_dice, mean_iou, without } = result;
  const told = text === undefined ? '' : text === null ? ', no texts' : `, every text "${text}"`;
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
