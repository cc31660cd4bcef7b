// What the platform gives: files, WebGPU, onnxruntime-web.

import type { FolderIo } from '../../formats/model-folder/index.js';
import { type AdapterInfo, describeAdapter, findAdapter, isGpuAbsence } from '../../gpu/adapter.js';
import type { SessionOptions } from '../types.js';
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

/** `hasty` as of `DeviceOptions`. */
export type EngineOptions = Pick<SessionOptions, 'signal' | 'wasmPaths'> & { readonly hasty?: boolean };

/** The adapter that would be opened, or why there is none. */
export async function presentAdapter(platform: Pick<Platform, 'gpu'>): Promise<AdapterInfo | string> {
  try {
    return describeAdapter(await findAdapter({ gpu: await platform.gpu(), prefer: 'any' }));
  } catch (error) {
    if (!isGpuAbsence(error)) throw error;
    return error.code === 'PACKAGE_MISSING' ? 'the package webgpu is not installed' : 'there is no WebGPU adapter';
  }
}
