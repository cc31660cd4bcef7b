// From a model folder to a session: the one path that Node, the browser's worker and the command share.

import { loadAssembly } from '../../assembly/instance.js';
import { Vocabulary } from '../../assembly/wordpiece.js';
import { throwIfAborted } from '../../errors/index.js';
import {
  checkedStream,
  checkTensors,
  type ModelFiles,
  type ModelFolder,
  openModelFolder,
} from '../../formats/model-folder/index.js';
import { Network } from '../../networks/network.js';
import type { Platform } from '../engines/platform.js';
import {
  type Choice,
  closeEngine,
  type Opened,
  prepareEngine,
  prepareWithoutGpu,
  startEngine,
} from '../engines/table.js';
import type { TuneRequest } from '../engines/webgpu/tune-programs.js';
import type { AdapterSummary, SessionInfo, SessionOptions, TuneChoice } from '../types.js';
import { LoadedModel } from './loaded-model.js';
import { RecoveringSession } from './recovering-session.js';
import { textUse } from './text-use.js';

export type { Platform } from '../engines/platform.js';

export type Described = ModelFiles & Pick<ModelFolder, 'hash'> & Partial<Pick<ModelFolder, 'store'>>;

/** Asked when the parameters are loaded: the model's hash is known then. */
export function describe(
  { config, integrity, hash, store }: Described,
  choice: Choice,
  adapter: AdapterSummary,
): SessionInfo {
  const { vendor, architecture, description, software, features } = adapter;
  const kept = store?.();
  return {
    ...choice,
    integrity,
    ...(kept && { store: kept }),
    adapter: { vendor, architecture, description, software, features },
    model: {
      name: config.name,
      hash: hash() ?? '',
      imageSize: config.imageSize,
      text: textUse(config).text,
      maxTextLength: Network.of(config).maxTextLength,
    },
  };
}

/**
 * Opens a model folder on an engine. Everything is checked before anything is allocated on a device. A lost device is
 * replaced by a new one, and what it failed is run again (runtime/session/recovering-session.ts); where none comes, `auto` goes on in wasm.
 *
 * @param location path or address of a model folder
 * @throws TmcaError of the folder (FILE_NOT_FOUND, CONFIG_INVALID, SAFETENSORS_INVALID, MODEL_INCOMPLETE, MODEL_MISMATCH,
 *   MODEL_NOT_FINITE, MANIFEST_MISMATCH, MODEL_UNCHECKED, VOCABULARY_INVALID, DOWNLOAD_FAILED), of the engine (NO_WEBGPU, NO_ADAPTER,
 *   GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST, ENGINE_UNAVAILABLE, ENGINE_FAILED), UNSUPPORTED, ABORTED
 */
export async function openModel(
  location: string,
  platform: Platform,
  options: SessionOptions = {},
): Promise<RecoveringSession> {
  const first = await loadModel(location, platform, options);
  // A reopening is nobody's loading: it has no progress to show, and the signal was for the first one.
  const { signal: _, onProgress: __, tune, ...rest } = options;
  const again = { ...rest, tune: tune === 'refresh' ? 'kept' : (tune ?? true) } as const;
  const last = (options.device ?? 'auto') === 'auto' ? () => loadModel(location, platform, again, true) : undefined;
  return new RecoveringSession(first, () => loadModel(location, platform, again), last ? { last } : {});
}

/** The model on an engine, without the session around it. @param lost whether no GPU is to be tried any more */
async function loadModel(
  location: string,
  platform: Platform,
  options: SessionOptions,
  lost = false,
): Promise<LoadedModel> {
  const { device = 'auto', dtype = 'auto', integrity, signal, onProgress } = options;
  const ready = { ...options, hasty: true };
  const prepared = lost ? prepareWithoutGpu(platform, options) : prepareEngine(platform, device, ready);
  prepared.catch(() => undefined); // awaited before the weights are asked for
  const opening = { integrity, before: prepared, ...(signal ? { signal } : {}) };
  const folder = await openModelFolder(location, platform.io, opening);
  let vocabulary: Vocabulary | null = null;
  let opened: Opened | undefined;
  try {
    const { config } = folder;
    checkTensors(folder.weights.header, Network.of(config).parameters, `${location}/model.safetensors`);
    const module = loadAssembly(); // inflated while the driver opens the device
    module.catch(() => undefined); // awaited below
    opened = await (await prepared)();
    const assembly = await module;
    vocabulary = folder.vocab && new Vocabulary(assembly, folder.vocab);
    throwIfAborted(signal, 'openModel');
    const { header } = folder.weights;
    const tune = tuneRequest(opened, options.tune, platform);
    const loading = { header, stream: checkedStream(folder), assembly, config, tune, signal, onProgress };
    const { engine, choice, adapter } = await startEngine(opened, dtype, loading);
    onProgress?.({ phase: 'ready', loaded: 1, total: 1 });
    const info = describe(folder, choice, adapter);
    return new LoadedModel({ info, config, assembly, vocabulary, engine });
  } catch (error) {
    vocabulary?.dispose();
    if (opened) closeEngine(opened);
    throw error;
  } finally {
    await folder.close();
  }
}

/** Software adapters are not measured unless asked: compiling a variant takes them longer than it could ever save. */
export function tuneRequest(opened: Opened, tune: TuneChoice = true, platform: Platform): TuneRequest | undefined {
  if (!opened.gpu || !tune || (tune === true && opened.gpu.adapter.software)) return undefined;
  return { refresh: tune === 'refresh', integer: tune === 'integer', store: platform.tuningStore };
}
