// Numbers of a tensor as f32. Views assume a little-endian machine, as WebGPU and WebAssembly do.

import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { type SafetensorsTensor, WIDTH } from './dtypes.js';

type Words = Uint16Array | Uint32Array;

/** The tensor's 16- or 32-bit words: a view of its memory where that is aligned, else of a copy. */
export function wordsOf(tensor: Pick<SafetensorsTensor, 'dtype' | 'bytes'>): Words {
  const width = WIDTH[tensor.dtype];
  const bytes = tensor.bytes.byteOffset % width === 0 ? tensor.bytes : tensor.bytes.slice();
  const length = Math.floor(bytes.byteLength / width);
  return width === 2
    ? new Uint16Array(bytes.buffer, bytes.byteOffset, length)
    : new Uint32Array(bytes.buffer, bytes.byteOffset, length);
}

let halves: Uint32Array | undefined;

/** Bits of the f32 equal to each f16, by the bits of the f16: 256 KiB, made on first use. */
function halfTable(): Uint32Array {
  if (halves) return halves;
  const bits = new Uint32Array(65536);
  const numbers = new Float32Array(bits.buffer);
  for (let h = 0; h < 65536; h++) {
    const sign = (h & 0x8000) << 16;
    const magnitude = (h & 0x7fff) << 13;
    if ((h & 0x7c00) === 0x7c00) {
      // infinity and NaN keep their payload
      bits[h] = sign | 0x7f800000 | magnitude;
    } else {
      // the exponent's bias goes from 15 to 127; the product is exact, for subnormals too
      bits[h] = magnitude;
      numbers[h] = numbers[h]! * 2 ** 112;
      bits[h] = bits[h]! | sign;
    }
  }
  halves = bits;
  return bits;
}

/**
 * The elements of an F32, F16 or BF16 tensor; every value is exact. An aligned F32 tensor is viewed, not copied.
 *
 * @throws TmcaError UNSUPPORTED for other dtypes.
 */
export function toFloat32(tensor: SafetensorsTensor): Float32Array {
  if (tensor.dtype === 'F32') {
    const words = wordsOf(tensor);
    return new Float32Array(words.buffer, words.byteOffset, words.length);
  }
  if (tensor.dtype !== 'F16' && tensor.dtype !== 'BF16') {
    throw new TmcaError(
      'UNSUPPORTED',
      `toFloat32: tensor ${show(tensor.name)} must be F32, F16 or BF16, got ${tensor.dtype}; convert it first`,
    );
  }
  const words = wordsOf(tensor);
  const out = new Uint32Array(words.length);
  if (tensor.dtype === 'BF16') {
    for (let i = 0; i < out.length; i++) out[i] = words[i]! << 16;
  } else {
    const table = halfTable();
    for (let i = 0; i < out.length; i++) out[i] = table[words[i]!]!;
  }
  return new Float32Array(out.buffer);
}

/** The elements of an I8 tensor, a view. What they are worth is for their reader to know: `toFloat32` refuses them. */
export const wholeNumbers = ({ bytes }: SafetensorsTensor): Int8Array =>
  new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
