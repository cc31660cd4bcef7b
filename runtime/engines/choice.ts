// Which engine and precision run, and why: said in `stats()`, in `devices` and in the JSON, never left to be guessed.

import type { Int8Passes } from '../../graph/passes/index.js';
import type { DeviceChoice, DType, DTypeChoice } from '../types.js';

/** What of an adapter decides. */
export interface AdapterTraits {
  readonly vendor: string;
  readonly architecture: string;
  /** Empty in most browsers. */
  readonly description: string;
  /** Runs on the CPU. */
  readonly software: boolean;
}

export interface EngineChoice {
  readonly device: 'webgpu' | 'wasm';
  readonly reason: string;
}

/**
 * `auto` takes WebGPU where its adapter is hardware, else wasm: onnxruntime's kernels are made for a CPU, an adapter that runs on
 * one imitates a GPU with it. By name, any adapter is taken.
 *
 * @param found the adapter that would be opened; where there is none, why, or null where none was looked for
 */
export function chooseEngine(choice: DeviceChoice, found: AdapterTraits | string | null): EngineChoice {
  if (choice === 'wasm') return { device: 'wasm', reason: 'wasm was asked for' };
  const adapter = typeof found === 'string' ? null : found;
  const name = adapter && nameOf(adapter);
  if (choice === 'webgpu') {
    return { device: 'webgpu', reason: `webgpu was asked for; the adapter is ${name ?? 'not there'}` };
  }
  if (adapter?.software === false) return { device: 'webgpu', reason: `a hardware adapter is present: ${name}` };
  const why = adapter
    ? `there is no hardware adapter, only ${name}, which runs on the CPU`
    : (found ?? 'there is no WebGPU adapter');
  return { device: 'wasm', reason: `${why}; wasm runs instead` };
}

/** Why WebGPU runs what runs nowhere else (training), on any adapter. */
export function engineReason(choice: DeviceChoice, adapter: AdapterTraits): string {
  const name = nameOf(adapter);
  if (choice === 'webgpu') return `webgpu was asked for; the adapter is ${name}`;
  if (!adapter.software) return `a hardware adapter is present: ${name}`;
  return `no hardware adapter is present; the software adapter ${name} runs, slowly, on the CPU`;
}

const nameOf = ({ description, vendor, architecture }: AdapterTraits): string =>
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
 * not quantised. Which parameters those are is the loader's to say (runtime/engines/stored-weights.ts).
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

/**
 * In wasm all arithmetic is fp32, whatever the weights were rounded to when the folder was written: `dtype` names that, and
 * another is not made of them.
 */
export function chooseWasmPrecision(choice: DTypeChoice, stored: DType): Pick<PrecisionChoice, 'dtype' | 'reason'> {
  const dtype = choice === 'fp32' ? 'fp32' : stored;
  if (choice === 'auto') {
    const arithmetic = stored === 'fp32' ? '' : '; in wasm its arithmetic is fp32';
    return { dtype, reason: `the model is stored in ${stored}${arithmetic}` };
  }
  if (choice === 'fp32') return { dtype, reason: 'fp32 was asked for' };
  const kept = choice === stored ? '' : ` on weights as they are stored, ${stored}`;
  return { dtype, reason: `${choice} was asked for; in wasm arithmetic is fp32${kept}` };
}
