// The closed table of ONNX rules: every core op of the forward graph has one. A composite may have one where ONNX has the op
// itself; the others are expanded. Apart from the ops' own table, so that only whoever makes ONNX loads it.

import type { AttrsOf, CompositeOpName, CoreOpName, OpName } from '../../graph/ops/table.js';
import type { OnnxRule } from './rule.js';
import { attention } from './rules/attention.js';
import { conv2d } from './rules/conv2d.js';
import { depthwise } from './rules/depthwise.js';
import { binary, unary } from './rules/elementwise.js';
import { embedding } from './rules/embedding.js';
import { layerNorm } from './rules/layer-norm.js';
import { linear } from './rules/linear.js';
import { maxPool } from './rules/max-pool.js';
import { broadcast, concat, depthToSpace, permute, reshape, slice } from './rules/movement.js';
import { reduce } from './rules/reduce.js';
import { resize } from './rules/resize.js';
import { softmax } from './rules/softmax.js';

type OnnxRules = { readonly [K in CoreOpName]: OnnxRule<AttrsOf<K>> } & {
  readonly [K in CompositeOpName]?: OnnxRule<AttrsOf<K>>;
};

const onnxRules: OnnxRules = {
  attention,
  binary,
  broadcast,
  concat,
  conv2d,
  depthToSpace,
  depthwise,
  embedding,
  layerNorm,
  linear,
  maxPool,
  permute,
  reduce,
  reshape,
  resize,
  slice,
  softmax,
  unary,
};

/** The rule of an op, its attributes' type forgotten: a node's own attributes fit by construction. */
export const onnxRuleOf = (op: OpName): OnnxRule<object> | undefined =>
  (onnxRules as Partial<Record<OpName, unknown>>)[op] as OnnxRule<object> | undefined;
