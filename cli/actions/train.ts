// `tmca train`: a data set in, a model folder out.

import { TmcaError } from '../../errors/index.js';
import type { Evaluation } from '../../node/datasets/evaluate-dataset.js';
import { bestToScore } from '../../node/datasets/splits.js';
import type { WrittenReport } from '../../reports/run/index.js';
import type { TrainEvent } from '../../train/events.js';
import type { TrainOptions, TrainResult } from '../../train/run/options.js';
import type { Context } from '../context.js';
import { TrainingDisplay } from '../display/training.js';
import { reportOn } from './report.js';

export interface TrainCommandOptions extends Pick<TrainOptions, 'device' | 'python' | 'precision'> {
  readonly data: string;
  readonly out: string;
  readonly config?: string;
  readonly init?: string;
  readonly epochs?: number;
  readonly batch?: number;
  readonly microBatch?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly lr?: number;
  readonly steps?: number;
  readonly seed?: number;
  readonly text?: string;
  readonly prompt?: string;
  readonly category?: string;
  readonly resume?: boolean;
  readonly skipBad?: boolean;
  readonly json?: boolean;
}

export async function train(options: TrainCommandOptions, context: Context): Promise<void> {
  const { console, engine, io } = context;
  const { json, text, ...wanted } = options;
  const display = new TrainingDisplay(console);
  const onEvent = (event: TrainEvent) => display.show(event);
  const result = await engine
    .train({ ...wanted, textOverride: text, signal: io.signal, onEvent })
    .finally(() => display.end());
  const written = await reported(options, result, context);
  const test = written?.evaluation && scoresOf(written.evaluation);
  const { last, splits: _, ...ended } = result;
  if (json)
    await console.json({
      ...last,
      ...ended,
      device: stepsOn(options),
      report: written?.report ?? null,
      test: test ?? null,
    });
  else await console.print(summary(result, written));
}

const stepsOn = ({ device }: TrainCommandOptions) => (device === 'torch' ? device : 'webgpu');

/** report.html, with scores by an engine of this package. The model is there, so a report that fails is a warning; `tmca report` makes another. */
async function reported(
  { data, out, device }: TrainCommandOptions,
  { splits }: TrainResult,
  context: Context,
): Promise<WrittenReport | null> {
  const split = bestToScore(splits);
  const scoring = device === 'torch' || device === undefined ? 'auto' : device;
  try {
    return await reportOn(out, { data, split, device: scoring, dtype: 'auto' }, context);
  } catch (error) {
    if (!(error instanceof TmcaError) || error.code === 'ABORTED') throw error;
    await context.console.warn(`no report [${error.code}]: ${error.message}; tmca report ${out} makes it`);
    return null;
  }
}

const scoresOf = ({ split, n, dice, iou, accuracy, mean_dice, mean_iou }: Evaluation) => ({
  ...{ split, n, dice, iou, accuracy, mean_dice, mean_iou },
});

/** Why it ended, as a user would say it. */
const ENDED = {
  epochs: 'all epochs done',
  steps: 'the last step that was asked for',
  patience: 'no better validation score for the epochs that "patience" allows',
} as const;

function summary({ out, stopped, step, best, last }: TrainResult, written: WrittenReport | null): string[] {
  const score = (name: string) => (typeof last?.[name] === 'number' ? last[name].toFixed(4) : '–');
  return [
    `${out}: ${step} steps, ${ENDED[stopped]}`,
    `  last   loss ${score('loss')}  validation dice ${score('val_dice')}  iou ${score('val_iou')}`,
    ...(best ? [`  best   validation dice ${best.score.toFixed(4)}, epoch ${best.epoch + 1}`] : []),
    ...(written?.evaluation ? [scoreLine(written.evaluation)] : []),
    ...(written ? [written.report] : []),
  ];
}

const scoreLine = ({ split, n, dice, iou, mean_dice }: Evaluation): string =>
  `  ${split.padEnd(6)} dice ${dice.toFixed(4)}  iou ${iou.toFixed(4)}  mean dice ${mean_dice.toFixed(4)}, ${n} images`;
