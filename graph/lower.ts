// From a graph to a program: kernel calls over numbered buffers. No device is touched: sizes, lifetimes and placement
// follow from this, and whoever runs it supplies the memory.

import { check } from '../errors/index.js';
import type { KernelCall, Storage } from '../gpu/kernel.js';
import type { DotTuning } from '../gpu/kernels/matmul/linear-dots.js';
import { hardwareTuning } from '../gpu/tuning.js';
import { builder } from './builder.js';
import {
  findLoadTime,
  inputsOf,
  isOp,
  type OpTensor,
  type Outputs,
  orderOf,
  parametersOf,
  type Shape,
  sizeOf,
  type Tensor,
  topological,
} from './graph.js';
import { lowerConcatPart } from './ops/shared/strided.js';
import type { SliceAttrs } from './ops/slice.js';
import { ruleOf } from './ops/table.js';
import { type Operand, type Slot, slotOf, type Temporary } from './rule.js';

/** A buffer that a program needs. Bytes are a multiple of 4. */
export interface BufferSpec {
  /** `input`: written before each run. `constant`: known at load. `activation`: written by the program. */
  readonly role: 'input' | 'constant' | 'activation';
  readonly storage: Storage;
  readonly shape: Shape;
  readonly bytes: number;
  /** What it holds; absent for scratch. For a constant, a tensor to evaluate. */
  readonly tensor?: Tensor;
  /** An input's name. */
  readonly name?: string;
}

export interface Program {
  /** In order of execution; operands are indexes into `buffers`. */
  readonly calls: readonly KernelCall<number>[];
  readonly buffers: readonly BufferSpec[];
  readonly inputs: Readonly<Record<string, number>>;
  /** A view's shape is its own, not its buffer's. */
  readonly outputs: Readonly<Record<string, { readonly buffer: number; readonly shape: Shape }>>;
}

export interface LowerOptions {
  /** How weights (`weight` slots known at load) are stored; whole numbers (i8) stay what they are. */
  readonly weights: 'f32' | 'f16';
  /** The tuning of the device that is to run the program; `hardwareTuning` where none is known. */
  readonly tuning?: DotTuning | undefined;
  /** Parameters that f16 cannot hold: a weight made from one is stored in f32. */
  readonly wide?: ReadonlySet<string> | undefined;
}

const WIDTH = { f32: 4, f16: 2, i8: 1, i32: 4 } as const satisfies Record<Storage, number>;

export const bytesOf = (shape: Shape, storage: Storage): number => Math.ceil((sizeOf(shape) * WIDTH[storage]) / 4) * 4;

/** Replaces composites without kernels by their subgraphs, until every node has kernels. */
export function legalise(outputs: Outputs): Outputs {
  const done = new Map<Tensor, Tensor>();
  const legal = (t: Tensor): Tensor => {
    const before = done.get(t);
    if (before || !isOp(t)) return before ?? t;
    for (const part of topological([t])) {
      if (done.has(part)) continue;
      const made = isOp(part) ? legalNode(part, done, legal) : part;
      // what is made stands for itself too: the subgraph of a composite reads it, and must not make it again
      done.set(part, made).set(made, made);
    }
    return done.get(t)!;
  };
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, legal(t)]));
}

function legalNode(node: OpTensor, done: ReadonlyMap<Tensor, Tensor>, legal: (t: Tensor) => Tensor): Tensor {
  const inputs = node.inputs.map(t => (t === null ? null : done.get(t)!));
  const rule = ruleOf(node.op);
  if (!rule.expand || rule.lower) return { ...node, inputs };
  const expanded = legal(rule.expand(builder, inputs, node.attrs));
  return expanded.dtype === node.dtype || !isOp(expanded) ? expanded : { ...expanded, dtype: node.dtype };
}

const NONE: ReadonlySet<string> = new Set();

