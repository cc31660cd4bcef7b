// A model folder for one run of its network: `inspect`. Apart from sessions, since a page that segments needs none of it.

import type { Assembly } from '../../assembly/index.js';
import { loadAssembly } from '../../assembly/instance.js';
import { check } from '../../errors/index.js';
import { checkedStream, checkTensors, openModelFolder, readModelFiles } from '../../formats/model-folder/index.js';
import type { SafetensorsHeader } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import { fillStream } from '../../formats/weights/name-seeded-parameters.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { TrainingOptions } from '../../networks/training.js';
import { takesGpu } from '../engines/names.js';
import type { EngineOptions, Platform } from '../engines/platform.js';
import { requireGpu } from '../engines/require-gpu.js';
import { realParameters, weightsOf } from '../engines/stored-weights.js';
import { type Choice, choiceOf, describeEngine, type Opened, prepareEngine } from '../engines/table.js';
import { trainingReason } from '../engines/training-reason.js';
import type { LoadOptions } from '../engines/webgpu/weights.js';
import { describe } from '../session/open.js';
import type { AdapterSummary, DeviceChoice, DTypeChoice, SessionInfo, SessionOptions } from '../types.js';
import { type ForwardInputs, type ForwardRun, runForward } from './forward.js';
import type { GradientRun, TrainingInputs } from './gradients.js';

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

/** A whole network, for the time of one piece of work. */
export interface OpenedNetwork {
  readonly assembly: Assembly;
  readonly config: Config;
  /** Null where parameters are computed. */
  readonly header: SafetensorsHeader | null;
  readonly stream: ParameterStream;
  /** What it ran on. To be asked after the stream was read: the model's hash is known then. */
  describe(choice: Choice, adapter: AdapterSummary): SessionInfo;
}

/** Errors: those of the engine that is chosen. */
export const openEngine = async (platform: Platform, choice: DeviceChoice, options: EngineOptions): Promise<Opened> =>
  (await prepareEngine(platform, choice, options))();

/** Opens a model folder, or computes its parameters, for the time of `run`. Throws what opening a folder throws. */
export async function withNetwork<R>(
  location: string,
  platform: Platform,
  { fill = false, signal }: Pick<InspectOptions, 'fill' | 'signal'>,
  run: (network: OpenedNetwork) => Promise<R>,
): Promise<R> {
  const folder = fill ? null : await openModelFolder(location, platform.io, { ...(signal ? { signal } : {}) });
  try {
    const files = folder ?? { ...(await readModelFiles(location, platform.io)), hash: () => null };
    const { config } = files;
    const expected = Network.of(config).parameters;
    const header = folder?.weights.header ?? null;
    if (header) checkTensors(header, expected, `${location}/model.safetensors`);
    const stream = folder ? checkedStream(folder) : fillStream(expected);
    const assembly = await loadAssembly();
    return await run({
      ...{ assembly, config, header, stream },
      describe: (choice, adapter) => describe(files, choice, adapter),
    });
  } finally {
    await folder?.close();
  }
}

/** Every checkpointed output, on a GPU or in an onnxruntime. */
async function runOn(
  opened: Opened,
  dtype: DTypeChoice,
  { assembly, config, header, stream }: OpenedNetwork,
  inputs: ForwardInputs,
  watched: LoadOptions,
): Promise<ForwardRun> {
  if (opened.gpu) {
    const { precision, parameters } = await weightsOf(config, header, stream, dtype, opened.gpu);
    return runForward(opened.gpu, assembly, config, inputs, precision, parameters, watched);
  }
  const { runForwardInOnnx } = await import('./in-onnx.js');
  return runForwardInOnnx(opened.ort, assembly, config, inputs, await realParameters(header, stream), watched);
}

/** Every checkpointed output of a model for inputs of any batch and text length. Throws as `openModel`, and BAD_ARGUMENT. */
export function inspectForward(
  location: string,
  platform: Platform,
  inputs: ForwardInputs,
  options: InspectOptions = {},
): Promise<InspectedForward> {
  const { device = 'auto', dtype = 'auto', signal, onProgress } = options;
  return withNetwork(location, platform, options, async network => {
    const opened = await openEngine(platform, device, options);
    using _gpu = opened.gpu;
    const result = await runOn(opened, dtype, network, inputs, { signal, onProgress });
    const { precision, adapter } = await describeEngine(opened, dtype, network.config);
    return { ...result, info: network.describe(choiceOf(opened, precision), adapter) };
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
  const { device = 'auto', dtype = 'auto', freeze = false, signal, onProgress } = options;
  check(
    dtype === 'auto' || dtype === 'fp32',
    'UNSUPPORTED',
    `inspectGradients: training must run in fp32, got ${dtype}; leave the dtype out`,
  );
  check(
    takesGpu(device),
    'UNSUPPORTED',
    `inspectGradients: training must run on WebGPU, got ${device}; use --device webgpu`,
  );
  // Imported when wanted: a page that segments downloads nothing of training.
  const { runGradients } = await import('./gradients.js');
  return withNetwork(location, platform, options, async ({ assembly, config, header, stream, describe }) => {
    using gpu = await requireGpu(platform, signal);
    const { parameters } = await weightsOf(config, header, stream, 'fp32', gpu);
    const given = { freeze, signal, onProgress };
    const result = await runGradients(gpu, assembly, config, inputs, parameters, given);
    const reason = `${trainingReason(device, gpu.adapter)}; training runs in fp32`;
    return { ...result, info: describe({ device: 'webgpu', dtype: 'fp32', reason }, gpu.adapter) };
  });
}
