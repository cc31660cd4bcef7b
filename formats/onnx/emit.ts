// From a graph to ONNX nodes. Every value may exist in both layouts and in both float types; each form is made when an op
// first asks for it, and kept. So between two convolutions nothing is transposed, and a map that both a convolution and a
// linear read is transposed once.

import { check } from '../../errors/index.js';
import { builder } from '../../graph/builder.js';
import { StructuralKeys } from '../../graph/constant-keys.js';
import {
  findLoadTime,
  isOp,
  type OpTensor,
  type Outputs,
  sizeOf,
  type Tensor,
  topological,
} from '../../graph/graph.js';
import { type Dim, dimsOf, type Probes } from './dims.js';
import { type OnnxAttrs, type OnnxNode, type OnnxType, type OnnxValue, typeNumber } from './messages.js';
import type { Emitted, Layout, OnnxContext, Width } from './rule.js';
import { onnxRuleOf } from './table.js';

/** A tensor known at load: an initialiser whose numbers come from parameters. */
export interface EmittedConstant {
  readonly name: string;
  readonly type: 'f32' | 'f16' | 'i32' | 'i8';
  readonly tensor: Tensor;
  /** For i8: the axis that has a scale for each index, and the name of the scales, which are f32. */
  readonly scales?: { readonly axis: number; readonly name: string };
}

/** Below this, whole numbers spare nothing. */
const LEAST_INT8 = 1024;

/** An initialiser whose numbers are known now. */
export interface EmittedNumbers {
  readonly name: string;
  readonly type: 'f32' | 'f16' | 'i64';
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

export interface EmittedGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly constants: readonly EmittedConstant[];
  readonly numbers: readonly EmittedNumbers[];
}

type FloatType = 'f32' | 'f16';
type Form = `${Layout} ${OnnxType}`;

const TO_FIRST = [0, 3, 1, 2];
const TO_LAST = [0, 2, 3, 1];

/** [B,H,W,C] → [B,C,H,W] for maps. */
export const channelsFirst = <T>(sides: readonly T[]): readonly T[] =>
  sides.length === 4 ? TO_FIRST.map(axis => sides[axis]!) : sides;

class Emitter {
  readonly nodes: OnnxNode[] = [];
  readonly constants = new Map<string, EmittedConstant>();
  readonly numbers = new Map<string, EmittedNumbers>();
  readonly #forms = new Map<Tensor, Map<Form, string>>();
  readonly #nodeKeys = new Map<string, string>();
  readonly #keys = new StructuralKeys();
  readonly #names = new Set<string>();
  readonly #guards = new Set<string>();

  constructor(
    readonly dims: ReadonlyMap<Tensor, readonly Dim[]>,
    readonly known: ReadonlySet<Tensor>,
    private readonly options: EmitOptions,
    /** A name and an axis of an input whose side is the text's length; null where no input has one. */
    private readonly length: { readonly input: string; readonly axis: number } | null,
  ) {}

