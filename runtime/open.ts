// From a model folder to a session: the one path that Node, the browser's worker and the command share.

import type { Assembly } from '../assembly/index.js';
import { loadAssembly } from '../assembly/instance.js';
import { Vocabulary } from '../assembly/wordpiece.js';
import { check, throwIfAborted } from '../errors/index.js';
import type { GpuDevice } from '../gpu/device.js';
import type { Config } from '../model/config.js';
import type { TrainingOptions } from '../model/training.js';
import { choosePrecision, chooseWasmPrecision, engineReason } from './engine-choice.js';
import { fillStream } from './fill.js';
import type { GradientRun, TrainingInputs } from './gradients.js';
import { expectedParameters, type ForwardInputs, type ForwardRun, runForward } from './inspect.js';
import type { ParameterStream } from './load-constants.js';
import {
  checkedStream,
  checkTensors,
  type ModelFiles,
  type ModelFolder,
  openModelFolder,
  readModelFiles,
} from './model-folder/index.js';
import { type EngineReport, type NetworkEngine, NetworkSession } from './network-session.js';
import { loadOrt, type Opened, openDeviceOrOrt, type Platform, requireGpu } from './platform.js';
import { RecoveringSession } from './recovering-session.js';
import { hasWideActivations, realParameters, type StoredWeights, storedWeights } from './stored-weights.js';
import type { AdapterSummary, DType, DTypeChoice, Session, SessionInfo, SessionOptions } from './types.js';
import { WebGpuEngine } from './webgpu/engine.js';

export type { Platform } from './platform.js';

type Described = ModelFiles & { readonly hash: () => string | null };

interface Choice {
  readonly device: 'webgpu' | 'wasm';
  readonly dtype: DType;
  readonly reason: string;
}

const choiceOf = (
  { device, reason }: Opened,
  precision: { readonly dtype: DType; readonly reason: string },
): Choice => ({ device, dtype: precision.dtype, reason: `${reason}; ${precision.reason}` });

/** Asked when the parameters are loaded: the model's hash is known then. */
function describe({ config, hash }: Described, choice: Choice, adapter: AdapterSummary): SessionInfo {
  const { vendor, architecture, description, software, features } = adapter;
  return {
    ...choice,
    adapter: { vendor, architecture, description, software, features },
    model: {
      name: config.name,
      hash: hash() ?? '',
      imageSize: config.imageSize,
      maxTextLength: config.maxTextLength,
    },
  };
}

/**
 * Opens a model folder on an engine. Everything is checked before anything is allocated on a device. A lost device is
 * replaced by a new one, and what it failed is run again (runtime/recovering-session.ts); where none comes, `auto` goes on in wasm.
 *
 * @param location path or address of a model folder
 * @throws TmcaError of the folder (FILE_NOT_FOUND, CONFIG_INVALID, SAFETENSORS_INVALID, MODEL_INCOMPLETE, MODEL_MISMATCH,
 *   MODEL_NOT_FINITE, MANIFEST_MISMATCH, VOCABULARY_INVALID, DOWNLOAD_FAILED), of the engine (NO_WEBGPU, NO_ADAPTER,
 *   GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST, ENGINE_UNAVAILABLE, ENGINE_FAILED), UNSUPPORTED, ABORTED
 */
export async function openModel(location: string, platform: Platform, options: SessionOptions = {}): Promise<Session> {
  const first = await openOnce(location, platform, options);
  // A reopening is nobody's loading: it has no progress to show, and the signal was for the first one.
  const { signal: _, onProgress: __, ...again } = options;
  const last = (options.device ?? 'auto') === 'auto' ? () => openOnce(location, platform, again, GIVEN_UP) : undefined;
  return new RecoveringSession(first, () => openOnce(location, platform, again), last ? { last } : {});
}

const GIVEN_UP = 'the GPU was lost again and again, and wasm took over';

