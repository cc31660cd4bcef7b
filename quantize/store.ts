// How one parameter is stored, by rules on its values: whole numbers where the graph says that kernels read it so, halves
// where these hold it, else F32. What a rule keeps from the precision asked for is said with its reason.

import { fromHalf, toHalf } from '../assembly/half.js';
import type { Assembly } from '../assembly/index.js';
import { type SafetensorsTensor, toFloat32 } from '../formats/safetensors/index.js';
import { dequantizeRows, int8Tensors, quantizeRows } from '../formats/weights/int8.js';

/** The largest finite half. */
export const HALF_MAX = 65504;

/** Rounding to halves costs a tensor of ordinary numbers 2^-12 of its length; beyond this, its numbers are subnormal halves. */
const HALF_LOSS = 2 ** -9;

/** Rounding to whole numbers costs a row without outliers about a hundredth of its length. */
const INT8_LOSS = 0.04;

export type StoredType = 'int8' | 'fp16' | 'fp32';

export interface StoredParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: StoredType;
  /** In the file, scales included. */
  readonly bytes: number;
  /** The largest magnitude. */
  readonly largest: number;
  /** Against the source: the largest difference, and the length of all differences over that of the tensor. */
  readonly max_abs_error: number;
  readonly relative_error: number;
  /** Why it is wider than was asked for; null where it is not. */
  readonly kept: string | null;
  readonly tensors: readonly SafetensorsTensor[];
}

interface Candidate {
  readonly dtype: StoredType;
  readonly tensors: readonly SafetensorsTensor[];
  readonly values: Float32Array;
}

const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function asInt8(name: string, shape: readonly number[], source: Float32Array): Candidate {
  const quantized = quantizeRows(source, shape[0]!);
  return { dtype: 'int8', tensors: int8Tensors(name, shape, quantized), values: dequantizeRows(quantized) };
}

function asHalf(assembly: Assembly, name: string, shape: readonly number[], source: Float32Array): Candidate {
  const halves = toHalf(assembly, source);
  return {
    dtype: 'fp16',
    tensors: [{ name, shape, dtype: 'F16', bytes: bytesOf(halves) }],
    values: fromHalf(assembly, halves),
  };
}

const asFloat = (name: string, shape: readonly number[], source: Float32Array): Candidate => ({
  dtype: 'fp32',
  tensors: [{ name, shape, dtype: 'F32', bytes: bytesOf(source) }],
  values: source,
});

/** Largest magnitude, largest difference, and relative length of the difference. */
function compare(source: Float32Array, stored: Float32Array) {
  let [largest, worst, difference, length] = [0, 0, 0, 0];
  for (let i = 0; i < source.length; i++) {
    const value = source[i]!;
    const error = Math.abs(stored[i]! - value);
    if (Math.abs(value) > largest) largest = Math.abs(value);
    if (error > worst) worst = error;
    difference += error * error;
    length += value * value;
  }
  return { largest, worst, loss: length === 0 ? 0 : Math.sqrt(difference / length) };
}

/**
 * @param whole the graph reads it as whole numbers (graph/passes/int8.ts) and int8 was asked for
 * @param wide a weight folded from it does not fit f16: it stays F32
 */
export function storeParameter(
  assembly: Assembly,
  tensor: SafetensorsTensor,
  { whole, wide = false }: { readonly whole: boolean; readonly wide?: boolean },
): StoredParameter {
  const { name, shape } = tensor;
  const source = toFloat32(tensor);
  const described = ({ dtype, tensors, values }: Candidate, kept: string | null): StoredParameter => {
    const { largest, worst, loss } = compare(source, values);
    const bytes = tensors.reduce((sum, t) => sum + t.bytes.length, 0);
    return { name, shape, dtype, bytes, largest, max_abs_error: worst, relative_error: loss, kept, tensors };
  };
  let kept: string | null = null;
  if (whole) {
    const int8 = described(asInt8(name, shape, source), null);
    if (int8.relative_error <= INT8_LOSS) return int8;
    kept = `int8 loses ${(100 * int8.relative_error).toFixed(1)} % of it, more than ${100 * INT8_LOSS} %: outliers stretch its rows`;
  }
  const half = described(asHalf(assembly, name, shape, source), kept);
  if (half.largest > HALF_MAX)
    return described(
      asFloat(name, shape, source),
      `its largest magnitude, ${half.largest.toPrecision(6)}, is beyond ${HALF_MAX}`,
    );
  if (wide) return described(asFloat(name, shape, source), `a weight folded from it is beyond ${HALF_MAX}`);
  if (half.relative_error > HALF_LOSS)
    return described(
      asFloat(name, shape, source),
      `f16 loses ${(100 * half.relative_error).toFixed(2)} % of it: its numbers are too small (largest ${half.largest.toPrecision(3)})`,
    );
  return half;
}
