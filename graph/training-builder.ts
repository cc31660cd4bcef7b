// Constructors of derivatives that are ops themselves, as the gradient rules build them, beside all others. Apart from those,
// since a page that segments differentiates nothing.

import { builder, type Maybe, makeNode, none } from './builder.js';
import type { Tensor } from './graph.js';
import type { AttrsOf } from './ops/table.js';

export const trainingBuilder = {
  ...builder,
  batchNormGradient: (
    x: Tensor,
    weight: Tensor,
    statistics: Tensor,
    y: Tensor,
    dy: Tensor,
    attrs: AttrsOf<'batchNormGradient'>,
  ) => makeNode('batchNormGradient', [x, weight, statistics, y, dy], attrs),
  geluGradient: (x: Tensor, dy: Tensor) => makeNode('geluGradient', [x, dy], none),
  linearInputGradient: (dy: Tensor, weight: Tensor) => makeNode('linearInputGradient', [dy, weight], none),
  linearWeightGradient: (x: Tensor, dy: Tensor) => makeNode('linearWeightGradient', [x, dy], none),
  conv2dInputGradient: (dy: Tensor, weight: Tensor, attrs: AttrsOf<'conv2dInputGradient'>) =>
    makeNode('conv2dInputGradient', [dy, weight], attrs),
  conv2dWeightGradient: (x: Tensor, dy: Tensor, attrs: AttrsOf<'conv2dWeightGradient'>) =>
    makeNode('conv2dWeightGradient', [x, dy], attrs),
  depthwiseInputGradient: (dy: Tensor, weight: Tensor) => makeNode('depthwiseInputGradient', [dy, weight], none),
  depthwiseWeightGradient: (x: Tensor, dy: Tensor, attrs: AttrsOf<'depthwiseWeightGradient'>) =>
    makeNode('depthwiseWeightGradient', [x, dy], attrs),
  attentionGradient: (q: Tensor, k: Tensor, v: Tensor, mask: Maybe, dy: Tensor, attrs: AttrsOf<'attentionGradient'>) =>
    makeNode('attentionGradient', [q, k, v, mask, dy], attrs),
  layerNormGradient: (x: Tensor, weight: Maybe, dy: Tensor, attrs: AttrsOf<'layerNormGradient'>) =>
    makeNode('layerNormGradient', [x, weight, dy], attrs),
  l2NormalizeGradient: (x: Tensor, dy: Tensor, attrs: AttrsOf<'l2NormalizeGradient'>) =>
    makeNode('l2NormalizeGradient', [x, dy], attrs),
  embeddingGradient: (ids: Tensor, dy: Tensor, attrs: AttrsOf<'embeddingGradient'>) =>
    makeNode('embeddingGradient', [ids, dy], attrs),
  maxPoolGradient: (x: Tensor, dy: Tensor, attrs: AttrsOf<'maxPoolGradient'>) =>
    makeNode('maxPoolGradient', [x, dy], attrs),
  resizeGradient: (dy: Tensor, attrs: AttrsOf<'resizeGradient'>) => makeNode('resizeGradient', [dy], attrs),
};

export type TrainingBuilder = typeof trainingBuilder;