/** @param lost why no GPU is to be tried any more */
async function openOnce(
  location: string,
  platform: Platform,
  options: SessionOptions,
  lost?: string,
): Promise<Session> {
  const { device = 'auto', dtype = 'auto', signal, onProgress } = options;
  const folder = await openModelFolder(location, platform.io, { ...(signal ? { signal } : {}) });
  let vocabulary: Vocabulary | null = null;
  let opened: Opened | undefined;
  try {
    const { config } = folder;
    checkTensors(folder.weights.header, expectedParameters(config), `${location}/model.safetensors`);
    const assembly = await loadAssembly();
    vocabulary = folder.vocab && new Vocabulary(assembly, folder.vocab);
    throwIfAborted(signal, 'openModel');
    opened =
      lost === undefined ? await openDeviceOrOrt(platform, device, options) : await loadOrt(platform, lost, options);
    const loading = { folder, assembly, config, signal, onProgress };
    const { engine, choice, adapter } = await startEngine(opened, dtype, loading);
    onProgress?.({ phase: 'ready', loaded: 1, total: 1 });
    const info = describe(folder, choice, adapter);
    return new NetworkSession({ info, config, assembly, vocabulary, engine });
  } catch (error) {
    vocabulary?.dispose();
    if (opened?.device === 'webgpu') opened.gpu.dispose();
    throw error;
  } finally {
    await folder.close();
  }
}

interface Loading {
  readonly folder: ModelFolder;
  readonly assembly: Assembly;
  readonly config: Config;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: SessionOptions['onProgress'];
}

interface Started {
  readonly engine: NetworkEngine<EngineReport>;
  readonly choice: Choice;
  readonly adapter: AdapterSummary;
}

async function startEngine(opened: Opened, dtype: DTypeChoice, loading: Loading): Promise<Started> {
  const { config, folder } = loading;
  if (opened.device === 'webgpu') {
    const { gpu } = opened;
    const weights = await weightsOf(config, folder, dtype, gpu);
    const engine = await WebGpuEngine.create({ ...loading, ...weights, gpu });
    return { engine, choice: choiceOf(opened, weights.precision), adapter: gpu.adapter };
  }
  // Imported when wanted, as onnxruntime-web is: a page with a GPU downloads neither.
  const [{ WasmEngine }, { wasmAdapter }] = await Promise.all([import('./wasm/engine.js'), import('./wasm/facts.js')]);
  const parameters = await realParameters(folder?.weights.header ?? null, streamOf(config, folder));
  const engine = await WasmEngine.create({ ...loading, parameters, ort: opened.ort });
  const choice = choiceOf(opened, chooseWasmPrecision(dtype, config.dtype));
  return { engine, choice, adapter: wasmAdapter(opened.ort) };
}

/** Precision and parameters of a folder, or of one whose parameters are computed, on a device. */
function weightsOf(
  config: Config,
  folder: ModelFolder | null,
  dtype: DTypeChoice,
  { features }: GpuDevice,
): Promise<StoredWeights> {
  const precision = choosePrecision(dtype, config.dtype, features.f16, hasWideActivations(config));
  return storedWeights(config, folder?.weights.header ?? null, precision, streamOf(config, folder));
}

const streamOf = (config: Config, folder: ModelFolder | null): ParameterStream =>
  folder ? checkedStream(folder) : fillStream(expectedParameters(config));

export interface InspectOptions extends SessionOptions {
  /** Parameters from golden.py's `fill` instead of a file. */
  readonly fill?: boolean;
}

/** A forward run, and what it ran on. */
export interface InspectedForward extends ForwardRun {
  readonly info: SessionInfo;
}

/** A run of a model's gradients, and what it ran on. */
export interface InspectedGradients extends GradientRun {
  readonly info: SessionInfo;
}

/** A whole network, for one run. */
interface OpenedNetwork {
  readonly assembly: Assembly;
  readonly config: Config;
  /** Null where parameters are computed. */
  readonly folder: ModelFolder | null;
}

