// What the wasm engine says of itself, where a GPU would name its adapter; its precision; and how many threads it gets.

import type { AdapterSummary, DType, DTypeChoice } from '../../types.js';
import type { PrecisionChoice } from '../choice.js';
import type { Ort } from './network.js';

/** More gain little on networks of this size, and a page has other work. */
const MOST_THREADS = 4;

/** Threads need shared memory, which a page has only where it is isolated from other origins (COOP and COEP headers). */
function threadsFor(cores: number): number {
  const shared = typeof SharedArrayBuffer !== 'undefined' && globalThis.crossOriginIsolated !== false;
  return shared ? Math.max(1, Math.min(MOST_THREADS, Math.ceil(cores / 2))) : 1;
}

/** Sets the number of threads, before the first model is opened: half the logical cores, as the others share their units. */
export function settleThreads(ort: Ort, cores: number): Ort {
  ort.env.wasm.numThreads ??= threadsFor(cores);
  return ort;
}

/** Threads that could not be started are no longer counted once a model has been opened. */
export function wasmAdapter({ env }: Ort): AdapterSummary {
  const threads = env.wasm.numThreads ?? 1;
  return {
    vendor: 'onnxruntime',
    architecture: 'wasm',
    description: `onnxruntime-web ${env.versions.web ?? ''} on the CPU, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    software: true,
    features: threads > 1 ? ['simd', 'threads'] : ['simd'],
  };
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
