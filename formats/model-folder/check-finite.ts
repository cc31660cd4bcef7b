// Finiteness of weights, tested on their bits: WGSL lets arithmetic on NaN and infinities give any value, so a broken weight
// would end in a wrong mask and no error.

import { check, TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { findSaturated, type SafetensorsTensor, toFloat32, WIDTH, wordsOf } from '../safetensors/index.js';
import type { ParameterStream } from '../weights/load-constants.js';

/** BatchNorm's, at the end of a parameter's name. Its root divides: one below zero makes NaN, or with epsilon a plausible number. */
const VARIANCE = '.running_var';

/**
 * Looks for NaN and infinities in a weight (F32, F16 or BF16; integers are finite), and in a variance for what is below zero.
 *
 * @throws TmcaError MODEL_NOT_FINITE, naming the tensor, the first such element and its index.
 */
export function checkFinite(name: string, tensor: Pick<SafetensorsTensor, 'dtype' | 'bytes'>): void {
  const { dtype } = tensor;
  if (dtype !== 'F32' && dtype !== 'F16' && dtype !== 'BF16') return;
  const index = findSaturated(wordsOf(tensor), dtype);
  if (index < 0) {
    if (name.endsWith(VARIANCE)) checkVariances(name, tensor);
    return;
  }
  const width = WIDTH[dtype];
  const bytes = tensor.bytes.slice(index * width, (index + 1) * width);
  const [value] = toFloat32({ name, dtype, shape: [], bytes });
  throw new TmcaError(
    'MODEL_NOT_FINITE',
    `checkFinite: tensor ${show(name)}: weights must be finite, got ${value} at index ${index} (${dtype}); ` +
      'train or convert the model again',
  );
}

function checkVariances(name: string, { dtype, bytes }: Pick<SafetensorsTensor, 'dtype' | 'bytes'>): void {
  const values = toFloat32({ name, dtype, shape: [], bytes });
  const at = values.findIndex(value => value < 0);
  check(
    at < 0,
    'MODEL_NOT_FINITE',
    () =>
      `checkFinite: tensor ${show(name)}: variances must not be negative, got ${values[at]} at index ${at}; train or convert the model again`,
  );
}

/** A folder's tensors, each checked to be finite as it passes. */
export function checkedStream({ weights }: { readonly weights: ParameterStream }): ParameterStream {
  return {
    async *tensors(borrowed) {
      for await (const tensor of weights.tensors(borrowed)) {
        checkFinite(tensor.name, tensor);
        yield tensor;
      }
    },
  };
}
