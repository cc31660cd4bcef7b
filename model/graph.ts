// The graph: immutable tensor nodes that point at their inputs. A graph is nothing but its named outputs; passes are pure
// functions from outputs to outputs. Maps are NHWC ([B,H,W,C]), token sequences [B,N,C], so that flattening a map into
// tokens moves nothing. Every node has one output.

import { check } from '../errors/index.js';
import type { OpName } from './ops/table.js';

export type Shape = readonly number[];

/**
 * How a tensor's numbers are stored. Arithmetic is f32 whatever the storage. `i8` is for weights alone: whole numbers that
 * a scale makes real ones (passes/dequantise.ts).
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

/** The inputs that are there; none for leaves. */
export const inputsOf = (t: Tensor): readonly Tensor[] =>
  isLeaf(t) ? [] : t.inputs.filter((input): input is Tensor => input !== null);

export const sizeOf = (shape: Shape): number => shape.reduce((product, n) => product * n, 1);

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((n, i) => n === b[i]);

export const showShape = (shape: Shape): string => `[${shape.join(',')}]`;

/** Every tensor that the outputs reach, each after its inputs, in an order that depends on the graph alone. */
export function topological(outputs: Iterable<Tensor>): Tensor[] {
  const order: Tensor[] = [];
  const seen = new Set<Tensor>();
  // An explicit stack: training graphs are deeper than the call stack.
  const stack: { tensor: Tensor; next: number }[] = [];
  for (const output of outputs) {
    if (seen.has(output)) continue;
    seen.add(output);
    stack.push({ tensor: output, next: 0 });
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const inputs = inputsOf(top.tensor);
      if (top.next < inputs.length) {
        const input = inputs[top.next++]!;
        if (!seen.has(input)) {
          seen.add(input);
          stack.push({ tensor: input, next: 0 });
        }
      } else {
        order.push(top.tensor);
        stack.pop();
      }
    }
  }
  return order;
}

/** How often each tensor is read; being an output counts as one read. */
export function countUses(outputs: Outputs): ReadonlyMap<Tensor, number> {
  const uses = new Map<Tensor, number>();
  const count = (t: Tensor) => uses.set(t, (uses.get(t) ?? 0) + 1);
  for (const t of topological(Object.values(outputs))) inputsOf(t).forEach(count);
  Object.values(outputs).forEach(count);
  return uses;
}

/** True for each tensor that reaches no `input` leaf: it is known as soon as the parameters are. */
export const findLoadTime = (outputs: Outputs): ReadonlySet<Tensor> => findWithout(outputs, ['input']);

/** Every tensor that depends on no leaf of these kinds. */
export function findWithout(outputs: Outputs, leaves: readonly ('input' | 'parameter')[]): ReadonlySet<Tensor> {
  const found = new Set<Tensor>();
  for (const t of topological(Object.values(outputs))) {
    const excluded = (t.op === 'input' || t.op === 'parameter') && leaves.includes(t.op);
    if (!excluded && inputsOf(t).every(input => found.has(input))) found.add(t);
  }
  return found;
}

/** Every tensor that depends on the input called `name`, the input itself included. */
export function findDependents(outputs: Outputs, name: string): ReadonlySet<Tensor> {
  const found = new Set<Tensor>();
  for (const t of topological(Object.values(outputs))) {
    if ((t.op === 'input' && t.name === name) || inputsOf(t).some(input => found.has(input))) found.add(t);
  }
  return found;
}

/** Checkpoint names and shapes of every parameter that the outputs reach. */
export function parametersOf(outputs: Outputs): ReadonlyMap<string, Shape> {
  const found = new Map<string, Shape>();
  for (const t of topological(Object.values(outputs))) {
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
