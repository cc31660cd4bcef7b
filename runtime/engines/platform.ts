// What the platform gives: files, WebGPU, onnxruntime-web; and which of the two runs.

import { TmcaError } from '../../errors/index.js';
import type { FolderIo } from '../../formats/model-folder/index.js';
import { describeAdapter, findAdapter, isGpuAbsence } from '../../gpu/adapter.js';
import type { GpuDevice } from '../../gpu/device.js';
import { openDevice } from '../../gpu/open-device.js';
import type { DeviceChoice, SessionOptions } from '../types.js';
import { type AdapterTraits, chooseEngine } from './choice.js';
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

/** The adapter that would be opened, or why there is none. */
async function presentAdapter(platform: Platform): Promise<AdapterTraits | string> {
  try {
    return describeAdapter(await findAdapter({ gpu: await platform.gpu(), prefer: 'any' }));
  } catch (error) {
    if (!isGpuAbsence(error)) throw error;
    return error.code === 'PACKAGE_MISSING' ? 'the package webgpu is not installed' : 'there is no WebGPU adapter';
  }
}

type WasmOpened = Extract<Opened, { device: 'wasm' }>;

/** The engine that was chosen; a GPU is still to be opened. */
export type Prepared = WasmOpened | { readonly device: 'webgpu'; open(): Promise<Opened> };

/**
 * Chooses the engine. Wasm is loaded by then: whether it can run is known before weights are fetched for it.
 * Errors: those of wasm, where that is chosen. `auto` finds an engine wherever wasm runs.
 */
export async function prepareEngine(platform: Platform, choice: DeviceChoice, options: Options): Promise<Prepared> {
  if (choice === 'webgpu') {
    const open = async (): Promise<Opened> => {
      const gpu = await requireGpu(platform, options.signal, options.hasty);
      return { gpu, ...chooseEngine(choice, gpu.adapter), device: 'webgpu' };
    };
    return { device: 'webgpu', open };
  }
  const { device, reason } = chooseEngine(choice, choice === 'wasm' ? null : await presentAdapter(platform));
  if (device === 'wasm') return loadOrt(platform, reason, options);
  const open = async (): Promise<Opened> => {
    const gpu = await openDevice({ gpu: await platform.gpu(), signal: options.signal });
    return { device, gpu, reason };
  };
  return { device, open };
}

/** Errors: those of the engine. */
export const openPrepared = (prepared: Prepared): Opened | Promise<Opened> =>
  prepared.device === 'wasm' ? prepared : prepared.open();

/** Errors: those of the engine that is chosen. */
export const openDeviceOrOrt = async (platform: Platform, choice: DeviceChoice, options: Options): Promise<Opened> =>
  openPrepared(await prepareEngine(platform, choice, options));

/** Errors: ENGINE_UNAVAILABLE, where onnxruntime-web cannot be loaded, or may not run. */
export async function loadOrt(platform: Platform, reason: string, { wasmPaths }: Options): Promise<WasmOpened> {
  try {
    return { device: 'wasm', ort: await platform.ort(wasmPaths), reason };
  } catch (cause) {
    if (cause instanceof TmcaError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const todo = "serve the package's folder onnxruntime, and set wasmPaths to its address";
    throw new TmcaError('ENGINE_UNAVAILABLE', `loadOrt: onnxruntime-web must load, got "${why}"; ${todo}`, { cause });
  }
}
