// The closed table of ops. `OpName` and every op's attributes follow from it.

import type { LowerContext, Rule } from '../rule.js';
import { attention } from './attention.js';
import { attentionGradient } from './attention-gradient.js';
import { batchNorm } from './batch-norm.js';
import { binary } from './binary.js';
import { broadcast } from './broadcast.js';
import { concat } from './concat.js';
import { conv2d } from './conv2d.js';
import { conv2dInputGradient } from './conv2d-input-gradient.js';
import { conv2dWeightGradient } from './conv2d-weight-gradient.js';
import { depthToSpace } from './depth-to-space.js';
import { depthwise } from './depthwise.js';
import { depthwiseInputGradient } from './depthwise-input-gradient.js';
import { depthwiseNorm } from './depthwise-norm.js';
import { depthwiseWeightGradient } from './depthwise-weight-gradient.js';
import { embedding } from './embedding.js';
import { embeddingGradient } from './embedding-gradient.js';
import { fusedConv2d } from './fused-conv2d.js';
import { fusedLinear } from './fused-linear.js';
import { l2Normalize } from './l2-normalize.js';
import { layerNorm } from './layer-norm.js';
import { layerNormGradient } from './layer-norm-gradient.js';
import { linear } from './linear.js';
import { linearInputGradient } from './linear-input-gradient.js';
import { linearWeightGradient } from './linear-weight-gradient.js';
import { ltem } from './ltem.js';
import { maskedMean } from './masked-mean.js';
import { normResidual } from './norm-residual.js';
import { packedAttention } from './packed-attention.js';
import { permute } from './permute.js';
import { reduce } from './reduce.js';
import { reshape } from './reshape.js';
import { resize } from './resize.js';
import { resizeGradient } from './resize-gradient.js';
import { slice } from './slice.js';
import { softmax } from './softmax.js';
import { unary } from './unary.js';

export const rules = {
  attention,
  attentionGradient,
  batchNorm,
  binary,
  broadcast,
  concat,
  conv2d,
  conv2dInputGradient,
  conv2dWeightGradient,
  depthToSpace,
  depthwise,
  depthwiseInputGradient,
  depthwiseNorm,
  depthwiseWeightGradient,
  embedding,
  embeddingGradient,
  fusedConv2d,
  fusedLinear,
  l2Normalize,
  layerNorm,
  layerNormGradient,
  linear,
  linearInputGradient,
  linearWeightGradient,
  ltem,
  maskedMean,
  normResidual,
  packedAttention,
  permute,
  reduce,
  reshape,
  resize,
  resizeGradient,
  slice,
  softmax,
  unary,
} as const;

export type OpName = keyof typeof rules;

/** The attributes of op K, read off the one member that does not mention the builder, whose type depends on this one. */
export type AttrsOf<K extends OpName> = (typeof rules)[K] extends { lower?(context: LowerContext<infer A>): unknown }
  ? A
  : never;

/** The rule of a node's op, its attributes' type forgotten: the node's own attributes fit by construction. */
export const ruleOf = (op: OpName): Rule<object> => rules[op] as unknown as Rule<object>;
