// What Node gives to the runtime: files on disk, Dawn, onnxruntime-web's copy.

import { availableParallelism } from 'node:os';
import { nodeGpu } from '../../gpu/node.js';
import { loadOnnxruntime } from '../onnxruntime-node.js';
import type { Platform } from '../platform.js';
import { settleThreads } from '../wasm/facts.js';
import { nodeIo } from './folder.js';

export const nodePlatform: Platform = {
  io: nodeIo,
  gpu: () => nodeGpu(),
  tuningStore: async () => (await import('./tuning-files.js')).tuningFiles(),
  ort: async () => settleThreads(await loadOnnxruntime(), availableParallelism()),
};