/** An op's results where it has several: a leaf each, in whose place a buffer stands, and where it begins in the flat value. */
interface Part {
  readonly place: Tensor;
  readonly start: number;
  readonly size: number;
}

function partsOf(node: OpTensor): readonly Part[] {
  const rule = ruleOf(node.op);
  if (rule.expand || !rule.parts) return [];
  const sizes = rule.parts(
    node.inputs.map(t => t?.shape ?? null),
    node.attrs,
  );
  let end = 0;
  return sizes.map((size, i) => {
    const start = end;
    end += size;
    return { place: { op: 'input', name: `${node.op} ${i}`, shape: [size], dtype: node.dtype }, start, size };
  });
}

/** The first rows of a constant lie where it begins: for as many texts as there are lengths, it is stored once. */
function beginningOf(t: Tensor): Tensor {
  if (!isOp(t) || t.op !== 'slice') return t;
  const { axis, start } = t.attrs as SliceAttrs;
  return axis === 0 && start === 0 ? beginningOf(t.inputs[0]!) : t;
}

/** Which of `parts` a slice is, if it is one. */
function partTaken(slice: OpTensor, parts: readonly Part[]): Part | undefined {
  const { start, end } = slice.attrs as SliceAttrs;
  return parts.find(part => part.start === start && part.start + part.size === end);
}

/** Ops with several results some reader of which wants the flat value. */
function findFlat(outputs: Outputs): ReadonlySet<Tensor> {
  const flat = new Set<Tensor>(Object.values(outputs));
  for (const t of orderOf(outputs))
    for (const input of inputsOf(t)) {
      if (!isOp(t) || t.op !== 'slice' || !isOp(input) || !partTaken(t, partsOf(input))) flat.add(input);
    }
  return flat;
}

class Lowering {
  readonly calls: KernelCall<number>[] = [];
  readonly buffers: BufferSpec[] = [];
  readonly inputs: Record<string, number> = {};
  private readonly values = new Map<Tensor, number>();
  private readonly constants = new Map<Tensor, Map<Storage, number>>();
  private readonly parts = new Map<Tensor, readonly Part[]>();

  constructor(
    private readonly known: ReadonlySet<Tensor>,
    /** What `findFlat` found. */
    private readonly flat: ReadonlySet<Tensor>,
    private readonly options: LowerOptions,
  ) {}

  private add(spec: BufferSpec): number {
    return this.buffers.push(spec) - 1;
  }

  /** Storage that a reader's slot asks of a tensor known at load. */
  private storageOf(tensor: Tensor, slot: Slot, reader: OpTensor): Storage {
    if (slot === 'weight') return tensor.dtype === 'i8' ? 'i8' : this.weightStorage(tensor);
    if (slot === 'index') return 'i32';
    return slot === 'vector' ? 'f32' : reader.dtype;
  }

  private weightStorage(tensor: Tensor): Storage {
    const { weights, wide = NONE } = this.options;
    const isWide = () => [...parametersOf({ tensor }).keys()].some(name => wide.has(name));
    return weights === 'f16' && wide.size > 0 && isWide() ? 'f32' : weights;
  }

  constant(known: Tensor, storage: Storage): number {
    const tensor = beginningOf(known);
    const stored = this.constants.get(tensor) ?? new Map<Storage, number>();
    this.constants.set(tensor, stored);
    let index = stored.get(storage);
    if (index === undefined) {
      const { shape } = tensor;
      index = this.add({ role: 'constant', storage, shape, bytes: bytesOf(shape, storage), tensor });
      stored.set(storage, index);
    }
    return index;
  }

  value(tensor: Tensor): number {
    const index = this.values.get(tensor);
    check(index !== undefined, 'INTERNAL', () => `lower: a value must be made before it is read, got ${tensor.op}`);
    return index;
  }

