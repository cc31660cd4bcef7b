// The closed table of ops that only training has: derivatives that are ops themselves, and BatchNorm with a batch's own
// statistics. Apart from the other ops, so that it can be left out of a bundle that does not train. All run in fp32 alone.

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
