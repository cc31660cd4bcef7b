// What Node gives to the runtime: files on disk, Dawn, onnxruntime-web's copy.

import { availableParallelism } from 'node:os';
import { nodeGpu } from '../gpu/node.js';
import type { Platform } from '../runtime/engines/platform.js';
import { settleThreads } from '../runtime/engines/wasm/facts.js';
import { loadOnnxruntime } from '../runtime/onnxruntime-node.js';
import { nodeIo } from './model-folder/folder.js';

export const nodePlatform: Platform = {
  io: nodeIo,
  gpu: () => nodeGpu(),
  tuningStore: async () => (await import('./disk/tuning-store.js')).tuningFiles(),
  ort: async () => settleThreads(await loadOnnxruntime(), availableParallelism()),
};
