// Which engine and precision run, and why: said in `stats()`, in `devices` and in the JSON, never left to be guessed.

import { TmcaError } from '../errors/index.js';
import type { DeviceChoice, DType, DTypeChoice } from './types.js';

/** What is known of the machine before a device is opened. */
export interface AdapterPresence {
  /** The best WebGPU adapter, or why there is none. */
  readonly adapter: { readonly description: string; readonly software: boolean } | null;
  readonly why?: string;
}

export interface EngineChoice {
  readonly device: 'webgpu';
  readonly reason: string;
}

/**
 * `auto` takes a hardware adapter where there is one. Until a wasm engine is built in, a software adapter is the only
 * other way to run, and is taken with a word about it.
 *
 * @throws TmcaError NO_ADAPTER, ENGINE_UNAVAILABLE
 */
export function chooseEngine(choice: DeviceChoice, { adapter, why }: AdapterPresence): EngineChoice {
  if (choice === 'wasm') {
    throw new TmcaError(
      'ENGINE_UNAVAILABLE',
      'chooseEngine: this version runs on WebGPU only, got device wasm; use --device webgpu (a software adapter will do)',
    );
  }
  if (!adapter) {
    throw new TmcaError(
      'NO_ADAPTER',
      why ??
        'chooseEngine: a WebGPU adapter must be present, got none; install a graphics driver (Debian without a GPU: npm run setup)',
    );
  }
  const { description, software } = adapter;
  if (choice === 'webgpu') return { device: 'webgpu', reason: `webgpu was asked for; the adapter is ${description}` };
  if (!software) return { device: 'webgpu', reason: `a hardware adapter is present: ${description}` };
  return {
    device: 'webgpu',
    reason: `no hardware adapter is present; the software adapter ${description} runs, slowly, on the CPU`,
  };
}

export interface PrecisionChoice {
  readonly dtype: DType;
  /** Storage of weights and of activations on the device. */
  readonly weights: 'f32' | 'f16';
  readonly activations: 'f32' | 'f16';
  readonly reason: string;
}

/**
 * `auto` runs a model at the precision it is stored in. fp16 on a device without shader-f16 keeps weights in f16 and does
 * its arithmetic and activations in f32.
 *
 * @throws TmcaError UNSUPPORTED for int8
 */
export function choosePrecision(choice: DTypeChoice, stored: DType, shaderF16: boolean): PrecisionChoice {
  const dtype = choice === 'auto' ? stored : choice;
  if (dtype === 'int8') {
    throw new TmcaError('UNSUPPORTED', 'choosePrecision: this version runs fp32 and fp16, got int8; use --dtype fp16');
  }
  const why = choice === 'auto' ? `the model is stored in ${stored}` : `${dtype} was asked for`;
  if (dtype === 'fp32') return { dtype, weights: 'f32', activations: 'f32', reason: why };
  if (shaderF16) return { dtype, weights: 'f16', activations: 'f16', reason: `${why}; the device has shader-f16` };
  return {
    dtype,
    weights: 'f16',
    activations: 'f32',
    reason: `${why}; without shader-f16 weights stay f16 in memory and arithmetic is f32`,
  };
}
