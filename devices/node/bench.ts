// `tmca bench`: the network's latency on this machine, and the same work by a peer, in one process, in turn.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { throwIfAborted } from '../../errors/index.js';
import { readModelFiles } from '../../formats/model-folder/index.js';
import { bytesOfView } from '../../formats/weights/encode-storage.js';
import { fill } from '../../formats/weights/name-seeded-parameters.js';
import { Network } from '../../networks/network.js';
import { exportOnnx } from '../../node/export-onnx.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { writeModelFolder } from '../../node/model-folder/model-writer.js';
import { nodePlatform } from '../../node/platform.js';
import type { DeviceChoice, DType, DTypeChoice, TuneChoice } from '../../runtime/types.js';
import { alternate } from '../alternate.js';
import { madeInputs } from '../inputs.js';
import { OurRunner } from '../ours.js';
import { exportedModels, OrtRunner } from '../peers/ort.js';
import { processCpu } from '../process-cpu.js';
import { type RunResult, resultOf } from '../result.js';
import { measureRoofline } from '../roofline.js';
import type { BenchInputs, Runner } from '../runner.js';
import { benchResize, benchTokenize, type Duel } from './assembly-bench.js';
import { stopwatchFor } from './driver-threads.js';
import { commitOf, loadOrt, PEERS, type PeerId } from './find-peers.js';

export interface BenchOptions {
  /** A model folder, or with `fill` one that has a config.json. */
  readonly model: string;
  /** Parameters from golden.py's `fill` in place of a file. */
  readonly fill: boolean;
  readonly device: DeviceChoice;
  readonly dtype: DTypeChoice;
  /** As of `SessionOptions`. */
  readonly tune?: TuneChoice | undefined;
  readonly peer: PeerId | 'none';
  /** Precision of the peer's model; ours if not given. */
  readonly peerDtype?: 'fp32' | 'fp16' | undefined;
  /** Most warm frames of each. */
  readonly frames: number;
  /** Seconds of warm frames after which no further one begins. */
  readonly seconds: number;
  /** Whether the host's byte work is measured too. */
  readonly assembly: boolean;
  /** For the tokeniser, where the model has no vocabulary of its own. */
  readonly vocab: string;
  readonly version: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
}

export interface Measurements extends RunResult {
  readonly assembly: {
    /** To 224 x 224, whatever the network takes; and to what it takes, where that is another size. */
    readonly resize: Duel;
    readonly resize_to_model: Duel | null;
    readonly tokenize: Duel | null;
  } | null;
}

/** Where figures come from. */
export interface Provenance {
  /** The commit of the repository that the code was run from; null elsewhere. */
  readonly commit: string | null;
  readonly date: string;
}

/** What `tmca bench` writes. */
export interface BenchResult extends Measurements, Provenance {
  /** As it was typed. */
  readonly command: string;
}

/**
 * Measures.
 *
 * @throws TmcaError as `openModel`; ENGINE_UNAVAILABLE (a peer that is not installed); ABORTED
 * @example
 * const { ours, ratio } = await bench({ ...options, model: 'models/nano', peer: 'ort-webgpu' });
 */
