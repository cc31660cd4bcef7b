// The closed table of ops that only training has: derivatives that are ops themselves, and BatchNorm with a batch's own
// statistics. Apart from the other ops, so that it can be left out of a bundle that does not train. All run in fp32 alone.

import type { Gradient } from '../../rule.js';
import { derivatives } from '../derivatives.js';
import type { OpName } from '../table.js';
import { attentionGradient } from './attention-gradient.js';
import { batchNormGradient } from './batch-norm-gradient.js';
import { batchNormTraining } from './batch-norm-training.js';
import { batchStatistics } from './batch-statistics.js';
import { conv2dInputGradient } from './conv2d-input-gradient.js';
import { conv2dWeightGradient } from './conv2d-weight-gradient.js';
import { depthwiseInputGradient } from './depthwise-input-gradient.js';
import { depthwiseWeightGradient } from './depthwise-weight-gradient.js';
import { embeddingGradient } from './embedding-gradient.js';
import { geluGradient } from './gelu-gradient.js';
import { l2NormalizeGradient } from './l2-normalize-gradient.js';
import { layerNormGradient } from './layer-norm-gradient.js';
import { linearInputGradient } from './linear-input-gradient.js';
import { linearWeightGradient } from './linear-weight-gradient.js';
import { maxPoolGradient } from './max-pool-gradient.js';
import { resizeGradient } from './resize-gradient.js';

export const gradientRules = {
  attentionGradient,
  batchNormGradient,
  batchNormTraining,
  batchStatistics,
  conv2dInputGradient,
  conv2dWeightGradient,
  depthwiseInputGradient,
  depthwiseWeightGradient,
  embeddingGradient,
  geluGradient,
  l2NormalizeGradient,
  layerNormGradient,
  linearInputGradient,
  linearWeightGradient,
  maxPoolGradient,
  resizeGradient,
} as const;

const gradients: Readonly<Record<string, unknown>> = {
  ...Object.fromEntries(
    Object.entries(gradientRules).map(([op, rule]) => [op, 'gradient' in rule ? rule.gradient : undefined]),
  ),
  ...derivatives,
};

/** How an op is differentiated, its attributes' type forgotten; undefined of a composite that is expanded first. */
export const gradientOf = (op: OpName): Gradient<object> | undefined => gradients[op] as Gradient<object> | undefined;
