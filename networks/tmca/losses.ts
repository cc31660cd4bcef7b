// TMCA's training loss as a graph: the segmentation loss, and the target-informed contrastive loss (TSDM, section 3.2.1,
// equation 1) over the configured levels (MCAS).

import { builder as b } from '../../graph/builder.js';
import type { Outputs, Tensor } from '../../graph/graph.js';
import { NORMALIZE_EPS } from '../../graph/ops/ltem.js';
import type { Losses } from '../definition.js';
import { average, flatten, segmentationLoss, total } from '../losses.js';
import type { TmcaConfig } from './config.js';

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
function contrastTargets(masks: Tensor, config: TmcaConfig): Tensor {
  if (!config.targetInformed) return identity(masks.shape[0]!);
  return b.softmax(b.mul(diceMatrix(masks), b.scalar(1 / config.tauTarget)));
}

/** Equation 1, both directions averaged. image and text [B,C], targets [B,B]. */
export function tsdmLoss(image: Tensor, text: Tensor, targets: Tensor, config: TmcaConfig): Tensor {
  const unit = (x: Tensor) => b.l2Normalize(x, { eps: NORMALIZE_EPS });
  const similarity = b.mul(b.linear(unit(image), unit(text)), b.scalar(1 / config.tauSimilarity));
  const direction = (s: Tensor) => average(b.sum(b.mul(targets, b.logSoftmax(s)), [1]));
  return b.mul(b.add(direction(similarity), direction(b.transpose(similarity))), b.scalar(-0.5));
}

/** The contrastive loss over the configured levels, [1]. masks [B,pixels] in {0,1} */
function contrastiveLoss(config: TmcaConfig, features: Outputs, masks: Tensor): Tensor {
  const targets = contrastTargets(masks, config);
  const parts = config.levels.map(level =>
    tsdmLoss(features[`${level}.image`]!, features[`${level}.text`]!, targets, config),
  );
  return b.mul(total(b.concat(parts, { axis: 0 })), b.scalar(1 / parts.length));
}

export const losses: Losses<TmcaConfig> = {
  ofImages: ['segmentation'],
  acrossBatch: { contrastive: 'contrastiveWeight' },
  scalars: ['contrastiveWeight'],
  perImage: (_, { logits }, target) => ({ segmentation: segmentationLoss(flatten(logits), flatten(target)) }),
  overBatch: (config, features, target) => ({ contrastive: contrastiveLoss(config, features, flatten(target)) }),
};
