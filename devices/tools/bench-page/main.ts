// The benchmark in a page: this package and onnxruntime-web's WebGPU in turn, on one adapter. devices/tools/bench-page.mjs opens it.

import { readModelFiles, webIo } from '../../../formats/model-folder/index.js';
import type { DTypeChoice } from '../../../runtime/types.js';
import { alternate } from '../../alternate.js';
import { madeInputs } from '../../inputs.js';
import { OurRunner } from '../../ours.js';
import { exportedModels, type OrtModule, OrtRunner } from '../../peers/ort.js';
import { resultOf } from '../../result.js';
import { measureRoofline } from '../../roofline.js';
import { type LiveOptions, openLive } from './live.js';

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

/** onnxruntime-web from the folder of its files. */
async function loadOrt(files: string): Promise<OrtModule> {
  const ort = (await import(/* @vite-ignore */ `${files}/ort.webgpu.bundle.min.mjs`)) as OrtModule & {
    readonly env: { readonly wasm: { wasmPaths: string } };
  };
  ort.env.wasm.wasmPaths = `${files}/`;
  return ort;
}

async function benchInPage({ model, onnx, ort: files, dtype, frames, seconds, version }: PageOptions) {
  const ort = await loadOrt(files);
  const { config } = await readModelFiles(model, webIo);
  const inputs = madeInputs(config);
  const platform = { io: webIo, gpu: async () => navigator.gpu, ort: () => Promise.reject(new Error('not used here')) };
  const ours = new OurRunner({ model, platform, device: 'webgpu', dtype, fill: false, version, inputs });
  const models = exportedModels(onnx, inputs);
  const peer = new OrtRunner({ ort, name: 'onnxruntime-web webgpu', provider: 'webgpu', models, inputs });
  const onProgress = (what: string, done: number, total: number) => console.log(`${what} ${done}/${total}`);
  const comparison = await alternate([ours, peer], { rounds: frames, budgetMs: 1000 * seconds, onProgress });
  const roofline = ours.gpu && (await measureRoofline(ours.gpu));
  const profiles = await ours.profile();
  // it was exported at the precision that runs here
  const side = { runner: peer, dtype: ours.info.dtype };
  const result = {
    ...resultOf({ ours, inputs, peer: side, comparison, roofline, profiles }),
    userAgent: navigator.userAgent,
  };
  await ours.dispose();
  await peer.dispose();
  return result;
}

/** Leaves both sides open on the page, as `live`. */
async function openLiveBench({ ort, ...options }: LiveOptions & Pick<PageOptions, 'ort'>) {
  const live = await openLive(await loadOrt(ort), options);
  Object.assign(window, { live });
  return live.info;
}

Object.assign(window, { benchInPage, openLiveBench });