  input(tensor: Tensor & { readonly op: 'input' }): void {
    const { shape, dtype: storage, name } = tensor;
    check(
      this.inputs[name] === undefined,
      'SHAPE_MISMATCH',
      `lower: an input's name must stand for one tensor, got ${name} twice; share the tensor or rename one`,
    );
    const index = this.add({ role: 'input', storage, shape, bytes: bytesOf(shape, storage), tensor, name });
    this.values.set(tensor, index);
    this.inputs[name] = index;
  }

  /** A buffer that the program writes. */
  private made(t: Tensor): number {
    const { dtype: storage, shape } = t;
    return this.add({ role: 'activation', storage, shape, bytes: bytesOf(shape, storage), tensor: t });
  }

  op(node: OpTensor): void {
    const taken = node.op === 'slice' ? partTaken(node, this.parts.get(node.inputs[0]!) ?? []) : undefined;
    if (taken) {
      this.values.set(node, this.value(taken.place));
      return;
    }
    const rule = ruleOf(node.op);
    const operands = new Map<Operand, number>();
    node.inputs.forEach((t, i) => {
      if (t)
        operands.set(t, this.known.has(t) ? this.constant(t, this.storageOf(t, slotOf(rule, i), node)) : this.value(t));
    });
    const weightSlot = node.inputs.findIndex((t, i) => t !== null && slotOf(rule, i) === 'weight');
    const weight = weightSlot < 0 ? undefined : this.buffers[operands.get(node.inputs[weightSlot]!)!]!.storage;
    const parts = partsOf(node);
    for (const { place } of parts) {
      const index = this.made(place);
      this.values.set(place, index);
      operands.set(place, index);
    }
    this.parts.set(node, parts);
    const calls = rule.lower!({
      inputs: node.inputs,
      attrs: node.attrs,
      out: node,
      act: node.dtype === 'f16' ? 'f16' : 'f32',
      weight: weight === 'f16' || weight === 'i8' ? weight : 'f32',
      tuning: this.options.tuning ?? hardwareTuning,
      parts: parts.map(({ place }) => place),
      temporary: bytes => ({ temporary: true, bytes }),
    });
    if (calls.length === 0) {
      this.values.set(node, operands.get(node.inputs[0]!)!); // a view
      return;
    }
    if (parts.length === 0 || this.flat.has(node)) {
      const index = this.made(node);
      this.values.set(node, index);
      operands.set(node, index);
      for (const { place, start } of parts) calls.push(lowerConcatPart(place, 0, start, node, 'f32'));
    }
    for (const call of calls) this.calls.push(this.number(call, operands));
  }

  private number(call: KernelCall<Operand>, operands: Map<Operand, number>): KernelCall<number> {
    const bindings = call.bindings.map(({ operand, access }) => {
      if (operand === null) return { operand: null, access };
      let index = operands.get(operand);
      if (index === undefined) {
        const { bytes } = operand as Temporary;
        index = this.add({ role: 'activation', storage: 'f32', shape: [bytes / 4], bytes });
        operands.set(operand, index);
      }
      return { operand: index, access };
    });
    return { ...call, bindings };
  }
}

/** @throws TmcaError INTERNAL where a node has neither kernels nor an expansion that has. */
export function lower(graph: Outputs, options: LowerOptions): Program {
  const outputs = legalise(graph);
  const known = findLoadTime(outputs);
  const lowering = new Lowering(known, findFlat(outputs), options);
  for (const t of orderOf(outputs)) {
    if (known.has(t)) continue;
    if (t.op === 'input') lowering.input(t);
    else if (isOp(t)) lowering.op(t);
  }
  const named = Object.entries(outputs).map(([name, t]) => {
    const buffer = known.has(t) ? lowering.constant(t, t.dtype) : lowering.value(t);
    return [name, { buffer, shape: t.shape }] as const;
  });
  return {
    calls: lowering.calls,
    buffers: lowering.buffers,
    inputs: lowering.inputs,
    outputs: Object.fromEntries(named),
  };
}
