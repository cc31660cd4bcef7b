// What an op must say of itself to become ONNX nodes. One file in `rules/` holds one op's; `table.ts` is closed over them.

import type { Tensor } from '../../graph/graph.js';
import type { Dim } from './dims.js';
import type { OnnxAttrs } from './messages.js';

/** Order of a map's axes: [B,H,W,C] as in the graph, or [B,C,H,W] as ONNX's convolutions want it. Other ranks are `last`. */
export type Layout = 'last' | 'first';

/** What a rule returns: a value's name, and the layout that it is in. */
export interface Emitted {
  readonly name: string;
  readonly layout: Layout;
}

/** What a rule may do: ask for its inputs in the layout that it wants, and add nodes. All floats are of the op's one type. */
export interface OnnxContext<A> {
  readonly attrs: A;
  readonly inputs: readonly (Tensor | null)[];
  readonly out: Tensor;
  /** Sides of an input, or of the output, in the graph's order. */
  dims(tensor: Tensor): readonly Dim[];
  /** The layout in which all inputs that are maps are there already, else undefined. */
  layout(): Layout | undefined;
  /** Whether input `index` is there in a layout, or costs nothing to bring into it. */
  has(index: number, layout: Layout): boolean;
  /** An input as a value, transposed where need be. */
  value(index: number, layout?: Layout): string;
  /** Whether input `index` is known at load: it may go through `known`. */
  isKnown(index: number): boolean;
  /** A tensor known at load, such as an input or graph built over it. */
  known(tensor: Tensor): string;
  /** A weight of a matrix product or convolution, known at load; in int8, whole numbers with a scale for each index of `axis`. */
  weight(tensor: Tensor, axis: number): string;
  /** Whole numbers and scales of a table, apart; undefined where tables are not int8. */
  table(tensor: Tensor): { readonly rows: string; readonly scales: string } | undefined;
  /** Numbers in the op's type. */
  floats(values: readonly number[], dims?: readonly number[]): string;
  /** Integers, as ONNX takes shapes, axes and positions. */
  integers(values: readonly number[]): string;
  /** Adds a node, or finds an equal one, and names its output. */
  node(op: string, inputs: readonly string[], attrs?: OnnxAttrs): string;
  /** Numbers in fp32, whatever the op's type. */
  wide(values: readonly number[]): string;
  /** A float value to fp32, and from fp32 to the op's type: nothing where they are the same. */
  widen(name: string): string;
  narrow(name: string): string;
  /**
   * Says of a value that the op makes finite numbers of it even where its squares overflow or it holds an infinity: a norm, a
   * softmax, a quotient by it. Such a value makes all results NaN where the graph is emitted `guarded`.
   */
  guard(name: string): void;
  /** The op's type as ONNX numbers it: for Cast. */
  readonly typeNumber: number;
}

/**
 * How much room an op's numbers need in a model of fp16. `follow`: fp32 where an input has it already, else fp16. `narrow`:
 * fp16. `wide`: fp32, since squares, sums and exponentials leave the range of fp16 long before their results do.
 */
export type Width = 'follow' | 'narrow' | 'wide';

export interface OnnxRule<A> {
  readonly width: Width | ((attrs: A) => Width);
  emit(context: OnnxContext<A>): Emitted;
}
