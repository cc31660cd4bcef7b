// The closed table of derivatives that are ops themselves. Apart from the other ops, so that it can be left out of a bundle
// that does not train.

import { attentionGradient } from './attention-gradient.js';
import { conv2dInputGradient } from './conv2d-input-gradient.js';
import { conv2dWeightGradient } from './conv2d-weight-gradient.js';
import { depthwiseInputGradient } from './depthwise-input-gradient.js';
import { depthwiseWeightGradient } from './depthwise-weight-gradient.js';
import { embeddingGradient } from './embedding-gradient.js';
import { layerNormGradient } from './layer-norm-gradient.js';
import { linearInputGradient } from './linear-input-gradient.js';
import { linearWeightGradient } from './linear-weight-gradient.js';
import { resizeGradient } from './resize-gradient.js';

export const gradientRules = {
  attentionGradient,
  conv2dInputGradient,
  conv2dWeightGradient,
  depthwiseInputGradient,
  depthwiseWeightGradient,
  embeddingGradient,
  layerNormGradient,
  linearInputGradient,
  linearWeightGradient,
  resizeGradient,
} as const;
