// From a model folder to a session: the one path that Node, the browser's worker and the command share.

import type { Assembly } from '../assembly/index.js';
import { loadAssembly } from '../assembly/instance.js';
import { Vocabulary } from '../assembly/wordpiece.js';
import { check, throwIfAborted } from '../errors/index.js';
import { type GpuDevice, openDevice } from '../gpu/device.js';
import type { Config } from '../model/config.js';
import type { TrainingOptions } from '../model/training.js';
import { checkEngine, choosePrecision, engineReason, type PrecisionChoice } from './engine-choice.js';
import { expectedParameters } from './expected-parameters.js';
import type { GradientRun, TrainingInputs } from './gradients.js';
import type { ForwardInputs, ForwardRun } from './inspect.js';
import {
  checkedStream,
  checkTensors,
  type FolderIo,
  type ModelFiles,
  type ModelFolder,
  openModelFolder,
  readModelFiles,
} from './model-folder/index.js';
import { RecoveringSession } from './recovering-session.js';
import { hasWideActivations, type StoredWeights, storedWeights } from './stored-weights.js';
import type { DeviceChoice, DTypeChoice, Session, SessionInfo, SessionOptions } from './types.js';
import type { ParameterStream } from './webgpu/encode.js';
import { WebGpuSession } from './webgpu/session.js';

/** What the platform provides. */
export interface Platform {
  readonly io: FolderIo;
  /** `navigator.gpu` or Dawn; undefined where there is no WebGPU. */
  gpu(): Promise<GPU | undefined>;
}

interface OpenedDevice {
  readonly gpu: GpuDevice;
  readonly reason: string;
}

async function openGpu(
  platform: Platform,
  choice: DeviceChoice,
  signal: AbortSignal | undefined,
): Promise<OpenedDevice> {
  checkEngine(choice);
  const gpu = await openDevice({ gpu: await platform.gpu(), prefer: 'any', signal });
  return { gpu, reason: engineReason(choice, gpu.adapter) };
}

/** Precision and parameters of a folder, or of one whose parameters are computed. */
async function weightsOf(
  config: Config,
  folder: ModelFolder | null,
  dtype: DTypeChoice,
  { features }: GpuDevice,
): Promise<StoredWeights> {
  const precision = choosePrecision(dtype, config.dtype, features.f16, hasWideActivations(config));
  const stream = folder ? checkedStream(folder) : (await import('./fill.js')).fillStream(expectedParameters(config));
  return storedWeights(config, folder?.weights.header ?? null, precision, stream);
}

function describe(
  { config, hash }: ModelFiles & { readonly hash: () => string | null },
  { adapter }: GpuDevice,
  precision: PrecisionChoice,
  reason: string,
): SessionInfo {
  const { vendor, architecture, description, software, features } = adapter;
  return {
    device: 'webgpu',
    dtype: precision.dtype,
    adapter: { vendor, architecture, description, software, features },
    reason: `${reason}; ${precision.reason}`,
    model: {
      name: config.name,
      hash: hash() ?? '',
      imageSize: config.imageSize,
      maxTextLength: config.maxTextLength,
    },
  };
}

/**
 * Opens a model folder on a device. Everything is checked before anything is allocated on the device. A lost device is
 * replaced by a new one, and what it failed is run again (runtime/recovering-session.ts).
 *
 * @param location path or address of a model folder
 * @throws TmcaError of the folder (FILE_NOT_FOUND, CONFIG_INVALID, SAFETENSORS_INVALID, MODEL_INCOMPLETE, MODEL_MISMATCH,
 *   MODEL_NOT_FINITE, MANIFEST_MISMATCH, VOCABULARY_INVALID, DOWNLOAD_FAILED), of the device (NO_WEBGPU, NO_ADAPTER,
 *   GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST), ENGINE_UNAVAILABLE, UNSUPPORTED, ABORTED
 */
export async function openModel(location: string, platform: Platform, options: SessionOptions = {}): Promise<Session> {
  const first = await openOnce(location, platform, options);
  // A reopening is nobody's loading: it has no progress to show, and the signal was for the first one.
  const { device, dtype } = options;
  const again = { ...(device ? { device } : {}), ...(dtype ? { dtype } : {}) };
  return new RecoveringSession(first, () => openOnce(location, platform, again));
}

