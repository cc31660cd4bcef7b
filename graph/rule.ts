// What an op must say of itself. One file in `ops/` holds one rule; the table in `ops/table.ts` is closed over them, so a
// rule that lacks a member does not compile.

import type { KernelCall, WeightStorage } from '../gpu/kernel.js';
import type { DotTuning } from '../gpu/kernels/matmul/linear-dots.js';
import type { Builder } from './builder.js';
import type { DType, Shape, Tensor } from './graph.js';
import type { TrainingBuilder } from './training-builder.js';

/** How the reference interpreter keeps a value between two ops. Within an op all arithmetic is in double precision. */
export interface HostNumbers {
  [index: number]: number;
  readonly length: number;
  set(numbers: ArrayLike<number>, at?: number): void;
  subarray(begin: number, end?: number): HostNumbers;
  fill(value: number, begin?: number, end?: number): unknown;
  forEach(visit: (value: number, index: number) => void): void;
  reduce(add: (sum: number, value: number, index: number) => number, sum: number): number;
}

/** A value on the host, for the reference interpreter: row-major. Integers are exact in it. */
export interface NdArray<Numbers extends HostNumbers = HostNumbers> {
  readonly shape: Shape;
  readonly data: Numbers;
}

/**
 * How an input is stored: `act` as the node's own dtype; `weight` in the weights' storage, packed where the device
 * demands it; `vector` always f32 (biases, norms, positional rows); `index` i32.
 */
export type Slot = 'act' | 'weight' | 'vector' | 'index';

/** A scratch buffer that lives for one op's calls only. */
export interface Temporary {
  readonly temporary: true;
  readonly bytes: number;
}

export type Operand = Tensor | Temporary;

/** What `lower` may know: the node's shapes and storage, never buffers. */
export interface LowerContext<A> {
  readonly inputs: readonly (Tensor | null)[];
  readonly attrs: A;
  readonly out: Tensor;
  /** Element type of the activations: the output's. */
  readonly act: 'f32' | 'f16';
  /** Storage of the weight slot's tensor. */
  readonly weight: WeightStorage;
  /** How the device wants its work cut. */
  readonly tuning: DotTuning;
  /** What to write instead of `out`, where the rule has `parts`. */
  readonly parts: readonly Tensor[];
  temporary(bytes: number): Temporary;
}

/** What `gradient` may know: the node, and the derivative of the loss by it. */
export interface GradientContext<A> {
  readonly inputs: readonly (Tensor | null)[];
  readonly attrs: A;
  /** The node itself: a rule may read its value, not only its inputs'. */
  readonly out: Tensor;
  /** Like `out`. */
  readonly dy: Tensor;
}

/**
 * The derivative of the loss by each input, as graph, shaped like the input; null where it is zero or has no meaning
 * (indexes). What nobody asks for is never computed. A composite that has one needs `lower`: it stays what it is in training.
 */
export type Gradient<A> = (builder: TrainingBuilder, context: GradientContext<A>) => readonly (Tensor | null)[];

/** Computes an op on the host: writes `out`, which starts as zeros. */
export type Reference<A> = (inputs: readonly (NdArray | null)[], attrs: A, out: NdArray) => void;

interface RuleBase {
  /** One per input, the last one repeated for ops with many. Default: all `act`. */
  readonly slots?: readonly Slot[];
}

/** An op that is not made of others. */
export interface CoreRule<A> extends RuleBase {
  /** Output shape; throws SHAPE_MISMATCH. Absent optional inputs are null. */
  infer(inputs: readonly (Shape | null)[], attrs: A): Shape;
  /**
   * The plain meaning, in double precision: the oracle of every test. Writes `out`, which starts as zeros. An op carries it where
   * constants of networks are computed by it at load; of the others it is in `ops/oracle.ts`, which a page does not load.
   */
  readonly reference?: Reference<A>;
  /**
   * The lengths of the results of an op with several. The op's value is flat, one result after another, and readers take each by
   * `slice`; on a device each has memory of its own, and the slice is a view of it.
   */
  parts?(inputs: readonly (Shape | null)[], attrs: A): readonly number[];
  /** The dispatches; none for a view, which shares its first input's memory. */
  lower(context: LowerContext<A>): KernelCall<Operand>[];
  readonly expand?: undefined;
}

/** An op that only training has. One that is itself a derivative says `notDifferentiable`. */
export interface TrainingRule<A> extends CoreRule<A> {
  readonly gradient: Gradient<A>;
}

/** An op that stands for a subgraph of other ops, and may have kernels of its own. Shape and meaning are the subgraph's. */
export interface CompositeRule<A> extends RuleBase {
  /** "Fused equals unfused" is tested against this; ONNX sees only this, and autodiff where the op has no derivative. */
  expand(builder: Builder, inputs: readonly (Tensor | null)[], attrs: A): Tensor;
  lower?(context: LowerContext<A>): KernelCall<Operand>[];
}

export type Rule<A extends object = never> = CoreRule<A> | CompositeRule<A>;

/** The slot of input `index` under a rule. */
export const slotOf = (rule: { readonly slots?: readonly Slot[] }, index: number): Slot =>
  rule.slots?.[Math.min(index, rule.slots.length - 1)] ?? 'act';

export type { DType, Shape, Tensor };
