// ONNX graphs with their weights: as files, or in memory as a small model and one array of weights beside it.

import type { Assembly } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import { sizeOf } from '../../graph/graph.js';
import type { Progress } from '../loading.js';
import type { SafetensorsTensor } from '../safetensors/dtypes.js';
import { toFloat32 } from '../safetensors/to-float32.js';
import { bytesOfView, encodeStorage } from '../weights/encode-storage.js';
import { directParameter, type LoadTime, loadConstants, type ParameterStream } from '../weights/load-constants.js';
import type { EmittedConstant, EmittedGraph } from './emit.js';
import { modelMessage, type OnnxModel, type OnnxTensor, typeBytes } from './messages.js';
import { quantizeAlong } from './quantize-along.js';
import { type Hole, isHole } from './wire.js';

/** What an ONNX file says of itself. */
export interface OnnxFacts {
  readonly name: string;
  readonly description: string;
  readonly producerVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Name of the file that stands for the array of weights. */
export const WEIGHTS = 'weights';

function numbersOf(type: 'f32' | 'f16' | 'i64', values: readonly number[], assembly: Assembly): Uint8Array {
  if (type === 'i64') return bytesOfView(BigInt64Array.from(values, BigInt));
  const bytes = bytesOfView(Float32Array.from(values));
  if (type === 'f32') return bytes;
  const shape = [values.length];
  // Padded to whole words, for the devices; here the numbers stand alone.
  return encodeStorage(assembly, { name: 'number', dtype: 'F32', shape, bytes }, 'f16').subarray(0, 2 * values.length);
}

const bytesOf = ({ tensor, type }: EmittedConstant): number => sizeOf(tensor.shape) * typeBytes(type);

/** The model with a hole for each constant, by its name. */
function describe(graph: EmittedGraph, facts: OnnxFacts, assembly: Assembly): OnnxModel {
  const known = graph.numbers.map(
    ({ name, type, dims, values }): OnnxTensor => ({ name, type, dims, data: numbersOf(type, values, assembly) }),
  );
  const holes = graph.constants.flatMap((constant): OnnxTensor[] => {
    const { name, type, tensor, scales } = constant;
    const own: OnnxTensor = { name, type, dims: tensor.shape, data: { key: name, bytes: bytesOf(constant) } };
    if (!scales) return [own];
    const count = tensor.shape[scales.axis]!;
    return [own, { name: scales.name, type: 'f32', dims: [count], data: { key: scales.name, bytes: 4 * count } }];
  });
  const { nodes, inputs, outputs } = graph;
  return { ...facts, nodes, inputs, outputs, tensors: [...known, ...holes] };
}

type Wanted = LoadTime & EmittedConstant;

/** The constants of graphs, by `index name`, for one pass over the parameters. */
function wanted(graphs: readonly EmittedGraph[]): Map<string, Wanted> {
  return new Map(
    graphs.flatMap(({ constants }, index) =>
      constants.map(constant => {
        const direct = directParameter(constant.tensor);
        return [`${index} ${constant.name}`, { ...constant, ...(direct ? { direct } : {}) }] as const;
      }),
    ),
  );
}

/** Takes the bytes of one constant of graph `index`, under its name. */
type Sink = (index: number, name: string, bytes: Uint8Array) => void | Promise<void>;

export interface FillOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** One pass over the parameters for the constants of several graphs. */
async function fillGraphs(
  graphs: readonly EmittedGraph[],
  assembly: Assembly,
  stream: ParameterStream,
  sink: Sink,
  { signal, onProgress }: FillOptions,
): Promise<void> {
  const constants = wanted(graphs);
  const total = [...constants.values()].reduce((sum, constant) => sum + bytesOf(constant), 0);
  let loaded = 0;
  const put = async (key: string, constant: Wanted, values: SafetensorsTensor) => {
    const index = Number(key.slice(0, key.indexOf(' ')));
    const { name, type, tensor, scales } = constant;
    let bytes: Uint8Array;
    if (type === 'i8') {
      const { q, scale } = quantizeAlong(toFloat32(values), tensor.shape, scales!.axis);
      bytes = bytesOfView(q);
      await sink(index, scales!.name, bytesOfView(scale));
    } else bytes = encodeStorage(assembly, values, type).subarray(0, bytesOf(constant));
    await sink(index, name, bytes);
    loaded += bytes.length;
    onProgress?.({ phase: 'weights', file: constant.type, loaded, total });
  };
  await loadConstants('fillGraphs', constants, stream, put, signal);
}

/** A model whose weights lie beside it. */
export interface SplitModel {
  /** ModelProto, small tensors in it: onnxruntime's optimiser reads some, and it reads no file in wasm. */
  readonly model: Uint8Array;
  /** What its external data, under the name of {@link WEIGHTS}, are. */
  readonly weights: Uint8Array;
}

/** Offsets of external data are multiples of this number of bytes. */
const ALIGNMENT = 64;

/** Tensors up to this size stay in the model. */
const SMALL = 1 << 14;

/** Where each of the larger constants lies in one array, and how long the array is. */
function place(graph: EmittedGraph): { offsets: ReadonlyMap<string, number>; bytes: number } {
  const offsets = new Map<string, number>();
  let bytes = 0;
  for (const constant of graph.constants) {
    if (bytesOf(constant) <= SMALL) continue;
    offsets.set(constant.name, bytes);
    bytes += Math.ceil(bytesOf(constant) / ALIGNMENT) * ALIGNMENT;
  }
  return { offsets, bytes };
}

/**
 * Models in memory, without a copy: what runs them takes the weights from where they are.
 *
 * @throws TmcaError MODEL_INCOMPLETE, ABORTED; what the stream throws
 */
export async function splitModels(
  graphs: readonly EmittedGraph[],
  facts: OnnxFacts,
  assembly: Assembly,
  stream: ParameterStream,
  options: FillOptions = {},
): Promise<SplitModel[]> {
  const places = graphs.map(place);
  const weights = places.map(({ bytes }) => new Uint8Array(bytes));
  const small = graphs.map(() => new Map<string, Uint8Array>());
  const sink: Sink = (index, name, bytes) => {
    const offset = places[index]!.offsets.get(name);
    if (offset === undefined) small[index]!.set(name, bytes.slice());
    else weights[index]!.set(bytes, offset);
  };
  await fillGraphs(graphs, assembly, stream, sink, options);
  return graphs.map((graph, i): SplitModel => {
    const locate = ({ key }: Hole) => {
      const offset = places[i]!.offsets.get(key);
      return offset === undefined ? 'inline' : { location: WEIGHTS, offset };
    };
    const { pieces } = modelMessage(describe(graph, facts, assembly), locate);
    const filled = pieces.map(piece => (isHole(piece) ? small[i]!.get(piece.key)! : piece));
    return { model: joined(filled), weights: weights[i]! };
  });
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** A file that is written here and there. */
export interface OnnxTarget {
  write(offset: number, bytes: Uint8Array): Promise<void>;
}

/**
 * Models as files that hold their weights. Each tensor is written in its place when its parameters have come, so that one
 * tensor is in memory at a time.
 *
 * @param facts of each graph; asked again when all parameters have been read, for what is known then: what it says must keep its length
 * @param targets one for each graph
 * @returns Bytes of each file.
 * @throws TmcaError MODEL_INCOMPLETE, ABORTED; what the stream and the targets throw
 */
export async function writeModels(
  graphs: readonly EmittedGraph[],
  facts: (index: number) => OnnxFacts,
  assembly: Assembly,
  stream: ParameterStream,
  targets: readonly OnnxTarget[],
  options: FillOptions = {},
): Promise<number[]> {
  const files = graphs.map((graph, i) => layOut(graph, facts(i), assembly));
  const sink: Sink = (index, name, bytes) => targets[index]!.write(files[index]!.holes.get(name)!, bytes);
  await fillGraphs(graphs, assembly, stream, sink, options);
  for (const [i, graph] of graphs.entries()) {
    const { bytes, fixed } = layOut(graph, facts(i), assembly);
    check(bytes === files[i]!.bytes, 'INTERNAL', 'writeModels: what a model says of itself must keep its length');
    for (const [offset, piece] of fixed) await targets[i]!.write(offset, piece);
  }
  return files.map(({ bytes }) => bytes);
}

/** Where everything of a model's file lies. */
function layOut(graph: EmittedGraph, facts: OnnxFacts, assembly: Assembly) {
  const holes = new Map<string, number>();
  const fixed: [offset: number, bytes: Uint8Array][] = [];
  let at = 0;
  for (const piece of modelMessage(describe(graph, facts, assembly), () => 'inline').pieces) {
    if (isHole(piece)) holes.set(piece.key, at);
    else fixed.push([at, piece]);
    at += isHole(piece) ? piece.bytes : piece.length;
  }
  return { bytes: at, holes, fixed };
}
