// What a page may ask of a Segmenter.

import type { DeviceChoice, DTypeChoice, IntegrityChoice, Progress, StoreChoice } from '../types.js';
import type { ModelFilesGiven } from './given-model.js';
import type { WorkerLike } from './worker/link.js';
import type { WatchdogOptions } from './worker/watchdog.js';

/** What `Segmenter.create` takes. */
export interface SegmenterOptions {
  /**
   * Address of a model folder (config.json, model.safetensors, vocab.txt, manifest.json), relative to the page; or its files: a
   * list of them, or an object such as `{ 'config.json': blob, 'model.safetensors': bytes }`.
   */
  readonly model: string | URL | ModelFilesGiven;
  /**
   * `auto` (default): the browser keeps the files of a model that is named by its address, so that they are fetched once and there
   * without a network; see `info.store`. `Segmenter.forget` removes them. `off`: nothing is kept or taken from what was.
   */
  readonly store?: StoreChoice;
  /**
   * `auto` (default) takes a hardware adapter, else wasm; why is said in `info.reason`. `webgpu` takes a software adapter too.
   */
  readonly device?: DeviceChoice;
  /** `auto` (default) runs a model at the precision it is stored in; see `info.dtype`. `int8` is refused in this version. */
  readonly dtype?: DTypeChoice;
  /**
   * True (default): on hardware, kernels are fitted to the adapter by measuring, for at most two seconds, and the result is kept in
   * IndexedDB for the next time. False: a profile of the adapter's kind decides.
   */
  readonly tune?: boolean;
  /**
   * Address of a folder with the files of onnxruntime-web, relative to the page, for the wasm engine: this package's folder
   * `onnxruntime`, or that package's `dist`. Needed only where they are not served from where a bundler put them, or from beside `dist`.
   */
  readonly wasmPaths?: string | URL;
  /** `required`: a model whose files cannot all be checked, for want of a manifest.json, is refused (MODEL_UNCHECKED). */
  readonly integrity?: IntegrityChoice;
  /** Stops loading. */
  readonly signal?: AbortSignal;
  /** Called while files arrive and pipelines compile. */
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Makes the worker: for bundlers that must see the call, for a content security policy.
   * The Segmenter owns what it returns and terminates it. Default: `worker.js` of this package, beside this file.
   * Vite's development server moves that file away from it unless `optimizeDeps: { exclude: ['tmca-edge'] }` is set.
   */
  readonly worker?: () => WorkerLike;
  /** When to give up a worker that hangs. */
  readonly watchdog?: WatchdogOptions;
}

/** Kinds of those that are checked by their kind. */
export const KINDS = {
  tune: 'boolean',
  wasmPaths: 'address',
  signal: 'AbortSignal',
  onProgress: 'function',
  worker: 'function',
  watchdog: 'record',
} as const;

/** Whether a model is given as files: it is neither an address nor nothing. */
export const isFiles = (model: unknown): boolean =>
  typeof model === 'object' && model !== null && !(model instanceof URL);
