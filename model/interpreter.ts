// The reference interpreter: evaluates a graph on the host, op by op, as plainly as the rules say it. It is the oracle of the
// tests, in double precision throughout, and computes, once at load, what depends on parameters alone: those are a hundred
// million numbers of single precision, and stay so from op to op.

import { check } from '../errors/index.js';
import { builder } from './builder.js';
import { inputsOf, isLeaf, type OpTensor, type Outputs, showShape, sizeOf, type Tensor, topological } from './graph.js';
import { ruleOf } from './ops/table.js';
import type { HostNumbers, NdArray } from './rule.js';

/** Where leaves get their values. Numbers in row-major order, of the leaf's shape. */
export interface Feed {
  input?(name: string): ArrayLike<number>;
  parameter?(name: string): ArrayLike<number>;
}

/** Makes what values are kept in between ops. */
type Kind<N extends HostNumbers> = new (numbers: ArrayLike<number> | number) => N;

const kept = <N extends HostNumbers>(numbers: ArrayLike<number>, Numbers: Kind<N>): N =>
  numbers instanceof Numbers ? numbers : new Numbers(numbers);

function evaluateOp<N extends HostNumbers>(
  tensor: OpTensor,
  values: Map<Tensor, NdArray<N>>,
  Numbers: Kind<N>,
): NdArray<N> {
  const rule = ruleOf(tensor.op);
  const inputs = tensor.inputs.map(t => (t === null ? null : values.get(t)!));
  if (rule.expand) {
    // The subgraph is built over the inputs' places, not over what made them.
    const places = tensor.inputs.map((t, i) => (t === null ? null : builder.input(`${i}`, t.shape, t.dtype)));
    const known = new Map<Tensor, NdArray<N>>();
    for (const [i, place] of places.entries()) if (place) known.set(place, inputs[i]!);
    return evaluateAll([rule.expand(builder, places, tensor.attrs)], known, {}, Numbers).get(0)!;
  }
  const out: NdArray<N> = { shape: tensor.shape, data: new Numbers(sizeOf(tensor.shape)) };
  rule.reference(inputs, tensor.attrs, out);
  return out;
}

function evaluateLeaf<N extends HostNumbers>(
  leaf: Exclude<Tensor, OpTensor>,
  feed: Feed,
  Numbers: Kind<N>,
): NdArray<N> {
  if (leaf.op === 'constant') return { shape: leaf.shape, data: kept(leaf.data, Numbers) };
  const given = leaf.op === 'input' ? feed.input?.(leaf.name) : feed.parameter?.(leaf.name);
  check(given, 'BAD_ARGUMENT', () => `evaluate: ${leaf.op} ${leaf.name} must be fed, got nothing`);
  check(
    given.length === sizeOf(leaf.shape),
    'SHAPE_MISMATCH',
    () => `evaluate: ${leaf.op} ${leaf.name} has shape ${showShape(leaf.shape)}, got ${given.length} numbers`,
  );
  return { shape: leaf.shape, data: kept(given, Numbers) };
}

/** Values of `wanted`, by position. Intermediate values are dropped after their last reader. */
function evaluateAll<N extends HostNumbers>(
  wanted: readonly Tensor[],
  known: ReadonlyMap<Tensor, NdArray<N>>,
  feed: Feed,
  Numbers: Kind<N>,
): Map<number, NdArray<N>> {
  const values = new Map(known);
  const order = topological(wanted);
  const readers = new Map<Tensor, number>();
  for (const t of order) for (const input of inputsOf(t)) readers.set(input, (readers.get(input) ?? 0) + 1);
  const keep = new Set(wanted);
  for (const t of order) {
    if (!values.has(t)) values.set(t, isLeaf(t) ? evaluateLeaf(t, feed, Numbers) : evaluateOp(t, values, Numbers));
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
 * @param Numbers what values are kept in between ops; numbers that are given in it are read in place
 * @throws TmcaError BAD_ARGUMENT where a leaf has no value, SHAPE_MISMATCH where its size is wrong.
 */
export function evaluate<O extends Outputs, N extends HostNumbers = Float64Array>(
  outputs: O,
  feed: Feed,
  Numbers: Kind<N> = Float64Array as unknown as Kind<N>,
): { [K in keyof O]: NdArray<N> } {
  const names = Object.keys(outputs);
  const values = evaluateAll(Object.values(outputs), new Map(), feed, Numbers);
  return Object.fromEntries(names.map((name, i) => [name, values.get(i)!])) as { [K in keyof O]: NdArray<N> };
}
