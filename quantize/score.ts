// End to end: the masks of the source in fp32 and of what was made of it, over one split of a data set.

import type { Assembly } from '../assembly/index.js';
import { Evaluator } from '../assembly/metrics.js';
import type { DatasetRecord } from '../node/datasets/dataset.js';
import { predictRecord } from '../node/datasets/evaluate.js';
import { NoteTally } from '../node/notes.js';
import type { Session } from '../runtime/types.js';

export interface Scored {
  readonly dice: number;
  readonly mean_dice: number;
  readonly iou: number;
  /** By record: the prediction, [size, size] of zeros and ones. */
  readonly masks: readonly Uint8Array[];
}

export async function scoreSession(
  assembly: Assembly,
  session: Session,
  records: readonly DatasetRecord[],
  { signal, onRecord }: { readonly signal?: AbortSignal | undefined; readonly onRecord?: () => void } = {},
): Promise<Scored & { readonly notes: readonly string[] }> {
  const evaluator = new Evaluator(assembly);
  const masks: Uint8Array[] = [];
  const notes = new NoteTally('image');
  for (const record of records) {
    const { prediction, target, notes: found } = await predictRecord(session, record, signal && { signal });
    notes.add(found);
    evaluator.add(prediction, target);
    masks.push(prediction);
    onRecord?.();
  }
  const { dice, meanDice, iou } = evaluator.result();
  return { dice, mean_dice: meanDice, iou, masks, notes: notes.lines() };
}

export interface Agreement {
  readonly n: number;
  readonly fp32: { readonly dice: number; readonly mean_dice: number; readonly iou: number };
  readonly quantized: { readonly dice: number; readonly mean_dice: number; readonly iou: number };
  /** fp32's Dice less the other's, over all pixels. */
  readonly dice_drop: number;
  /** Share of pixels that are the same in both. */
  readonly pixel_agreement: number;
  /** Records of which one mask is empty and the other is not. */
  readonly empty_flips: number;
}

export function agreementOf(before: Scored, after: Scored): Agreement {
  let [same, pixels, flips] = [0, 0, 0];
  before.masks.forEach((mask, i) => {
    const other = after.masks[i]!;
    for (let p = 0; p < mask.length; p++) same += mask[p] === other[p] ? 1 : 0;
    pixels += mask.length;
    flips += mask.includes(1) === other.includes(1) ? 0 : 1;
  });
  const scores = ({ dice, mean_dice, iou }: Scored) => ({ dice, mean_dice, iou });
  return {
    n: before.masks.length,
    fp32: scores(before),
    quantized: scores(after),
    dice_drop: before.dice - after.dice,
    pixel_agreement: same / pixels,
    empty_flips: flips,
  };
}