export async function bench(options: BenchOptions): Promise<Measurements> {
  if (!options.fill) return benchFolder(options);
  // Written first, so that opening is reading a file, here as for the peer, and not computing what is in it.
  const folder = await mkdtemp(join(tmpdir(), 'tmca-bench-'));
  try {
    options.onProgress?.('parameters', 0, 1);
    await writeFilled(options.model, folder, options);
    return await benchFolder({ ...options, model: folder, fill: false });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A model folder with a configuration's parameters as golden.py's `fill` makes them. */
async function writeFilled(from: string, to: string, { version, signal }: BenchOptions): Promise<void> {
  const { config } = await readModelFiles(from, nodeIo, { ...(signal ? { signal } : {}) });
  const tensors = [...Network.of(config).parameters].map(([name, shape]) => ({
    ...({ name, dtype: 'F32', shape } as const),
    load: async () => {
      throwIfAborted(signal, 'bench');
      return bytesOfView(fill(name, shape));
    },
  }));
  await writeModelFolder(to, { config, vocab: null, tensors }, { package: `tmca-edge@${version}` }, 'bench');
}

async function benchFolder(options: BenchOptions): Promise<Measurements> {
  const { model, device, dtype, tune, version, signal, onProgress } = options;
  // Cold means cold: Mesa keeps compiled shaders on disk, from the run before.
  process.env.MESA_SHADER_CACHE_DISABLE ??= 'true';
  const { config } = await readModelFiles(model, nodeIo, { ...(signal ? { signal } : {}) });
  const inputs = madeInputs(config);
  const ours = new OurRunner({
    model,
    platform: nodePlatform,
    device,
    dtype,
    fill: false,
    tune,
    version,
    inputs,
    signal,
  });
  const peer = await openPeer(options, inputs, config.dtype);
  const runners: Runner[] = peer ? [ours, peer.runner] : [ours];
  try {
    const { frames: rounds, seconds } = options;
    const comparison = await alternate(runners, {
      rounds,
      budgetMs: 1000 * seconds,
      signal,
      onProgress,
      cpu: processCpu,
    });
    // its threads would be in the way of what follows
    await peer?.runner.dispose();
    onProgress?.('kernels', 0, 1);
    const stopwatch = ours.gpu ? stopwatchFor(ours.gpu) : undefined;
    const roofline = ours.gpu && (await measureRoofline(ours.gpu, { stopwatch, signal }));
    const profiles = await ours.profile({ stopwatch });
    onProgress?.('assembly', 0, 1);
    const assembly = options.assembly ? await benchAssembly(options, config.imageSize) : null;
    return {
      ...resultOf({ ours, inputs, peer, comparison, roofline, profiles }),
      assembly,
    };
  } finally {
    await ours.dispose();
    await peer?.dispose();
  }
}

interface OpenedPeer {
  readonly runner: OrtRunner;
  readonly dtype: DType;
  dispose(): Promise<void>;
}

/** The peer, with the model exported for it; null for none. */
async function openPeer(
  { peer, peerDtype, model, dtype, version, signal }: BenchOptions,
  inputs: BenchInputs,
  stored: DType,
): Promise<OpenedPeer | null> {
  if (peer === 'none') return null;
  const ort = await loadOrt(peer);
  const folder = await mkdtemp(join(tmpdir(), 'tmca-bench-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const ran = dtype === 'auto' ? stored : dtype;
    // of int8 it has no like
    const wanted = peerDtype ?? (ran === 'int8' ? 'fp32' : ran);
    const given = { dtype: wanted, producerVersion: version, ...(signal ? { signal } : {}) };
    const { dtype: exported } = await exportOnnx(model, folder, given);
    const runner = new OrtRunner({
      ort,
      name: `onnxruntime ${PEERS[peer].provider}`,
      provider: PEERS[peer].provider,
      models: exportedModels(folder, inputs),
      inputs,
    });
    const dispose = async () => {
      await runner.dispose();
      await remove();
    };
    return { runner, dtype: exported, dispose };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** The size that all machines and models are compared at. */
const RESIZED = 224;

async function benchAssembly({ vocab, peer }: BenchOptions, size: number): Promise<Measurements['assembly']> {
  const resize = await benchResize(RESIZED);
  const resizeToModel = size === RESIZED ? null : await benchResize(size);
  // the tokeniser's peer lies with the others
  const tokenize = peer === 'none' ? null : await benchTokenize(vocab);
  return { resize, resize_to_model: resizeToModel, tokenize };
}

/** When it was measured, and by which code. */
export const provenance = (): Provenance => ({ commit: commitOf(), date: new Date().toISOString() });
