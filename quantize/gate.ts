// The gate: what is written has lost little Dice, on masks that can tell.

import { check } from '../errors/index.js';
import type { DatasetRecord } from '../node/datasets/dataset.js';
import { type MaskSurvey, surveyMasks } from '../node/images/masks.js';
import type { QuantizeReport } from './report.js';

/** Masks that mark nothing would let everything through. Errors: DATASET_INVALID, those of `surveyMasks`. */
export async function checkLesions(
  records: readonly DatasetRecord[],
  data: string,
  signal: AbortSignal | undefined,
): Promise<MaskSurvey> {
  const survey = await surveyMasks(records, { signal });
  check(survey.empty < records.length, 'DATASET_INVALID', () => {
    return `quantize: some mask must mark a lesion for Dice to say anything, got none of ${records.length} in ${data}; give masks with lesions, or leave --data out`;
  });
  return survey;
}

/** Errors: ACCURACY_LOST; DATASET_INVALID, where the source finds no lesion, so that there is nothing to lose. */
export function checkBudget({ end_to_end: { dice }, budget, to }: QuantizeReport): void {
  if (!dice) return;
  check(dice.fp32.dice > 0, 'DATASET_INVALID', () => {
    return `quantize: the source must find some lesion for Dice to say what is lost, got Dice 0 over ${dice.n} images of ${dice.data}; look whether masks and texts belong to these images, or leave --data out`;
  });
  if (budget.met !== false) return;
  const drop = dice.dice_drop.toFixed(4);
  check(
    false,
    'ACCURACY_LOST',
    `quantize: ${to} must not cost more than ${budget.max_dice_drop} of Dice, got ${drop} (${dice.fp32.dice.toFixed(4)} to ${dice.quantized.dice.toFixed(4)} over ${dice.n} images); nothing was written: use fp16, or a larger --max-dice-drop`,
  );
}
