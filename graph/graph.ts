// The graph: immutable tensor nodes that point at their inputs. A graph is nothing but its named outputs; passes are pure
// functions from outputs to outputs. Maps are NHWC ([B,H,W,C]), token sequences [B,N,C], so that flattening a map into
// tokens moves nothing. Every node has one output.

import { check } from '../errors/index.js';
import type { OpName } from './ops/table.js';

export type Shape = readonly number[];

/**
 * How a tensor's numbers are stored. Arithmetic is f32 whatever the storage. `i8` is for weights alone: whole numbers that
 * a scale makes real ones (passes/dequantize.ts).
 */
export type DType = 'f32' | 'f16' | 'i8' | 'i32';

interface TensorBase {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A value given anew at each run. */
export interface InputTensor extends TensorBase {
  readonly op: 'input';
  readonly name: string;
}

/** A learned value, by its checkpoint name and in its checkpoint shape. */
export interface ParameterTensor extends TensorBase {
  readonly op: 'parameter';
  readonly name: string;
}

/** A value that the graph's author knows. */
export interface ConstantTensor extends TensorBase {
  readonly op: 'constant';
  readonly data: Float64Array;
  /** What the numbers are, where a few words say it: constants of one formula are equal, unread. */
  readonly formula?: string;
}

export interface OpTensor extends TensorBase {
  readonly op: OpName;
  /** `null` where an optional input is absent. */
  readonly inputs: readonly (Tensor | null)[];
  readonly attrs: object;
}

export type LeafTensor = InputTensor | ParameterTensor | ConstantTensor;
export type Tensor = LeafTensor | OpTensor;

/** Named results. The graph is whatever they reach. */
export type Outputs = Readonly<Record<string, Tensor>>;

export const isLeaf = (t: Tensor): t is LeafTensor => t.op === 'input' || t.op === 'parameter' || t.op === 'constant';

export const isOp = (t: Tensor): t is OpTensor => !isLeaf(t);

const NOTHING: readonly Tensor[] = [];

/** The inputs that are there; none for leaves. */
export function inputsOf(t: Tensor): readonly Tensor[] {
  if (isLeaf(t)) return NOTHING;
  return t.inputs.includes(null) ? t.inputs.filter(input => input !== null) : (t.inputs as readonly Tensor[]);
}

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

export const showShape = (shape: Shape): string => `[${shape.join(',')}]`;

/** Every tensor that the outputs reach, each after its inputs, in an order that depends on the graph alone. */
export function topological(outputs: Iterable<Tensor>): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  // An explicit stack: training graphs are deeper than the call stack. Beside each tensor, which input is next.
  const stack: Tensor[] = [];
  const next: number[] = [];
  const open = (t: Tensor) => {
    seen.add(t);
    stack.push(t);
    next.push(0);
  };
  for (const output of outputs) {
    if (!seen.has(output)) open(output);
    while (stack.length > 0) {
      const top = stack.length - 1;
      const tensor = stack[top]!;
      const inputs = isLeaf(tensor) ? NOTHING : tensor.inputs;
      if (next[top]! < inputs.length) {
        const input = inputs[next[top]!++]!;
        if (input !== null && !seen.has(input)) open(input);
      } else {
        order.push(tensor);
        stack.pop();
        next.pop();
      }
    }
  }
  return order;
}

/** What is found out of a graph, once: outputs are never changed, and passes ask the same of them one after another. */
function remembered<V>(find: (outputs: Outputs) => V): (outputs: Outputs) => V {
  const found = new WeakMap<Outputs, { readonly value: V }>();
  return outputs => {
    const known = found.get(outputs) ?? { value: find(outputs) };
    found.set(outputs, known);
    return known.value;
  };
}

/** `topological` of a graph's outputs. */
export const orderOf: (outputs: Outputs) => readonly Tensor[] = remembered(outputs =>
  topological(Object.values(outputs)),
);

/** How often each tensor is read; being an output counts as one read. */
export const countUses: (outputs: Outputs) => ReadonlyMap<Tensor, number> = remembered(outputs => {
  const uses = new Map<Tensor, number>();
  const count = (t: Tensor) => uses.set(t, (uses.get(t) ?? 0) + 1);
  for (const t of orderOf(outputs)) for (const input of inputsOf(t)) count(input);
  for (const t of Object.values(outputs)) count(t);
  return uses;
});

/** True for each tensor that reaches no `input` leaf: it is known as soon as the parameters are. */
export const findLoadTime: (outputs: Outputs) => ReadonlySet<Tensor> = remembered(outputs =>
  findWithout(outputs, ['input']),
);

/** Every tensor that depends on no leaf of these kinds. */
export function findWithout(outputs: Outputs, leaves: readonly ('input' | 'parameter')[]): ReadonlySet<Tensor> {
  const found = new Set<Tensor>();
  for (const t of orderOf(outputs)) {
    if (isLeaf(t) ? t.op === 'constant' || !leaves.includes(t.op) : t.inputs.every(each => !each || found.has(each)))
      found.add(t);
  }
  return found;
}

/** Every tensor that depends on the input called `name`, the input itself included. */
export function findDependents(outputs: Outputs, name: string): ReadonlySet<Tensor> {
  const found = new Set<Tensor>();
  for (const t of orderOf(outputs)) {
    if ((t.op === 'input' && t.name === name) || inputsOf(t).some(input => found.has(input))) found.add(t);
  }
  return found;
}

/** Checkpoint names and shapes of every parameter that the outputs reach. */
export function parametersOf(outputs: Outputs): ReadonlyMap<string, Shape> {
  const found = new Map<string, Shape>();
  for (const t of orderOf(outputs)) {
    if (t.op !== 'parameter') continue;
    const before = found.get(t.name);
    check(
      before === undefined || sameShape(before, t.shape),
      'SHAPE_MISMATCH',
      () => `parametersOf: one name has one shape, got ${t.name} as ${showShape(before!)} and ${showShape(t.shape)}`,
    );
    found.set(t.name, t.shape);
  }
  return found;
}
