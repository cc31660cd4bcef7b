// The training loss as a graph: segmentation loss and the target-informed contrastive loss (TSDM, section 3.2.1,
// equation 1) over the configured levels (MCAS).

import { builder as b } from './builder.js';
import type { Config } from './config.js';
import type { Tensor } from './graph.js';
import { NORMALIZE_EPS } from './ops/ltem.js';
import type { TmcaOutputs } from './tmca.js';

export interface Losses {
  /** Each [1]. */
  readonly loss: Tensor;
  readonly segmentation: Tensor;
  readonly contrastive: Tensor;
}

const total = (x: Tensor): Tensor => b.reshape(b.sum(b.reshape(x, [-1]), [0]), [1]);
const average = (x: Tensor): Tensor => b.reshape(b.mean(b.reshape(x, [-1]), [0]), [1]);

/** d_{p,q}: Dice between the masks of p and q, [B,B]; two empty masks have Dice 1. masks [B,pixels] in {0,1}. */
export function diceMatrix(masks: Tensor): Tensor {
  const overlap = b.linear(masks, masks);
  const area = b.sum(masks, [1]);
  const areas = b.add(area, b.transpose(area));
  const dice = b.div(b.mul(overlap, b.scalar(2)), b.max(areas, b.scalar(1)));
  return b.add(dice, b.sub(b.scalar(1), b.step(areas)));
}

function identity(n: number): Tensor {
  const values = new Float64Array(n * n);
  for (let i = 0; i < n; i++) values[i * n + i] = 1;
  return b.constant(values, [n, n]);
}

/** What each pair's similarity should be, [B,B] with rows summing to 1. */
function contrastTargets(masks: Tensor, config: Config): Tensor {
  if (!config.targetInformed) return identity(masks.shape[0]!);
  return b.softmax(b.mul(diceMatrix(masks), b.scalar(1 / config.tauTarget)));
}

/** Equation 1, both directions averaged. image and text [B,C], targets [B,B]. */
export function tsdmLoss(image: Tensor, text: Tensor, targets: Tensor, config: Config): Tensor {
  const unit = (x: Tensor) => b.l2Normalize(x, { eps: NORMALIZE_EPS });
  const similarity = b.mul(b.linear(unit(image), unit(text)), b.scalar(1 / config.tauSimilarity));
  const direction = (s: Tensor) => average(b.sum(b.mul(targets, b.logSoftmax(s)), [1]));
  return b.mul(b.add(direction(similarity), direction(b.transpose(similarity))), b.scalar(-0.5));
}

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

/**
 * The contrastive loss over the configured levels, [1]; 0 where there are none.
 * @param masks [B,pixels] in {0,1}
 */
export function contrastiveLoss(config: Config, pairs: TmcaOutputs['pairs'], masks: Tensor): Tensor {
  const { levels } = config;
  if (levels.length === 0) return b.scalar(0);
  const targets = contrastTargets(masks, config);
  const parts = levels.map(level => tsdmLoss(pairs[level].image, pairs[level].text, targets, config));
  return b.mul(total(b.concat(parts, { axis: 0 })), b.scalar(1 / parts.length));
}

/** Maps or masks of a batch, [B,…], as [B,pixels]. */
export const flatten = (x: Tensor): Tensor => b.reshape(x, [x.shape[0]!, -1]);

/**
 * The whole loss of a batch. target [B,S,S,1] in {0,1}; weight, of the contrastive part, [1]: the configuration's if not
 * given.
 */
export function trainingLoss(
  config: Config,
  outputs: Pick<TmcaOutputs, 'logits' | 'pairs'>,
  target: Tensor,
  weight: Tensor = b.scalar(config.contrastiveWeight),
): Losses {
  const masks = flatten(target);
  const segmentation = segmentationLoss(flatten(outputs.logits), masks);
  const contrastive = contrastiveLoss(config, outputs.pairs, masks);
  if (config.levels.length === 0) return { loss: segmentation, segmentation, contrastive };
  return { loss: b.add(segmentation, b.mul(contrastive, weight)), segmentation, contrastive };
}
