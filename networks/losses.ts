// Parts of training losses that several networks share.

import { builder as b } from '../graph/builder.js';
import type { Tensor } from '../graph/graph.js';

/** The sum and the mean of all numbers of a tensor, [1]. */
export const total = (x: Tensor): Tensor => b.reshape(b.sum(b.reshape(x, [-1]), [0]), [1]);
export const average = (x: Tensor): Tensor => b.reshape(b.mean(b.reshape(x, [-1]), [0]), [1]);

/** Maps or masks of a batch, [B,…], as [B,pixels]. */
export const flatten = (x: Tensor): Tensor => b.reshape(x, [x.shape[0]!, -1]);

/** Dice loss, per image and smoothed by 1, plus binary cross-entropy. logits and masks [B,pixels]. */
export function segmentationLoss(logits: Tensor, masks: Tensor): Tensor {
  const p = b.sigmoid(logits);
  const one = b.scalar(1);
  const overlap = b.sum(b.mul(p, masks), [1]);
  const areas = b.add(b.sum(p, [1]), b.sum(masks, [1]));
  const dice = b.div(b.add(b.mul(overlap, b.scalar(2)), one), b.add(areas, one));
  const crossEntropy = b.sub(b.softplus(logits), b.mul(logits, masks));
  return b.add(average(b.sub(one, dice)), average(crossEntropy));
}
