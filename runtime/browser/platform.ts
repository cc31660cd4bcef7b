// Sessions in a browser's page or worker: folders by address, WebGPU of the browser.

import { webIo } from '../../formats/model-folder/index.js';
import type { LiveSession } from '../live/live-session.js';
import { openModel, type Platform } from '../session/open.js';
import type { SessionOptions } from '../types.js';

const browser: Platform = {
  io: webIo,
  gpu: async () => (typeof navigator === 'undefined' ? undefined : navigator.gpu),
  tuningStore: async () => (await import('./tuning-store.js')).tuningDatabase(),
  // Loaded when wanted: a page with a GPU downloads none of it.
  ort: async wasmPaths => (await import('../onnxruntime.js')).loadOnnxruntime(wasmPaths),
};

/** Opens the model folder at an address. See `openModel` for the errors. */
export const openSession = (modelUrl: string, options?: SessionOptions): Promise<LiveSession> =>
  openModel(modelUrl, browser, options);
