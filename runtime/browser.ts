// Sessions in a browser's page or worker: folders by address, WebGPU of the browser.

import { webIo } from './model-folder/index.js';
import { openModel, type Platform } from './open.js';
import type { Session, SessionOptions } from './types.js';
import type { Ort } from './wasm/network.js';

const browser: Platform = {
  io: webIo,
  gpu: async () => (typeof navigator === 'undefined' ? undefined : navigator.gpu),
  tuningStore: async () => (await import('./tuning-database.js')).tuningDatabase(),
  async ort(wasmPaths) {
    const ort = wasmPaths === undefined ? await bundledOrt() : await servedOrt(wasmPaths);
    const { settleThreads } = await import('./wasm/facts.js');
    return settleThreads(ort, navigator.hardwareConcurrency);
  },
};

/** For bundlers, which take the wasm file along. Without one, the name of the package means nothing to a browser. */
const bundledOrt = (): Promise<Ort> => import('onnxruntime-web/wasm');

async function servedOrt(wasmPaths: string): Promise<Ort> {
  const folder = wasmPaths.endsWith('/') ? wasmPaths : `${wasmPaths}/`;
  const ort: Ort = await import(/* @vite-ignore */ /* webpackIgnore: true */ `${folder}ort.wasm.min.mjs`);
  ort.env.wasm.wasmPaths = folder;
  return ort;
}

/** Opens the model folder at an address. See `openModel` for the errors. */
export const openSession = (modelUrl: string, options?: SessionOptions): Promise<Session> =>
  openModel(modelUrl, browser, options);
