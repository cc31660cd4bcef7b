// What the platform gives: files, WebGPU, onnxruntime-web; and which of the two runs.

import { TmcaError } from '../errors/index.js';
import { describeAdapter, findAdapter } from '../gpu/adapter.js';
import { type GpuDevice, openDevice } from '../gpu/device.js';
import { type AdapterTraits, chooseEngine } from './engine-choice.js';
import type { FolderIo } from './model-folder/index.js';
import type { DeviceChoice, SessionOptions } from './types.js';
import type { Ort } from './wasm/network.js';
import type { TuningStore } from './webgpu/tuning-cache.js';

/** What the platform provides. */
export interface Platform {
  readonly io: FolderIo;
  /** `navigator.gpu` or Dawn; undefined where there is no WebGPU. */
  gpu(): Promise<GPU | undefined>;
  /** onnxruntime-web, loaded when first asked for; `wasmPaths` is the address of a folder that holds it. */
  ort(wasmPaths: string | undefined): Promise<Ort>;
  /** Where what was measured of an adapter is kept; nowhere if not given. */
  readonly tuningStore?: (() => Promise<TuningStore>) | undefined;
}

/** The engine that was chosen, ready for a model, and why it was. */
export type Opened =
  | { readonly device: 'webgpu'; readonly gpu: GpuDevice; readonly reason: string }
  | { readonly device: 'wasm'; readonly ort: Ort; readonly reason: string };

/** `hasty` as of `DeviceOptions`. */
type Options = Pick<SessionOptions, 'signal' | 'wasmPaths'> & { readonly hasty?: boolean };

/** A WebGPU device on any adapter, hardware first. Errors: NO_WEBGPU, NO_ADAPTER, GPU_FAILED, ABORTED. */
export const requireGpu = async (
  platform: Platform,
  signal: AbortSignal | undefined,
  hasty = false,
): Promise<GpuDevice> => openDevice({ gpu: await platform.gpu(), prefer: 'any', signal, hasty });

/** The adapter that would be opened, or null where WebGPU or an adapter for it is missing. */
async function presentAdapter(platform: Platform): Promise<AdapterTraits | null> {
  try {
    return describeAdapter(await findAdapter({ gpu: await platform.gpu(), prefer: 'any' }));
  } catch (error) {
    if (error instanceof TmcaError && (error.code === 'NO_WEBGPU' || error.code === 'NO_ADAPTER')) return null;
    throw error;
  }
}

/** Errors: those of the engine that is chosen. `auto` finds one wherever wasm runs. */
export async function openDeviceOrOrt(platform: Platform, choice: DeviceChoice, options: Options): Promise<Opened> {
  if (choice === 'webgpu') {
    const gpu = await requireGpu(platform, options.signal, options.hasty);
    return { gpu, ...chooseEngine(choice, gpu.adapter), device: 'webgpu' };
  }
  const { device, reason } = chooseEngine(choice, choice === 'wasm' ? null : await presentAdapter(platform));
  if (device === 'wasm') return loadOrt(platform, reason, options);
  return { device, gpu: await openDevice({ gpu: await platform.gpu(), signal: options.signal }), reason };
}

/** Errors: ENGINE_UNAVAILABLE, where onnxruntime-web cannot be loaded. */
export async function loadOrt(
  platform: Platform,
  reason: string,
  { wasmPaths }: Options,
): Promise<Extract<Opened, { device: 'wasm' }>> {
  try {
    return { device: 'wasm', ort: await platform.ort(wasmPaths), reason };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new TmcaError(
      'ENGINE_UNAVAILABLE',
      `loadOrt: onnxruntime-web must load, got "${why}"; bundle the page with it, or set wasmPaths to the address of its dist folder`,
      { cause },
    );
  }
}
