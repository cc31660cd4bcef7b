// Evaluates a graph on the host, op by op. With every reference it is the oracle of the tests (interpreter.ts), in double precision
// throughout; with those that ops carry themselves it computes, once at load, what depends on parameters alone: those are a
// hundred million numbers of single precision, and stay so from op to op.

import { check } from '../errors/index.js';
import { builder } from './builder.js';
import { inputsOf, isLeaf, type OpTensor, type Outputs, showShape, sizeOf, type Tensor, topological } from './graph.js';
import { type OpName, ruleOf } from './ops/table.js';
import type { HostNumbers, NdArray, Reference } from './rule.js';

/** Meanings of ops by name. */
export type References = Partial<Readonly<Record<OpName, Reference<object>>>>;

/** Where leaves get their values. Numbers in row-major order, of the leaf's shape. */
export interface Feed {
  input?(name: string): ArrayLike<number>;
  parameter?(name: string): ArrayLike<number>;
}

/** What values are kept in between ops. */
export interface HostMemory<N extends HostNumbers> {
  zeros(count: number): N;
  /** The same numbers; those that are of the kind are read in place. */
  of(numbers: ArrayLike<number>): N;
}

const doubles: HostMemory<Float64Array> = {
  zeros: count => new Float64Array(count),
  of: numbers => (numbers instanceof Float64Array ? numbers : new Float64Array(numbers)),
};

function evaluateOp<N extends HostNumbers>(
  tensor: OpTensor,
  values: Map<Tensor, NdArray<N>>,
  memory: HostMemory<N>,
  references: References,
): NdArray<N> {
  const inputs = tensor.inputs.map(t => (t === null ? null : values.get(t)!));
  // The same numbers: nobody writes to a value once it is made.
  if (tensor.op === 'reshape') return { shape: tensor.shape, data: inputs[0]!.data };
  const rule = ruleOf(tensor.op);
  if (rule.expand) {
    // The subgraph is built over the inputs' places, not over what made them.
    const places = tensor.inputs.map((t, i) => (t === null ? null : builder.input(`${i}`, t.shape, t.dtype)));
    const known = new Map<Tensor, NdArray<N>>();
    for (const [i, place] of places.entries()) if (place) known.set(place, inputs[i]!);
    return evaluateAll([rule.expand(builder, places, tensor.attrs)], known, {}, memory, references).get(0)!;
  }
  const out: NdArray<N> = { shape: tensor.shape, data: memory.zeros(sizeOf(tensor.shape)) };
  const reference = rule.reference ?? references[tensor.op];
  check(reference, 'INTERNAL', () => `evaluate: ${tensor.op} must have its reference with it to be computed at load`);
  reference(inputs, tensor.attrs, out);
  return out;
}

function evaluateLeaf<N extends HostNumbers>(
  leaf: Exclude<Tensor, OpTensor>,
  feed: Feed,
  memory: HostMemory<N>,
): NdArray<N> {
  if (leaf.op === 'constant') return { shape: leaf.shape, data: memory.of(leaf.data) };
  const given = leaf.op === 'input' ? feed.input?.(leaf.name) : feed.parameter?.(leaf.name);
  check(given, 'BAD_ARGUMENT', () => `evaluate: ${leaf.op} ${leaf.name} must be fed, got nothing`);
  check(
    given.length === sizeOf(leaf.shape),
    'SHAPE_MISMATCH',
    () => `evaluate: ${leaf.op} ${leaf.name} has shape ${showShape(leaf.shape)}, got ${given.length} numbers`,
  );
  return { shape: leaf.shape, data: memory.of(given) };
}

/** Values of `wanted`, by position. Intermediate values are dropped after their last reader. */
function evaluateAll<N extends HostNumbers>(
  wanted: readonly Tensor[],
  known: ReadonlyMap<Tensor, NdArray<N>>,
  feed: Feed,
  memory: HostMemory<N>,
  references: References,
): Map<number, NdArray<N>> {
  const values = new Map(known);
  const order = topological(wanted);
  const readers = new Map<Tensor, number>();
  for (const t of order) for (const input of inputsOf(t)) readers.set(input, (readers.get(input) ?? 0) + 1);
  const keep = new Set(wanted);
  for (const t of order) {
    if (!values.has(t))
      values.set(t, isLeaf(t) ? evaluateLeaf(t, feed, memory) : evaluateOp(t, values, memory, references));
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
 * @param memory what values are kept in between ops; doubles, if not given
 * @param references of ops that carry none themselves; none, if not given
 * @throws TmcaError BAD_ARGUMENT where a leaf has no value, SHAPE_MISMATCH where its size is wrong.
 */
export function evaluateBy<O extends Outputs, N extends HostNumbers = Float64Array>(
  outputs: O,
  feed: Feed,
  memory: HostMemory<N> = doubles as unknown as HostMemory<N>,
  references: References = {},
): { [K in keyof O]: NdArray<N> } {
  const names = Object.keys(outputs);
  const values = evaluateAll(Object.values(outputs), new Map(), feed, memory, references);
  return Object.fromEntries(names.map((name, i) => [name, values.get(i)!])) as { [K in keyof O]: NdArray<N> };
}
