// `tmca train`: a data set in, a model folder out.

import type { TrainEvent } from '../../train/events.js';
import type { TrainResult } from '../../train/run/options.js';
import type { Context } from '../context.js';
import type { NetworkOptions } from '../options.js';
import { TrainingDisplay } from '../training-display.js';

export interface TrainCommandOptions extends Pick<NetworkOptions, 'device'> {
  readonly data: string;
  readonly out: string;
  readonly config?: string;
  readonly init?: string;
  readonly epochs?: number;
  readonly batch?: number;
  readonly lr?: number;
  readonly steps?: number;
  readonly seed?: number;
  readonly resume?: boolean;
  readonly skipBad?: boolean;
  readonly json?: boolean;
}

export async function train(options: TrainCommandOptions, { console, engine, io }: Context): Promise<void> {
  const { json, ...wanted } = options;
  const display = new TrainingDisplay(console);
  const onEvent = (event: TrainEvent) => display.show(event);
  const result = await engine.train({ ...wanted, signal: io.signal, onEvent }).finally(() => display.end());
  const shown = { ...result.last, ...result, last: undefined };
  await (json ? console.json(shown) : console.print(summary(result)));
}

/** Why it ended, as a user would say it. */
const ENDED = {
  epochs: 'all epochs done',
  steps: 'the last step that was asked for',
  patience: 'no better validation score for the epochs that "patience" allows',
} as const;

function summary({ out, stopped, step, best, last }: TrainResult): string {
  const score = (name: string) => (typeof last?.[name] === 'number' ? last[name].toFixed(4) : '–');
  return [
    `${out}: ${step} steps, ${ENDED[stopped]}`,
    `  last   loss ${score('loss')}  validation dice ${score('val_dice')}  iou ${score('val_iou')}`,
    ...(best ? [`  best   validation dice ${best.score.toFixed(4)}, epoch ${best.epoch + 1}`] : []),
  ].join('\n');
}
