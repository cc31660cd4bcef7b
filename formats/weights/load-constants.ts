// What a graph knows at load, made from a stream of parameters: whichever engine stores it. Tensors stream in file order;
// what is folded is evaluated on the host as soon as its parameters are there, and they are let go after their last reader.

import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { evaluateBy } from '../../graph/evaluate.js';
import { isOp, parametersOf, type Tensor } from '../../graph/graph.js';
import type { SafetensorsTensor } from '../safetensors/dtypes.js';
import { findSaturated } from '../safetensors/saturated.js';
import { toFloat32, wholeNumbers } from '../safetensors/to-float32.js';
import { ReusedMemory } from './reused-memory.js';

/** Where parameters come from: a file, or golden.py's `fill`. */
export interface ParameterStream {
  /** @param borrowed the reader has done with each tensor when it asks for the next: their memory may be used again */
  tensors(borrowed?: boolean): AsyncIterable<SafetensorsTensor>;
}

/** A tensor known at load. */
export interface LoadTime {
  readonly tensor: Tensor;
  /** The parameter that it is, where nothing has to be computed. */
  readonly direct?: string;
}

/** The parameter behind views, or undefined where there is arithmetic or movement. */
export function directParameter(tensor: Tensor): string | undefined {
  let t = tensor;
  while (isOp(t) && t.op === 'reshape') t = t.inputs[0]!;
  return t.op === 'parameter' ? t.name : undefined;
}

/**
 * Calls `put` once for each of `constants`, as soon as the stream has brought what it needs. The values are the parameter's
 * own where it is one, else F32; they are lent until `put` has returned, or what it returned has resolved.
 *
 * @throws TmcaError MODEL_INCOMPLETE where the stream ends before a parameter came, MODEL_NOT_FINITE where finite parameters make a
 *   value beyond f32, ABORTED; what the stream and `put` throw
 */
export async function loadConstants<C extends LoadTime>(
  where: string,
  constants: ReadonlyMap<string, C>,
  stream: ParameterStream,
  put: (key: string, constant: C, values: SafetensorsTensor) => void | Promise<void>,
  signal?: AbortSignal | undefined,
): Promise<void> {
  const direct = new Map<string, [key: string, constant: C][]>();
  const computed: Computed<C>[] = [];
  for (const [key, constant] of constants) {
    if (constant.direct === undefined) computed.push(new Computed(key, constant));
    else direct.set(constant.direct, [...(direct.get(constant.direct) ?? []), [key, constant]]);
  }
  const held = new HeldParameters(computed);
  const putComputed = async (ready: readonly Computed<C>[]) => {
    for (const item of ready) {
      await put(item.key, item.constant, item.evaluate(where, held));
      held.memory.recycle();
    }
  };
  await putComputed(held.take(undefined));
  for await (const parameter of stream.tensors(true)) {
    throwIfAborted(signal, where);
    for (const [key, constant] of direct.get(parameter.name) ?? []) await put(key, constant, parameter);
    direct.delete(parameter.name);
    if (!held.wants(parameter.name)) continue;
    // A graph that reads whole numbers has their scales beside them (passes/dequantize.ts).
    held.put(parameter.name, parameter.dtype === 'I8' ? wholeNumbers(parameter) : toFloat32(parameter));
    await putComputed(held.take(parameter.name));
  }
  const missing = [...direct.keys(), ...held.missing()];
  if (missing.length > 0) {
    throw new TmcaError(
      'MODEL_INCOMPLETE',
      `${where}: every parameter must be in the file, missing ${missing.join(', ')}`,
    );
  }
}

/** A constant that the host computes from parameters. */
class Computed<C extends LoadTime> {
  readonly parameters: readonly string[];

  constructor(
    readonly key: string,
    readonly constant: C,
  ) {
    this.parameters = [...parametersOf({ value: constant.tensor }).keys()];
  }

  evaluate(where: string, held: HeldParameters<C>): SafetensorsTensor {
    const { tensor } = this.constant;
    const { value } = evaluateBy({ value: tensor }, { parameter: name => held.get(name) }, held.memory);
    held.release(this);
    const { buffer, byteOffset, byteLength, length } = value.data;
    const stray = findSaturated(new Uint32Array(buffer, byteOffset, length), 'F32');
    check(
      stray < 0,
      'MODEL_NOT_FINITE',
      () =>
        `${where}: what weights make at load must be finite, got ${value.data[stray]} of ${this.parameters.join(', ')}; train or convert the model again`,
    );
    const bytes = new Uint8Array(buffer, byteOffset, byteLength);
    return { name: this.parameters[0] ?? tensor.op, dtype: 'F32', shape: value.shape, bytes };
  }
}

/** Parameters that wait on the host for the others of their expression, each let go after its last reader. */
class HeldParameters<C extends LoadTime> {
  readonly memory = new ReusedMemory();
  readonly #values = new Map<string, Float32Array>();
  readonly #readers = new Map<string, Set<Computed<C>>>();
  readonly #waiting: Set<Computed<C>>;

  constructor(computed: readonly Computed<C>[]) {
    this.#waiting = new Set(computed);
    for (const item of computed)
      for (const name of item.parameters) this.#readers.set(name, (this.#readers.get(name) ?? new Set()).add(item));
  }

  wants = (name: string): boolean => this.#readers.has(name);

  put(name: string, values: ArrayLike<number>): void {
    const own = this.memory.take(values.length);
    own.set(values);
    this.#values.set(name, own);
  }

  get(name: string): Float32Array {
    const values = this.#values.get(name);
    check(values, 'INTERNAL', () => `loadConstants: ${name} must be held while it has readers`);
    return values;
  }

  /** What has become computable with the parameter `name` (undefined: what needs none). */
  take(name: string | undefined): Computed<C>[] {
    const candidates = name === undefined ? [...this.#waiting] : [...(this.#readers.get(name) ?? [])];
    const ready = candidates.filter(item => this.#waiting.has(item) && item.parameters.every(p => this.#values.has(p)));
    for (const item of ready) this.#waiting.delete(item);
    return ready;
  }

  release(item: Computed<C>): void {
    for (const name of item.parameters) {
      const readers = this.#readers.get(name)!;
      readers.delete(item);
      if (readers.size > 0) continue;
      this.#readers.delete(name);
      this.memory.give(this.get(name));
      this.#values.delete(name);
    }
  }

  missing(): string[] {
    return [...new Set([...this.#waiting].flatMap(item => item.parameters.filter(p => !this.#values.has(p))))];
  }
}
