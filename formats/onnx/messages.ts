// ONNX's messages, as much of them as a network needs: onnx.proto3 of ONNX 1.15 (IR version 9, opset 20).

import type { Dim } from './dims.js';
import { type Hole, Message } from './wire.js';

export type OnnxType = 'f32' | 'f16' | 'i32' | 'i64' | 'bool' | 'i8';

/** TensorProto.DataType */
const TYPES: Readonly<Record<OnnxType, number>> = { f32: 1, i8: 3, i32: 6, i64: 7, bool: 9, f16: 10 };

export const typeNumber = (type: OnnxType): number => TYPES[type];

export const typeBytes = (type: OnnxType): number => ({ f32: 4, f16: 2, i32: 4, i64: 8, bool: 1, i8: 1 })[type];

export type OnnxAttrs = Readonly<Record<string, number | string | readonly number[] | { readonly float: number }>>;

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attrs: OnnxAttrs;
}

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly Dim[];
}

/** A known tensor: its numbers now, or a hole for them. */
export interface OnnxTensor {
  readonly name: string;
  readonly type: OnnxType;
  readonly dims: readonly number[];
  readonly data: Uint8Array | Hole;
}

/** Where the numbers of a hole lie, if not in the model itself. */
export type Placement = (hole: Hole) => { readonly location: string; readonly offset: number } | 'inline';

export interface OnnxModel {
  readonly name: string;
  readonly description: string;
  readonly producerVersion: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly tensors: readonly OnnxTensor[];
}

const IR_VERSION = 9;
const OPSET = 20;

/** StringStringEntryProto */
const entry = (key: string, value: string): Message => new Message().text(1, key).text(2, value);

/** AttributeProto; integers stand for INT and INTS, `{ float }` for FLOAT. */
function attribute(name: string, value: OnnxAttrs[string]): Message {
  const message = new Message().text(1, name);
  if (typeof value === 'number') return message.int(3, value).int(20, 2);
  if (typeof value === 'string') return message.text(4, value).int(20, 3);
  return 'float' in value ? message.float(2, value.float).int(20, 1) : message.ints(8, value).int(20, 7);
}

/** NodeProto */
function nodeMessage({ op, inputs, output, attrs }: OnnxNode): Message {
  const message = new Message();
  for (const input of inputs) message.text(1, input);
  message.text(2, output).text(3, output).text(4, op);
  for (const [name, value] of Object.entries(attrs)) message.message(5, attribute(name, value));
  return message;
}

/** TensorProto */
function tensorMessage({ name, type, dims, data }: OnnxTensor, place: Placement): Message {
  const message = new Message();
  if (dims.length > 0) message.ints(1, dims);
  message.int(2, TYPES[type]).text(8, name);
  const where = data instanceof Uint8Array ? 'inline' : place(data);
  if (where === 'inline') return message.data(9, data);
  const { bytes } = data as Hole;
  const facts = { location: where.location, offset: String(where.offset), length: String(bytes) };
  for (const [key, value] of Object.entries(facts)) message.message(13, entry(key, value));
  return message.int(14, 1);
}

/** TensorShapeProto.Dimension */
const dimension = ({ size, symbol }: Dim): Message =>
  symbol === undefined ? new Message().int(1, size) : new Message().text(2, symbol);

/** ValueInfoProto */
function valueMessage({ name, type, dims }: OnnxValue): Message {
  const shape = new Message();
  for (const dim of dims) shape.message(1, dimension(dim));
  const tensor = new Message().int(1, TYPES[type]).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}

/** ModelProto, with the tensors last and in their order, so that they can be written as they come. */
export function modelMessage(model: OnnxModel, place: Placement): Message {
  const graph = new Message();
  for (const node of model.nodes) graph.message(1, nodeMessage(node));
  graph.text(2, model.name).text(10, model.description);
  for (const input of model.inputs) graph.message(11, valueMessage(input));
  for (const output of model.outputs) graph.message(12, valueMessage(output));
  for (const tensor of model.tensors) graph.message(5, tensorMessage(tensor, place));
  const message = new Message().int(1, IR_VERSION).text(2, 'tmca-edge').text(3, model.producerVersion);
  message.text(6, model.description);
  message.message(8, new Message().text(1, '').int(2, OPSET));
  for (const [key, value] of Object.entries(model.metadata)) message.message(14, entry(key, value));
  return message.message(7, graph).close();
}
