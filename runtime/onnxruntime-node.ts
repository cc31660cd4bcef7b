// The package's copy of onnxruntime-web, for Node. Like `onnxruntime.ts`, it lies as deep as the built files do.

import type { Ort } from './engines/wasm/network.js';
import { importAddress } from './import-address.js';

export const loadOnnxruntime = (): Promise<Ort> =>
  importAddress(new URL('../onnxruntime/ort.node.min.mjs', import.meta.url).href);
