// The reference interpreter: evaluates a graph on the host in double precision, op by op, as plainly as the rules say it.
// It is the oracle of the tests and computes, once at load, what depends on parameters alone. It is not fast.

import { check } from '../errors/index.js';
import { builder } from './builder.js';
import { inputsOf, isLeaf, type OpTensor, type Outputs, showShape, sizeOf, type Tensor, topological } from './graph.js';
import { ruleOf } from './ops/table.js';
import type { NdArray } from './rule.js';

/** Where leaves get their values. Numbers in row-major order, of the leaf's shape. */
export interface Feed {
  input?(name: string): ArrayLike<number>;
  parameter?(name: string): ArrayLike<number>;
}

function evaluateOp(tensor: OpTensor, values: Map<Tensor, NdArray>): NdArray {
  const rule = ruleOf(tensor.op);
  const inputs = tensor.inputs.map(t => (t === null ? null : values.get(t)!));
  if (rule.expand) {
    // The subgraph is built over the inputs' places, not over what made them.
    const places = tensor.inputs.map((t, i) => (t === null ? null : builder.input(`${i}`, t.shape, t.dtype)));
    const known = new Map<Tensor, NdArray>();
    for (const [i, place] of places.entries()) if (place) known.set(place, inputs[i]!);
    return evaluateAll([rule.expand(builder, places, tensor.attrs)], known, {}).get(0)!;
  }
  const out: NdArray = { shape: tensor.shape, data: new Float64Array(sizeOf(tensor.shape)) };
  rule.reference(inputs, tensor.attrs, out);
  return out;
}

function evaluateLeaf(leaf: Exclude<Tensor, OpTensor>, feed: Feed): NdArray {
  if (leaf.op === 'constant') return { shape: leaf.shape, data: leaf.data };
  const given = leaf.op === 'input' ? feed.input?.(leaf.name) : feed.parameter?.(leaf.name);
  check(given, 'BAD_ARGUMENT', () => `evaluate: ${leaf.op} ${leaf.name} must be fed, got nothing`);
  check(
    given.length === sizeOf(leaf.shape),
    'SHAPE_MISMATCH',
    () => `evaluate: ${leaf.op} ${leaf.name} has shape ${showShape(leaf.shape)}, got ${given.length} numbers`,
  );
  return { shape: leaf.shape, data: given instanceof Float64Array ? given : new Float64Array(given) };
}

/** Values of `wanted`, by position. Intermediate values are dropped after their last reader. */
function evaluateAll(wanted: readonly Tensor[], known: ReadonlyMap<Tensor, NdArray>, feed: Feed): Map<number, NdArray> {
  const values = new Map(known);
  const order = topological(wanted);
  const readers = new Map<Tensor, number>();
  for (const t of order) for (const input of inputsOf(t)) readers.set(input, (readers.get(input) ?? 0) + 1);
  const keep = new Set(wanted);
  for (const t of order) {
    if (!values.has(t)) values.set(t, isLeaf(t) ? evaluateLeaf(t, feed) : evaluateOp(t, values));
    for (const input of inputsOf(t)) {
      const left = readers.get(input)! - 1;
      readers.set(input, left);
      if (left === 0 && !keep.has(input)) values.delete(input);
    }
  }
  return new Map(wanted.map((t, i) => [i, values.get(t)!]));
}

/**
 * Evaluates `outputs` on the host.
 * @throws TmcaError BAD_ARGUMENT where a leaf has no value, SHAPE_MISMATCH where its size is wrong.
 */
export function evaluate<O extends Outputs>(outputs: O, feed: Feed): { [K in keyof O]: NdArray } {
  const names = Object.keys(outputs);
  const values = evaluateAll(Object.values(outputs), new Map(), feed);
  return Object.fromEntries(names.map((name, i) => [name, values.get(i)!])) as { [K in keyof O]: NdArray };
}