  unique(wish: string): string {
    let name = wish;
    for (let n = 2; this.#names.has(name); n++) name = `${wish}~${n}`;
    this.#names.add(name);
    return name;
  }

  node(op: string, inputs: readonly string[], attrs: OnnxAttrs = {}): string {
    const key = JSON.stringify([op, inputs, attrs]);
    let output = this.#nodeKeys.get(key);
    if (output === undefined) {
      output = this.unique(op.toLowerCase());
      this.#nodeKeys.set(key, output);
      this.nodes.push({ op, inputs, output, attrs });
    }
    return output;
  }

  guard(name: string): void {
    if (this.options.guarded) this.#guards.add(this.node('ReduceSumSquare', [name], { keepdims: 0 }));
  }

  /** `name`, or NaN where squares of a guarded value are no number or beyond f32: 0 times infinity. */
  guarded(name: string): string {
    if (this.#guards.size === 0) return name;
    const zero = this.node('Mul', [this.node('Sum', [...this.#guards]), this.literal('f32', [0], [])]);
    return this.node('Add', [name, zero]);
  }

  literal(type: EmittedNumbers['type'], values: readonly number[], dims: readonly number[]): string {
    const key = `${type} [${dims}] ${values}`;
    const before = this.numbers.get(key);
    const literal = before ?? { name: this.unique('number'), type, dims, values };
    this.numbers.set(key, literal);
    return literal.name;
  }

  put(tensor: Tensor, layout: Layout, type: OnnxType, name: string): void {
    const forms = this.#forms.get(tensor) ?? new Map<Form, string>();
    this.#forms.set(tensor, forms);
    forms.set(`${layout} ${type}`, name);
  }

  /** Whether a form of the tensor is there, whatever its type, or is the other layout with no axis to move. */
  has(tensor: Tensor, layout: Layout): boolean {
    if (this.known.has(tensor) || isFlat(tensor)) return true;
    return [...(this.#forms.get(tensor)?.keys() ?? [])].some(form => form.startsWith(layout));
  }

  isWide(tensor: Tensor): boolean {
    const forms = this.#forms.get(tensor);
    return forms !== undefined && !forms.has('last f16') && !forms.has('first f16');
  }

  value(tensor: Tensor, layout: Layout, type: FloatType): string {
    if (this.known.has(tensor)) return this.constant(tensor, layout, tensor.dtype === 'i32' ? 'i32' : type);
    const wanted: OnnxType = tensor.dtype === 'i32' ? 'i32' : type;
    const forms = this.#forms.get(tensor);
    check(forms, 'INTERNAL', () => `emitOnnx: a value must be made before it is read, got ${tensor.op}`);
    const ready = forms.get(`${layout} ${wanted}`);
    if (ready !== undefined) return ready;
    const other: FloatType = type === 'f32' ? 'f16' : 'f32';
    const moved: Layout = layout === 'last' ? 'first' : 'last';
    let name: string;
    if (forms.has(`${layout} ${other}`)) name = this.cast(forms.get(`${layout} ${other}`)!, type);
    else if (forms.has(`${moved} ${wanted}`)) name = this.#transpose(tensor, forms.get(`${moved} ${wanted}`)!, layout);
    else name = this.cast(this.value(tensor, layout, other), type);
    this.put(tensor, layout, wanted, name);
    return name;
  }

  /** An initialiser; a side that is the text's length is cut to what the text has. */
  constant(tensor: Tensor, layout: Layout, type: EmittedConstant['type']): string {
    const swapped = layout === 'first' && tensor.shape.length === 4 ? builder.permute(tensor, TO_FIRST) : tensor;
    const key = `${this.#keys.of(swapped)} ${type}`;
    let constant = this.constants.get(key);
    if (!constant) {
      constant = { name: this.unique(parameterName(swapped)), type, tensor: swapped };
      this.constants.set(key, constant);
    }
    const axis = (this.dims.get(tensor) ?? []).findIndex(({ symbol }) => symbol === 'length');
    if (axis < 0) return constant.name;
    check(this.length, 'INTERNAL', () => `emitOnnx: the text's length must be a side of an input, got none`);
    const shape = this.node('Shape', [this.length.input], { start: this.length.axis, end: this.length.axis + 1 });
    const at = this.literal('i64', [layout === 'first' ? TO_FIRST.indexOf(axis) : axis], [1]);
    return this.node('Slice', [constant.name, this.literal('i64', [0], [1]), shape, at]);
  }

  /** A weight as whole numbers and scales, or undefined where it stays as it is. */
  quantized(tensor: Tensor, axis: number): { readonly rows: string; readonly scales: string } | undefined {
    if (!this.options.int8 || sizeOf(tensor.shape) < LEAST_INT8) return undefined;
    const key = `${this.#keys.of(tensor)} i8 ${axis}`;
    let constant = this.constants.get(key);
    if (!constant) {
      const name = this.unique(parameterName(tensor));
      constant = { name, type: 'i8', tensor, scales: { axis, name: this.unique(`${name}.scale`) } };
      this.constants.set(key, constant);
    }
    return { rows: constant.name, scales: constant.scales!.name };
  }

  weight(tensor: Tensor, axis: number, type: FloatType): string {
    const parts = this.quantized(tensor, axis);
    if (!parts) return this.constant(tensor, 'last', type);
    return this.cast(this.node('DequantizeLinear', [parts.rows, parts.scales], { axis }), type, 'f32');
  }

  cast(name: string, type: FloatType, from?: FloatType): string {
    if (from === type) return name;
    return this.node('Cast', [name], { to: typeNumber(type) });
  }

  #transpose(tensor: Tensor, name: string, to: Layout): string {
    if (!isFlat(tensor)) return this.node('Transpose', [name], { perm: to === 'first' ? TO_FIRST : TO_LAST });
    const dims = this.dims.get(tensor)!;
    const target = (to === 'first' ? channelsFirst(dims) : dims).map(({ size, symbol }) => (symbol ? -1 : size));
    return this.node('Reshape', [name, this.literal('i64', target, [target.length])]);
  }
}

/** Maps of one channel or one pixel: both layouts are the same bytes. Anything but a map has one layout. */
const isFlat = ({ shape }: Tensor): boolean =>
  shape.length !== 4 || shape[3] === 1 || (shape[1] === 1 && shape[2] === 1);

/** The name of the first parameter of an expression, or what it is. */
function parameterName(tensor: Tensor): string {
  const first = topological([tensor]).find(t => t.op === 'parameter');
  return first?.op === 'parameter' ? first.name : 'constant';
}

function widthOf(node: OpTensor, emitter: Emitter): FloatType {
  if (node.dtype !== 'f16') return 'f32';
  const { width } = onnxRuleOf(node.op)!;
  const chosen: Width = typeof width === 'function' ? width(node.attrs) : width;
  if (chosen !== 'follow') return chosen === 'wide' ? 'f32' : 'f16';
  const floats = node.inputs.filter((t): t is Tensor => t !== null && !emitter.known.has(t) && t.dtype !== 'i32');
  return floats.some(t => emitter.isWide(t)) ? 'f32' : 'f16';
}

function contextOf(node: OpTensor, emitter: Emitter, type: FloatType): OnnxContext<object> {
  const { inputs, attrs } = node;
  const maps = inputs.filter((t): t is Tensor => t?.shape.length === 4 && !emitter.known.has(t));
  const dims = (t: Tensor) => emitter.dims.get(t)!;
  return {
    attrs,
    inputs,
    out: node,
    typeNumber: typeNumber(type),
    dims,
    layout: () => (['last', 'first'] as const).find(layout => maps.every(t => emitter.has(t, layout))),
    has: (index, layout) => emitter.has(inputs[index]!, layout),
    value: (index, layout = 'last') => emitter.value(inputs[index]!, layout, type),
    isKnown: index => emitter.known.has(inputs[index]!),
    known: tensor => emitter.constant(tensor, 'last', type),
    weight: (tensor, axis) => emitter.weight(tensor, axis, type),
    table: tensor => emitter.quantized(tensor, 0),
    floats: (values, shape = [values.length]) => emitter.literal(type, values, shape),
    integers: values => emitter.literal('i64', values, [values.length]),
    wide: values => emitter.literal('f32', values, [values.length]),
    guard: name => emitter.guard(name),
    widen: name => (type === 'f32' ? name : emitter.cast(name, 'f32')),
    narrow: name => (type === 'f32' ? name : emitter.cast(name, type)),
    node: (op, names, given) => emitter.node(op, names, given),
  };
}

function emitNode(node: OpTensor, emitter: Emitter): void {
  const rule = onnxRuleOf(node.op);
  check(
    rule,
    'INTERNAL',
    () => `emitOnnx: an op must have a rule of ONNX, got ${node.op}; add it to formats/onnx/table.ts`,
  );
  const type = widthOf(node, emitter);
  const { name, layout }: Emitted = rule.emit(contextOf(node, emitter, type));
  emitter.put(node, layout, type, name);
}

/** Inputs whose numbers come from outside or go there, in fp32 whatever the model's type: pictures and logits. */
const outside = (name: string): boolean => !name.startsWith('report.');

function emitInput(tensor: Tensor & { readonly op: 'input' }, emitter: Emitter): OnnxValue {
  const { name, dtype } = tensor;
  const type = dtype === 'f16' && outside(name) ? 'f32' : dtype;
  emitter.unique(name);
  const layout = tensor.shape.length === 4 ? 'first' : 'last';
  emitter.put(tensor, layout, type, name);
  return { name, type, dims: channelsFirst(emitter.dims.get(tensor)!) };
}

/** `names` are those of the outputs, maps channels-first. */
function emitOutputs(outputs: Outputs, emitter: Emitter): { nodes: OnnxNode[]; values: OnnxValue[] } {
  const nodes: OnnxNode[] = [];
  const values = Object.entries(outputs).map(([name, tensor]): OnnxValue => {
    const type = tensor.dtype === 'f16' && outside(name) ? 'f32' : (tensor.dtype as FloatType);
    const layout = tensor.shape.length === 4 ? 'first' : 'last';
    const value = emitter.value(tensor, layout, type);
    // One of the results is enough: readers of a text's results read all.
    const input = nodes.length === 0 ? emitter.guarded(value) : value;
    nodes.push({ op: 'Identity', inputs: [input], output: name, attrs: {} });
    return { name, type, dims: channelsFirst(emitter.dims.get(tensor)!) };
  });
  return { nodes: [...emitter.nodes, ...nodes], values };
}

/** An output's own name on the node that makes it, where that serves no other output; else it stays an Identity. */
function nameOutputs(nodes: readonly OnnxNode[]): OnnxNode[] {
  const made = new Set(nodes.filter(({ op }) => op !== 'Identity').map(({ output }) => output));
  const renamed = new Map<string, string>();
  const kept = nodes.filter(({ op, inputs: [from], output }) => {
    if (op !== 'Identity' || !made.has(from!) || renamed.has(from!)) return true;
    renamed.set(from!, output);
    return false;
  });
  const name = (value: string) => renamed.get(value) ?? value;
  return kept.map(node => ({ ...node, inputs: node.inputs.map(name), output: name(node.output) }));
}

export interface EmitOptions {
  /** Weights of matrix products, convolutions and tables as whole numbers. */
  readonly int8?: boolean;
  /** In fp32: whether the first result is NaN where an op would make a plausible number of an overflow (`OnnxContext.guard`). */
  readonly guarded?: boolean;
}

/**
 * A graph of core ops as ONNX, opset 20. Maps go in and out channels-first; the batch and the text's length are symbols.
 *
 * @throws TmcaError INTERNAL for an op without a rule
 */
export function emitOnnx(probes: Probes, options: EmitOptions = {}): EmittedGraph {
  const { base } = probes;
  const dims = dimsOf(probes);
  const order = topological(Object.values(base));
  const known = findLoadTime(base);
  const inputs = order.filter((t): t is Tensor & { op: 'input' } => t.op === 'input');
  const sized = inputs.find(t => dims.get(t)!.some(({ symbol }) => symbol === 'length'));
  const axis = sized ? dims.get(sized)!.findIndex(({ symbol }) => symbol === 'length') : 0;
  const emitter = new Emitter(dims, known, options, sized ? { input: sized.name, axis } : null);
  // What comes from the text's plan last, as its outputs are in order.
  const given = [...inputs.filter(t => outside(t.name)), ...inputs.filter(t => !outside(t.name))].map(t =>
    emitInput(t, emitter),
  );
  for (const t of order) if (isOp(t) && !known.has(t)) emitNode(t, emitter);
  const { nodes, values } = emitOutputs(base, emitter);
  return {
    nodes: nameOutputs(nodes),
    inputs: given,
    outputs: values,
    constants: [...emitter.constants.values()],
    numbers: [...emitter.numbers.values()],
  };
}