async function openOnce(location: string, platform: Platform, options: SessionOptions): Promise<Session> {
  const { device = 'auto', dtype = 'auto', signal, onProgress } = options;
  checkEngine(device);
  const folder = await openModelFolder(location, platform.io, { ...(signal ? { signal } : {}) });
  let vocabulary: Vocabulary | null = null;
  let gpu: GpuDevice | undefined;
  try {
    const { config } = folder;
    checkTensors(folder.weights.header, expectedParameters(config), `${location}/model.safetensors`);
    const assembly = await loadAssembly();
    vocabulary = folder.vocab && new Vocabulary(assembly, folder.vocab);
    throwIfAborted(signal, 'openModel');
    const opened = await openGpu(platform, device, signal);
    gpu = opened.gpu;
    const { precision, parameters } = await weightsOf(config, folder, dtype, gpu);
    return await WebGpuSession.create({
      gpu,
      assembly,
      config,
      precision,
      vocabulary,
      parameters,
      describe: () => describe(folder, opened.gpu, precision, opened.reason),
      signal,
      onProgress,
    });
  } catch (error) {
    vocabulary?.dispose();
    gpu?.dispose();
    throw error;
  } finally {
    await folder.close();
  }
}

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

/** A whole network on a device, for one run. */
interface OpenedNetwork {
  readonly gpu: GpuDevice;
  readonly assembly: Assembly;
  readonly config: Config;
  readonly precision: PrecisionChoice;
  readonly parameters: ParameterStream;
}

/** Opens a model folder and a device for the time of `run`. */
async function withNetwork<R extends object>(
  location: string,
  platform: Platform,
  { device = 'auto', dtype = 'auto', fill = false, signal }: InspectOptions,
  run: (network: OpenedNetwork) => Promise<R>,
): Promise<R & { readonly info: SessionInfo }> {
  checkEngine(device);
  const folder = fill ? null : await openModelFolder(location, platform.io, { ...(signal ? { signal } : {}) });
  try {
    const files = folder ?? { ...(await readModelFiles(location, platform.io)), hash: () => null };
    const { config } = files;
    if (folder) checkTensors(folder.weights.header, expectedParameters(config), `${location}/model.safetensors`);
    const assembly = await loadAssembly();
    const opened = await openGpu(platform, device, signal);
    using gpu = opened.gpu;
    const { precision, parameters } = await weightsOf(config, folder, dtype, gpu);
    const result = await run({ gpu, assembly, config, precision, parameters });
    // After the run: the model's hash is known once all of it has been read.
    return { ...result, info: describe(files, gpu, precision, opened.reason) };
  } finally {
    await folder?.close();
  }
}

/** Every checkpointed output of a model for inputs of any batch and text length. Throws as `openModel`, and BAD_ARGUMENT. */
export async function inspectForward(
  location: string,
  platform: Platform,
  inputs: ForwardInputs,
  options: InspectOptions = {},
): Promise<InspectedForward> {
  const { signal, onProgress } = options;
  // Imported when wanted: a page that segments downloads none of it.
  const { runForward } = await import('./inspect.js');
  return withNetwork(location, platform, options, ({ gpu, assembly, config, precision, parameters }) =>
    runForward(gpu, assembly, config, inputs, precision, parameters, { signal, onProgress }),
  );
}

export interface InspectGradientsOptions extends InspectOptions, TrainingOptions {}

/**
 * Every parameter's gradient of the training loss, for inputs of any batch and text length. In fp32, whatever the file's
 * dtype. Throws as `openModel`, BAD_ARGUMENT, and UNSUPPORTED for another dtype.
 */
export async function inspectGradients(
  location: string,
  platform: Platform,
  inputs: TrainingInputs,
  options: InspectGradientsOptions = {},
): Promise<InspectedGradients> {
  const { dtype = 'auto', freezeText = false, signal, onProgress } = options;
  check(
    dtype === 'auto' || dtype === 'fp32',
    'UNSUPPORTED',
    `inspectGradients: training must run in fp32, got ${dtype}; leave the dtype out`,
  );
  // Imported when wanted: a page that segments downloads nothing of training.
  const { runGradients } = await import('./gradients.js');
  return withNetwork(location, platform, { ...options, dtype: 'fp32' }, ({ gpu, assembly, config, parameters }) =>
    runGradients(gpu, assembly, config, inputs, parameters, { freezeText, signal, onProgress }),
  );
}
