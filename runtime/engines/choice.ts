// Which precision runs, and why: said in `stats()`, in `devices` and in the JSON, never left to be guessed.

import type { Int8Passes } from '../../graph/passes/index.js';
import type { DType, DTypeChoice } from '../types.js';

/** What of an adapter decides. */
export interface AdapterTraits {
  readonly vendor: string;
  readonly architecture: string;
  /** Empty in most browsers. */
  readonly description: string;
  /** Runs on the CPU. */
  readonly software: boolean;
}

export const nameOf = ({ description, vendor, architecture }: AdapterTraits): string =>
  description || [vendor, architecture].filter(Boolean).join(' ') || 'unnamed';

export interface PrecisionChoice {
  readonly dtype: DType;
  /** Storage of weights and of activations on the device. */
  readonly weights: 'f32' | 'f16';
  readonly activations: 'f32' | 'f16';
  /** Where parameters are whole numbers with scales; the others are stored as `weights` says. */
  readonly int8?: Int8Passes | undefined;
  /** Parameters that f16 cannot hold; weights made from them are stored in f32. */
  readonly wide?: ReadonlySet<string> | undefined;
  readonly reason: string;
}

/**
 * `auto` runs a model at the precision it is stored in. fp16 on a device without shader-f16 keeps weights in f16 and does
 * its arithmetic and activations in f32. int8 is fp16 with whole numbers for the weights of matrix products: activations are
 * not quantized. Which parameters those are is the loader's to say (runtime/engines/stored-weights.ts).
 *
 * @param wideActivations the model has activations that f16 cannot hold (`"activations": "fp32"` of its config.json)
 */
export function choosePrecision(
  choice: DTypeChoice,
  stored: DType,
  shaderF16: boolean,
  wideActivations = false,
): PrecisionChoice {
  const dtype = choice === 'auto' ? stored : choice;
  const why = choice === 'auto' ? `the model is stored in ${stored}` : `${dtype} was asked for`;
  if (dtype === 'fp32') return { dtype, weights: 'f32', activations: 'f32', reason: why };
  if (shaderF16 && !wideActivations)
    return { dtype, weights: 'f16', activations: 'f16', reason: `${why}; the device has shader-f16` };
  const cause = wideActivations ? "with this model's activations, which f16 cannot hold," : 'without shader-f16';
  const reason = `${why}; ${cause} weights stay ${dtype === 'int8' ? 'int8 and f16' : 'f16'} in memory and arithmetic is f32`;
  return { dtype, weights: 'f16', activations: 'f32', reason };
}
