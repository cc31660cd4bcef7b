// The closed table of ops. `OpName` and every op's attributes follow from it. Derivatives are in a table of their own,
// which whoever trains adds: a page that segments downloads none of their kernels.

import { check } from '../../errors/index.js';
import type { CompositeRule, LowerContext, Rule } from '../rule.js';
import { attention } from './attention.js';
import { batchNorm } from './batch-norm.js';
import { binary } from './binary.js';
import { broadcast } from './broadcast.js';
import { concat } from './concat.js';
import { conv2d } from './conv2d.js';
import { depthToSpace } from './depth-to-space.js';
import { depthwise } from './depthwise.js';
import { embedding } from './embedding.js';
import { depthwiseNorm } from './fused/depthwise-norm.js';
import { fusedConv2d } from './fused/fused-conv2d.js';
import { fusedLinear } from './fused/fused-linear.js';
import { normResidual } from './fused/norm-residual.js';
import { packedAttention } from './fused/packed-attention.js';
import { scaledEmbedding } from './fused/scaled-embedding.js';
import type { gradientRules } from './gradients/gradient-table.js';
import { l2Normalize } from './l2-normalize.js';
import { layerNorm } from './layer-norm.js';
import { linear } from './linear.js';
import { ltem } from './ltem.js';
import { maskedMean } from './masked-mean.js';
import { maxPool } from './max-pool.js';
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
  broadcast,
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
  maxPool,
  normResidual,
  packedAttention,
  permute,
  reduce,
  reshape,
  resize,
  scaledEmbedding,
  slice,
  softmax,
  unary,
} as const;

type Rules = typeof rules & typeof gradientRules;

export type OpName = keyof Rules;

/** Ops of the network that stand for others, and those that do not; derivatives are neither. */
export type CompositeOpName = {
  [K in keyof typeof rules]: (typeof rules)[K] extends CompositeRule<infer _> ? K : never;
}[keyof typeof rules];
export type CoreOpName = Exclude<keyof typeof rules, CompositeOpName>;

/** The attributes of op K, read off the one member that does not mention the builder, whose type depends on this one. */
export type AttrsOf<K extends OpName> = Rules[K] extends { lower?(context: LowerContext<infer A>): unknown }
  ? A
  : never;

const known: Partial<Record<OpName, unknown>> = { ...rules };

/** Makes the derivatives known. Whoever builds a graph with them calls it first; again is fine. */
export function addGradientRules(table: typeof gradientRules): void {
  Object.assign(known, table);
}

/** The rule of a node's op, its attributes' type forgotten: the node's own attributes fit by construction. */
export function ruleOf(op: OpName): Rule<object> {
  const rule = known[op];
  check(rule, 'INTERNAL', () => `ruleOf: the rules of derivatives must be added before one is used, got ${op}`);
  return rule as Rule<object>;
}
