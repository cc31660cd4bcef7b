// Numbers as buffers hold them. For a self-test's inputs, which f16 holds exactly: sixteenths below 1.

import type { Storage } from '../kernel.js';

/** Sixteenths from -½ to ½ (whole numbers from -8 to 8 where `whole`), in an order that repeats after 17. */
export const known = (count: number, step: number, whole = false): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => (((i * step) % 17) - 8) / (whole ? 1 : 16));

/** [rows, columns] of 128ths, the first of each row 127 of them: as int8 with a scale for each row, exactly these numbers. */
export const known128 = (rows: number, columns: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: rows * columns }, (_, i) => (i % columns === 0 ? 127 : ((i * 37) % 255) - 127) / 128);

function toHalf(x: number): number {
  if (x === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(x)));
  const mantissa = (Math.abs(x) / 2 ** exponent - 1) * 1024;
  return (x < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | mantissa;
}

function fromHalf(bits: number): number {
  const [exponent, mantissa] = [(bits >> 10) & 31, bits & 1023];
  const size = exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
  return (bits & 0x8000 ? -1 : 1) * (exponent === 31 ? (mantissa === 0 ? Number.POSITIVE_INFINITY : Number.NaN) : size);
}

/** Bytes in whole words. */
export function encode(values: Float32Array<ArrayBuffer>, storage: Storage): Uint8Array<ArrayBuffer> {
  const count = Math.ceil(values.length / 4) * 4;
  const padded = new Float32Array(count);
  padded.set(values);
  if (storage === 'f32') return new Uint8Array(padded.buffer);
  if (storage === 'i8') return new Uint8Array(Int8Array.from(padded).buffer);
  if (storage === 'i32') return new Uint8Array(Int32Array.from(padded).buffer);
  return new Uint8Array(Uint16Array.from(padded, toHalf).buffer);
}

export function decode(bytes: Uint8Array<ArrayBuffer>, count: number, storage: 'f32' | 'f16'): Float32Array {
  const { buffer, byteOffset } = bytes;
  if (storage === 'f32') return new Float32Array(buffer, byteOffset, count);
  return Float32Array.from(new Uint16Array(buffer, byteOffset, count), fromHalf);
}
