// int8 weights: whole numbers from -127 to 127 and one f32 scale for each index of the first axis (an output channel, a row of
// a table): W[n,…] = q[n,…] · scale[n]. In a file they are `NAME` (I8) and `NAME.scale` (F32).

import { check } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { chooseInt8 } from '../../graph/passes/int8.js';
import { scaleName } from '../../graph/scale-name.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { SafetensorsTensor } from '../safetensors/index.js';
import { findSaturated } from '../safetensors/saturated.js';
import { toFloat32, wholeNumbers } from '../safetensors/to-float32.js';
import type { ParameterStream } from './load-constants.js';

const LARGEST = 127;
/** The smallest normal f32: below it, rounding is coarse. */
const SMALLEST = 2 ** -126;

export interface Int8Tensor {
  readonly q: Int8Array;
  /** One for each row, positive. */
  readonly scale: Float32Array;
}

/**
 * Symmetric quantization by rows: the largest number of a row becomes ±127, the others the nearest whole number. A row of
 * zeros has scale 1. No error is larger than half a scale.
 *
 * @example
 * const { q, scale } = quantizeRows(new Float32Array([0.5, -1, 2, 4]), 2); // q: 64, -127, 64, 127
 */
export function quantizeRows(values: Float32Array, rows: number): Int8Tensor {
  const width = values.length / rows;
  const q = new Int8Array(values.length);
  const scale = new Float32Array(rows);
  for (let r = 0; r < rows; r++) {
    const end = (r + 1) * width;
    let largest = 0;
    for (let i = r * width; i < end; i++) largest = Math.max(largest, Math.abs(values[i]!));
    // In f32, as the file keeps it; a row so small that its scale is no normal number is a row of zeros.
    const step = Math.fround(largest / LARGEST);
    scale[r] = step >= SMALLEST ? step : 1;
    // A scale rounded down lets the largest quotient pass 127 by 2^-24 of it: it still rounds to 127.
    const factor = scale[r]!;
    for (let i = r * width; i < end; i++) q[i] = Math.round(values[i]! / factor);
  }
  return { q, scale };
}

/** The numbers that whole numbers and scales stand for. */
export function dequantizeRows({ q, scale }: Int8Tensor): Float32Array {
  const width = q.length / scale.length;
  const values = new Float32Array(q.length);
  let i = 0;
  for (const factor of scale) for (const end = i + width; i < end; i++) values[i] = q[i]! * factor;
  return values;
}

/** Parameters of a network that are worth storing as whole numbers; see graph/passes/int8.ts. */
export const int8Parameters = (config: Config): ReadonlySet<string> =>
  chooseInt8(Network.of(config).forward(1, 2).named);

/** @throws TmcaError MODEL_NOT_FINITE where a scale is no positive number */
export function checkScales(tensor: SafetensorsTensor): Float32Array {
  const scales = toFloat32(tensor);
  const at = scales.findIndex(scale => !(scale > 0 && scale < Infinity));
  check(
    at < 0,
    'MODEL_NOT_FINITE',
    () =>
      `checkScales: tensor ${show(tensor.name)}: scales of int8 weights must be positive numbers, got ${scales[at]} at index ${at}; quantize the model again`,
  );
  return scales;
}

/** The same parameters, the scales of `names` checked as they pass. */
export function checkedScales(stream: ParameterStream, names: ReadonlySet<string>): ParameterStream {
  const scales = new Set([...names].map(scaleName));
  return {
    async *tensors(borrowed) {
      for await (const tensor of stream.tensors(borrowed)) {
        if (scales.has(tensor.name)) checkScales(tensor);
        yield tensor;
      }
    },
  };
}

/** The same parameters, `names` among them as whole numbers and scales. */
export function quantizedStream(stream: ParameterStream, names: ReadonlySet<string>): ParameterStream {
  return {
    async *tensors() {
      for await (const tensor of stream.tensors()) {
        const { name, shape } = tensor;
        if (names.has(name)) yield* int8Tensors(name, shape, quantizeRows(toFloat32(tensor), shape[0]!));
        else yield tensor;
      }
    },
  };
}

/** NAME as I8 and NAME.scale as F32. */
export function int8Tensors(
  name: string,
  shape: readonly number[],
  { q, scale }: Int8Tensor,
): readonly [SafetensorsTensor, SafetensorsTensor] {
  const bytes = (data: Int8Array | Float32Array) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return [
    { name, shape, dtype: 'I8', bytes: bytes(q) },
    { name: scaleName(name), shape: [shape[0]!], dtype: 'F32', bytes: bytes(scale) },
  ];
}

/**
 * The same parameters as real numbers: what a file stores as whole numbers comes as F32, under its own name alone. For all
 * that does not run int8: training, export, fp32.
 *
 * @param whole the names of those: `int8Names` of the file's header
 * @throws TmcaError MODEL_NOT_FINITE from the stream, where a scale is no positive number
 */
export function realStream(stream: ParameterStream, whole: ReadonlySet<string>): ParameterStream {
  const owners = new Map([...whole].map(name => [scaleName(name), name]));
  return {
    async *tensors() {
      const waiting = new Map<string, SafetensorsTensor>();
      for await (const tensor of stream.tensors()) {
        const owner = owners.get(tensor.name) ?? (whole.has(tensor.name) ? tensor.name : undefined);
        if (owner === undefined) {
          yield tensor;
          continue;
        }
        const partner = waiting.get(owner === tensor.name ? scaleName(owner) : owner);
        if (!partner) waiting.set(tensor.name, tensor);
        else {
          waiting.delete(partner.name);
          yield owner === tensor.name ? realTensor(tensor, partner) : realTensor(partner, tensor);
        }
      }
      check(
        waiting.size === 0,
        'MODEL_INCOMPLETE',
        () =>
          `realStream: int8 weights and their scales must come together, got ${show([...waiting.keys()])} alone; use a complete checkpoint`,
      );
    },
  };
}

function realTensor(tensor: SafetensorsTensor, scales: SafetensorsTensor): SafetensorsTensor {
  const { name, shape } = tensor;
  const values = dequantizeRows({ q: wholeNumbers(tensor), scale: checkScales(scales) });
  const stray = findSaturated(new Uint32Array(values.buffer), 'F32');
  check(
    stray < 0,
    'MODEL_NOT_FINITE',
    () => `realStream: tensor ${show(name)}: weights must be finite, got ${values[stray]}; quantize the model again`,
  );
  return { name, shape, dtype: 'F32', bytes: new Uint8Array(values.buffer) };
}