/** Opens a model folder for the time of `run`, which tells what it ran on. */
async function withNetwork<R extends object>(
  location: string,
  platform: Platform,
  { fill = false, signal }: InspectOptions,
  run: (network: OpenedNetwork) => Promise<{ result: R; choice: Choice; adapter: AdapterSummary }>,
): Promise<R & { readonly info: SessionInfo }> {
  const folder = fill ? null : await openModelFolder(location, platform.io, { ...(signal ? { signal } : {}) });
  try {
    const files = folder ?? { ...(await readModelFiles(location, platform.io)), hash: () => null };
    const { config } = files;
    if (folder) checkTensors(folder.weights.header, expectedParameters(config), `${location}/model.safetensors`);
    const { result, choice, adapter } = await run({ assembly: await loadAssembly(), config, folder });
    // After the run: the model's hash is known once all of it has been read.
    return { ...result, info: describe(files, choice, adapter) };
  } finally {
    await folder?.close();
  }
}

/** Every checkpointed output of a model for inputs of any batch and text length. Throws as `openModel`, and BAD_ARGUMENT. */
export function inspectForward(
  location: string,
  platform: Platform,
  inputs: ForwardInputs,
  options: InspectOptions = {},
): Promise<InspectedForward> {
  const { device = 'auto', dtype = 'auto', signal, onProgress } = options;
  return withNetwork(location, platform, options, async ({ assembly, config, folder }) => {
    const opened = await openDeviceOrOrt(platform, device, options);
    const given = { signal, onProgress };
    if (opened.device === 'wasm') {
      const { runForwardInWasm } = await import('./wasm/inspect.js');
      const { wasmAdapter } = await import('./wasm/facts.js');
      const parameters = await realParameters(folder?.weights.header ?? null, streamOf(config, folder));
      const result = await runForwardInWasm(opened.ort, assembly, config, inputs, parameters, given);
      const choice = choiceOf(opened, chooseWasmPrecision(dtype, config.dtype));
      return { result, choice, adapter: wasmAdapter(opened.ort) };
    }
    using gpu = opened.gpu;
    const { precision, parameters } = await weightsOf(config, folder, dtype, gpu);
    const result = await runForward(gpu, assembly, config, inputs, precision, parameters, given);
    return { result, choice: choiceOf(opened, precision), adapter: gpu.adapter };
  });
}

export interface InspectGradientsOptions extends InspectOptions, TrainingOptions {}

/**
 * Every parameter's gradient of the training loss, for inputs of any batch and text length. On WebGPU, whatever adapter
 * there is, and in fp32, whatever the file's dtype. Throws as `openModel`, BAD_ARGUMENT, UNSUPPORTED for another dtype and for wasm.
 */
export async function inspectGradients(
  location: string,
  platform: Platform,
  inputs: TrainingInputs,
  options: InspectGradientsOptions = {},
): Promise<InspectedGradients> {
  const { device = 'auto', dtype = 'auto', freezeText = false, signal, onProgress } = options;
  check(
    dtype === 'auto' || dtype === 'fp32',
    'UNSUPPORTED',
    `inspectGradients: training must run in fp32, got ${dtype}; leave the dtype out`,
  );
  check(
    device !== 'wasm',
    'UNSUPPORTED',
    'inspectGradients: training must run on WebGPU, got wasm; use --device webgpu',
  );
  // Imported when wanted: a page that segments downloads nothing of training.
  const { runGradients } = await import('./gradients.js');
  return withNetwork(location, platform, options, async ({ assembly, config, folder }) => {
    using gpu: GpuDevice = await requireGpu(platform, signal);
    const { parameters } = await weightsOf(config, folder, 'fp32', gpu);
    const given = { freezeText, signal, onProgress };
    const result = await runGradients(gpu, assembly, config, inputs, parameters, given);
    const reason = `${engineReason(device, gpu.adapter)}; training runs in fp32`;
    return { result, choice: { device: 'webgpu', dtype: 'fp32', reason }, adapter: gpu.adapter };
  });
}
