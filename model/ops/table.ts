// The closed table of ops. `OpName` and every op's attributes follow from it.

import type { Rule } from '../rule.js';
import { attention } from './attention.js';
import { batchNorm } from './batch-norm.js';
import { binary } from './binary.js';
import { concat } from './concat.js';
import { conv2d } from './conv2d.js';
import { depthToSpace } from './depth-to-space.js';
import { depthwise } from './depthwise.js';
import { depthwiseNorm } from './depthwise-norm.js';
import { embedding } from './embedding.js';
import { fusedConv2d } from './fused-conv2d.js';
import { fusedLinear } from './fused-linear.js';
import { l2Normalize } from './l2-normalize.js';
import { layerNorm } from './layer-norm.js';
import { linear } from './linear.js';
import { ltem } from './ltem.js';
import { maskedMean } from './masked-mean.js';
import { normResidual } from './norm-residual.js';
import { packedAttention } from './packed-attention.js';
import { permute } from './permute.js';
import { reduce } from './reduce.js';
import { reshape } from './reshape.js';
import { resize } from './resize.js';
import { slice } from './slice.js';
import { softmax } from './softmax.js';
import { unary } from './unary.js';

export const rules = {
  attention,
  batchNorm,
  binary,
  concat,
  conv2d,
  depthToSpace,
  depthwise,
  depthwiseNorm,
  embedding,
  fusedConv2d,
  fusedLinear,
  l2Normalize,
  layerNorm,
  linear,
  ltem,
  maskedMean,
  normResidual,
  packedAttention,
  permute,
  reduce,
  reshape,
  resize,
  slice,
  softmax,
  unary,
} as const;

export type OpName = keyof typeof rules;

/** The attributes of op K. */
export type AttrsOf<K extends OpName> = (typeof rules)[K] extends Rule<infer A> ? A : never;

/** The rule of a node's op, its attributes' type forgotten: the node's own attributes fit by construction. */
export const ruleOf = (op: OpName): Rule<object> => rules[op] as unknown as Rule<object>;
