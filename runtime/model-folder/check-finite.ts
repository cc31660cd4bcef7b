// Finiteness of weights, tested on their bits: WGSL lets arithmetic on NaN and infinities give any value, so a broken weight
// would end in a wrong mask and no error.

import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import type { ParameterStream } from '../load-constants.js';
import { type SafetensorsTensor, toFloat32, WIDTH, wordsOf } from '../safetensors/index.js';

/** Bits of the exponent: all set in NaN and the infinities, and in nothing else. */
const EXPONENT = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 } as const;

/**
 * Looks for NaN and infinities in a weight (F32, F16 or BF16; integers are finite).
 *
 * @throws TmcaError MODEL_NOT_FINITE, naming the tensor, the first such element and its index.
 */
export function checkFinite(name: string, tensor: Pick<SafetensorsTensor, 'dtype' | 'bytes'>): void {
  const { dtype } = tensor;
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') return;
  const index = findSaturated(wordsOf(tensor), EXPONENT[dtype]);
  if (index < 0) return;
  const width = WIDTH[dtype];
  const bytes = tensor.bytes.slice(index * width, (index + 1) * width);
  const [value] = toFloat32({ name, dtype, shape: [], bytes });
  throw new TmcaError(
    'MODEL_NOT_FINITE',
    `checkFinite: tensor ${show(name)}: weights must be finite, got ${value} at index ${index} (${dtype}); ` +
      'train or convert the model again',
  );
}

/** A folder's tensors, each checked to be finite as it passes. */
export function checkedStream({ weights }: { readonly weights: ParameterStream }): ParameterStream {
  return {
    async *tensors(keeps) {
      for await (const tensor of weights.tensors(keeps)) {
        checkFinite(tensor.name, tensor);
        yield tensor;
      }
    },
  };
}

function findSaturated(words: Uint16Array | Uint32Array, exponent: number): number {
  // Two searches, so that each sees one kind of array: mixed kinds would halve the speed over 138 M weights.
  const from = words instanceof Uint32Array ? firstFour32(words, exponent) : firstFour16(words, exponent);
  for (let i = from; i < words.length; i++) if ((words[i]! & exponent) === exponent) return i;
  return -1;
}

/** Where four words begin of which one is saturated, or the fewer than four at the end. */
function firstFour32(w: Uint32Array, e: number): number {
  let i = 0;
  for (const end = w.length - 3; i < end; i += 4)
    if ((w[i]! & e) === e || (w[i + 1]! & e) === e || (w[i + 2]! & e) === e || (w[i + 3]! & e) === e) return i;
  return i;
}

function firstFour16(w: Uint16Array, e: number): number {
  let i = 0;
  for (const end = w.length - 3; i < end; i += 4)
    if ((w[i]! & e) === e || (w[i + 1]! & e) === e || (w[i + 2]! & e) === e || (w[i + 3]! & e) === e) return i;
  return i;
}
