// The benchmark in a page: this package and onnxruntime-web's WebGPU in turn, on one adapter. tools/bench-page.mjs opens it.

import { agreement } from '../../devices/agreement.js';
import { alternate } from '../../devices/alternate.js';
import { madeInputs } from '../../devices/inputs.js';
import { OurRunner } from '../../devices/ours.js';
import { type OrtModule, OrtRunner } from '../../devices/peers/ort.js';
import { readModelFiles, webIo } from '../../runtime/model-folder/index.js';
import type { DTypeChoice } from '../../runtime/types.js';

export interface PageOptions {
  /** Addresses on this page's server. */
  readonly model: string;
  readonly onnx: string;
  /** Folder of onnxruntime-web's files. */
  readonly ort: string;
  readonly dtype: DTypeChoice;
  readonly frames: number;
  readonly seconds: number;
  readonly version: string;
}

async function benchInPage({ model, onnx, ort: files, dtype, frames, seconds, version }: PageOptions) {
  const ort = (await import(/* @vite-ignore */ `${files}/ort.webgpu.bundle.min.mjs`)) as OrtModule & {
    readonly env: { readonly wasm: { wasmPaths: string } };
  };
  ort.env.wasm.wasmPaths = `${files}/`;
  const { config } = await readModelFiles(model, webIo);
  const inputs = madeInputs(config);
  const platform = { io: webIo, gpu: async () => navigator.gpu, ort: () => Promise.reject(new Error('not used here')) };
  const ours = new OurRunner({ model, platform, device: 'webgpu', dtype, fill: false, version, inputs });
  const models = { image: `${onnx}/image.onnx`, text: `${onnx}/text.onnx` };
  const peer = new OrtRunner({ ort, name: 'onnxruntime-web webgpu', provider: 'webgpu', models, inputs });
  const onProgress = (what: string, done: number, total: number) => console.log(`${what} ${done}/${total}`);
  const { results, ratio } = await alternate([ours, peer], { rounds: frames, budgetMs: 1000 * seconds, onProgress });
  const [mine, theirs] = results;
  const { adapter, dtype: ran, model: of } = ours.info;
  const { dispatches, gpuBytes } = ours.stats();
  const told = { frame: mine!.frame, text: mine!.text, cold: mine!.cold };
  const result = {
    adapter,
    model: of.name,
    dtype: ran,
    ours: { ...told, dispatches: dispatches.frame, gpu_bytes: gpuBytes },
    peer: { name: peer.name, version: peer.version, frame: theirs!.frame, text: theirs!.text, cold: theirs!.cold },
    ratio,
    agreement: agreement(mine!.logits, theirs!.logits),
    userAgent: navigator.userAgent,
  };
  await ours.dispose();
  await peer.dispose();
  return result;
}

Object.assign(window, { benchInPage });
