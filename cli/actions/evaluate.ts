// `tmca evaluate`: how well a model's masks agree with a data set's, at the network's own size.

import type { Dataset } from '../../node/datasets/dataset.js';
import { type Evaluation, evaluateDataset, evaluateModel } from '../../node/datasets/evaluate-dataset.js';
import { evaluateSentences, type SentenceEvaluation } from '../../node/datasets/evaluate-sentences.js';
import { insidesOf } from '../../node/datasets/sentence-fit.js';
import type { ForwardInputs } from '../../runtime/inspect/forward.js';
import type { Task } from '../console.js';
import type { Context } from '../context.js';
import { table } from '../display/text-table.js';
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
  /** In every way of saying it. */
  readonly sentences?: boolean;
  readonly json?: boolean;
}

/** The JSON. */
export type EvaluateResult = Evaluation;

export async function evaluate(options: EvaluateOptions, context: Context): Promise<void> {
  const { console } = context;
  if (options.sentences) {
    const result = await evaluateWaysOn(options, context);
    return options.json ? console.json(result) : console.print(wayTable(result));
  }
  const result = await evaluateOn(options, context);
  await (options.json ? console.json(result) : console.print(summary(result)));
}

/** The evaluation with its progress shown, and a warning where texts were cut. */
export async function evaluateOn(options: EvaluateOptions, context: Context): Promise<EvaluateResult> {
  const { result, told, limit } = await scored(options, context, evaluateDataset);
  const { truncated, n } = result;
  if (truncated > 0) await context.console.warn(cut(`${truncated} of ${n} texts are`, limit));
  await tellNotes(result, context, told);
  return result;
}

async function evaluateWaysOn(options: EvaluateOptions, context: Context): Promise<SentenceEvaluation> {
  const { model, dtype } = options;
  const { io, engine } = context;
  const { result, told, limit } = await scored(options, context, async (session, dataset, about, watched) => {
    const on = { device: session.info.device, dtype, fill: false, signal: io.signal };
    const forward = async (inputs: ForwardInputs) => (await engine.inspectForward(model, inputs, on)).outputs;
    return evaluateSentences(session, dataset, about, { ...watched, insides: await insidesOf(model, forward) });
  });
  for (const { name, truncated, n } of result.rows)
    if (truncated > 0) await context.console.warn(cut(`${name}: ${truncated} of ${n} texts are`, limit));
  await tellNotes({ ...result, n: Math.max(...result.rows.map(({ n }) => n)) }, context, told);
  return result;
}

const cut = (texts: string, limit: number): string =>
  `${texts} longer than the ${limit} tokens of the model; the rest of each is left out`;

interface Scored<T> {
  readonly result: T;
  /** Warnings that the user has seen. */
  readonly told: readonly string[];
  /** Tokens of the longest sentence that is read whole. */
  readonly limit: number;
}

async function scored<T>(
  options: EvaluateOptions,
  context: Context,
  score: Parameters<typeof evaluateModel<T>>[2],
): Promise<Scored<T>> {
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
  const result = await evaluateModel(task, open, score).finally(() => bar?.end());
  return { result, told, limit };
}

/** What was taken for granted, but for what was told; where no mask marks a lesion, a warning: then the scores are of nothing. */
export async function tellNotes(
  { notes, empty_masks, n }: Pick<EvaluateResult, 'notes' | 'empty_masks' | 'n'>,
  { console }: Context,
  told: readonly string[] = [],
): Promise<void> {
  for (const text of notes.filter(note => !told.includes(note)))
    await (empty_masks === n ? console.warn(text) : console.note(text));
}

function wayTable(result: SentenceEvaluation): string[] {
  const { rows, fit, model, data, split, size, device, dtype, adapter } = result;
  const told = (value: number | null, what: string) => (value === null ? [] : [`${value.toFixed(4)} ${what}`]);
  const aurocs = [...told(fit.auroc_other, 'from another one'), ...told(fit.auroc_swapped, 'from its sides swapped')];
  const head = ['told', 'images', 'dice', 'iou', 'per image', 'iou'];
  const cells = rows.map(({ name, n, dice, iou, mean_dice, mean_iou }) => {
    return [name, String(n), ...[dice, iou, mean_dice, mean_iou].map(value => value.toFixed(4))];
  });
  const examples = ['such as', ...rows.map(({ example }) => (example === null ? '(nothing)' : `"${example}"`))];
  return [
    `${model} on ${data}, ${split}, at ${size} x ${size}`,
    ...table([head, ...cells]).map((line, i) => `  ${line}   ${examples[i]}`),
    ...(aurocs.length > 0 ? [`  the caption told by its similarity, AUROC   ${aurocs.join(', ')}`] : []),
    `  ${device}, ${dtype}: ${adapter.description || adapter.vendor}`,
  ];
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
