// What a browser gives, in a page or a worker: folders by address, its WebGPU, and onnxruntime-web when wanted.

import { webIo } from '../../formats/model-folder/index.js';
import type { Platform } from '../engines/platform.js';

export const browserPlatform: Platform = {
  io: webIo,
  gpu: async () => (typeof navigator === 'undefined' ? undefined : navigator.gpu),
  tuningStore: async () => (await import('./tuning-store.js')).tuningDatabase(),
  // Loaded when wanted: a page with a GPU downloads none of it.
  ort: async wasmPaths => (await import('../onnxruntime.js')).loadOnnxruntime(wasmPaths),
};
