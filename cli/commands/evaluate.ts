// `tmca evaluate`: how well a model's masks agree with a data set's, at the network's own size.

import { loadAssembly } from '../../assembly/instance.js';
import { Evaluator } from '../../assembly/metrics.js';
import { type DatasetRecord, openDataset } from '../../runtime/node/dataset.js';
import { decodeImage, readMask } from '../../runtime/node/images.js';
import type { AdapterSummary, DType, Session } from '../../runtime/types.js';
import type { Context } from '../context.js';
import type { NetworkOptions } from '../options.js';
import { openSession } from '../session.js';

export interface EvaluateOptions extends NetworkOptions {
  readonly data: string;
  readonly split: string;
  readonly model: string;
  readonly threshold: number;
  readonly json?: boolean;
}

/** The JSON. Shares of 1; where both masks are empty, dice and iou are 1. */
export interface EvaluateResult {
  readonly n: number;
  /** Over all pixels of all images. */
  readonly dice: number;
  readonly iou: number;
  readonly accuracy: number;
  /** Means of the images' own. */
  readonly mean_dice: number;
  readonly mean_iou: number;
  readonly per_image: readonly ImageScore[];
  readonly device: 'webgpu' | 'wasm';
  readonly dtype: DType;
  readonly adapter: AdapterSummary;
  readonly data: string;
  readonly split: string;
  readonly model: string;
  /** Side of the masks that were compared. */
  readonly size: number;
  readonly threshold: number;
}

export interface ImageScore {
  readonly id: string;
  readonly dice: number;
  readonly iou: number;
  readonly accuracy: number;
}

/** Everything or nothing: a score over part of a split would pass for the split's. */
export async function evaluate(options: EvaluateOptions, context: Context): Promise<void> {
  const { console, io } = context;
  const dataset = await openDataset(options.data, { split: options.split, signal: io.signal });
  const session = await openSession(context, options);
  try {
    const evaluator = new Evaluator(await loadAssembly());
    const scores: ImageScore[] = [];
    let truncated = 0;
    const task = await console.task('evaluate', dataset.records.length);
    try {
      for (const record of dataset.records) {
        const { prediction, target, cut } = await predict(session, record, options.threshold, context);
        const { dice, iou, accuracy } = evaluator.add(prediction, target);
        scores.push({ id: record.id, dice, iou, accuracy });
        truncated += cut ? 1 : 0;
        task.step(scores.length);
      }
    } finally {
      task.end();
    }
    const { model } = session.info;
    if (truncated > 0) {
      const rule = `longer than the ${model.maxTextLength} tokens of the model`;
      await console.warn(`${truncated} of ${scores.length} texts are ${rule}; the rest of each is left out`);
    }
    const result = describe(evaluator, scores, session, dataset.name, options);
    await (options.json ? console.json(result) : console.print(summary(result)));
  } finally {
    session.dispose();
  }
}

/** Masks of zeros and ones, [size, size], and whether the text was cut. */
async function predict(session: Session, record: DatasetRecord, threshold: number, { io }: Context) {
  const { signal } = io;
  const { pixels } = await decodeImage(record.image, { signal });
  const report = await session.encodeReport(record.text, { signal });
  try {
    const { probability, size } = await session.segment(pixels, report, { threshold, signal });
    const prediction = Uint8Array.from(probability, p => (p >= threshold ? 1 : 0));
    return { prediction, target: await readMask(record.mask, size, { signal }), cut: report.truncated };
  } finally {
    report.dispose();
  }
}

function describe(
  evaluator: Evaluator,
  perImage: readonly ImageScore[],
  { info }: Session,
  data: string,
  { split, threshold }: EvaluateOptions,
): EvaluateResult {
  const { n, dice, iou, accuracy, meanDice, meanIou } = evaluator.result();
  const { device, dtype, adapter, model } = info;
  return {
    ...{ n, dice, iou, accuracy, mean_dice: meanDice, mean_iou: meanIou },
    per_image: perImage,
    ...{ device, dtype, adapter, data, split, model: model.name, size: model.imageSize, threshold },
  };
}

function summary(result: EvaluateResult): string {
  const { n, dice, iou, accuracy, mean_dice, mean_iou, device, dtype, adapter, data, split, model, size } = result;
  return [
    `${model} on ${data}, ${split}: ${n} image${n === 1 ? '' : 's'} at ${size} x ${size}`,
    `  all pixels   dice ${dice.toFixed(4)}  iou ${iou.toFixed(4)}  accuracy ${accuracy.toFixed(4)}`,
    `  per image    dice ${mean_dice.toFixed(4)}  iou ${mean_iou.toFixed(4)}`,
    `  ${device}, ${dtype}: ${adapter.description || adapter.vendor}`,
  ].join('\n');
}
