// Memory over many frames: a loaded model segments video frames, and what it holds is sampled. Nothing may be allocated on the device
// after the first frame, and the process must not grow.

import type { Assembly } from '../../assembly/index.js';
import { Vocabulary } from '../../assembly/wordpiece.js';
import { throwIfAborted } from '../../errors/index.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { nodePlatform } from '../../node/platform.js';
import type { EngineId } from '../../runtime/engines/names.js';
import { startEngine } from '../../runtime/engines/table.js';
import { openEngine, withNetwork } from '../../runtime/inspect/open.js';
import { LoadedModel } from '../../runtime/session/loaded-model.js';
import type { AdapterSummary, DeviceChoice, DType, DTypeChoice } from '../../runtime/types.js';
import { median } from '../statistics.js';
import { HEIGHT, videoFrame, WIDTH } from './video-frame.js';

export interface FlatOptions {
  readonly model: string;
  readonly fill: boolean;
  readonly device: DeviceChoice;
  readonly dtype: DTypeChoice;
  readonly frames: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
}

/** Bytes after so many frames. */
export interface MemorySample {
  readonly frame: number;
  /** Bytes of live buffers on the device; null in wasm. */
  readonly gpu: number | null;
  /** Bytes of the process in memory. */
  readonly rss: number;
  readonly heap: number;
  /** Bytes of array buffers outside the heap, wasm memory among them. */
  readonly buffers: number;
}

export interface FlatResult {
  readonly adapter: AdapterSummary;
  readonly device: EngineId;
  readonly model: string;
  readonly dtype: DType;
  readonly image: { readonly width: number; readonly height: number };
  readonly frames: number;
  /** Buffers that were made on the device after the first frame; null in wasm. */
  readonly buffers_created: number | null;
  /** Largest less smallest of the samples, in bytes; null in wasm. */
  readonly gpu_growth: number | null;
  /** Median of the last fifth of the samples less that of the second fifth, in bytes: the first is the warm-up's. */
  readonly rss_growth: number;
  readonly samples: readonly MemorySample[];
}

/** Samples of a run. */
const SAMPLES = 100;

/**
 * Segments `frames` video frames of 1920 x 1080 with one report.
 *
 * @throws TmcaError as `openSession`, ABORTED
 * @example
 * const { buffers_created, rss_growth } = await benchFlat({ model: 'models/nano', fill: false, device: 'webgpu', dtype: 'auto', frames: 1000 });
 */
export function benchFlat(options: FlatOptions): Promise<FlatResult> {
  const { model, fill, device, dtype, frames, signal, onProgress } = options;
  const stop = signal ? { signal } : {};
  return withNetwork(model, nodePlatform, { fill, ...stop }, async ({ header, stream, assembly, config, describe }) => {
    const opened = await openEngine(nodePlatform, device, stop);
    const { gpu } = opened;
    const made = gpu ? countBuffers(gpu) : () => null;
    const loading = { header, stream, assembly, config, signal, onProgress: undefined };
    const { engine, choice, adapter } = await startEngine(opened, dtype, loading);
    const info = describe(choice, adapter);
    using loaded = new LoadedModel({
      info,
      config,
      assembly,
      vocabulary: madeVocabulary(assembly, config),
      engine,
    });
    const { first, samples } = await segmentMany(loaded, gpu, made, { frames, signal, onProgress });
    const created = made();
    return {
      adapter: info.adapter,
      device: info.device,
      model: info.model.name,
      dtype: info.dtype,
      image: { width: WIDTH, height: HEIGHT },
      frames,
      buffers_created: created === null || first === null ? null : created - first,
      gpu_growth: gpu && growthOf(samples.map(sample => sample.gpu!)),
      rss_growth: drift(samples.map(({ rss }) => rss)),
      samples,
    };
  });
}

/** Calls of the device's createBuffer from now on, whoever makes them. */
function countBuffers({ device }: GpuDevice): () => number {
  let count = 0;
  const create = device.createBuffer.bind(device);
  device.createBuffer = descriptor => {
    count++;
    return create(descriptor);
  };
  return () => count;
}

const SPECIAL = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

/** As many tokens as the network knows: which words they are does not matter here. */
function madeVocabulary(assembly: Assembly, config: Config): Vocabulary {
  const vocabSize = Network.of(config).text?.vocabSize ?? SPECIAL.length;
  const words = Array.from({ length: vocabSize - SPECIAL.length }, (_, i) => `w${i}`);
  return new Vocabulary(assembly, [...SPECIAL, ...words].join('\n'));
}

async function segmentMany(
  model: LoadedModel,
  gpu: GpuDevice | null,
  made: () => number | null,
  { frames, signal, onProgress }: Pick<FlatOptions, 'frames' | 'signal' | 'onProgress'>,
): Promise<{ readonly first: number | null; readonly samples: readonly MemorySample[] }> {
  const image = { data: videoFrame(), width: WIDTH, height: HEIGHT, channels: 3 } as const;
  const text = model.info.model.text === 'none' ? null : (await model.encode('w0 w1 w2 w3')).encoded;
  const every = Math.max(1, Math.floor(frames / SAMPLES));
  const samples: MemorySample[] = [];
  let first: number | null = null;
  for (let frame = 1; frame <= frames; frame++) {
    throwIfAborted(signal, 'benchFlat');
    await model.segment(image, text);
    if (frame === 1) first = made();
    if (frame % every === 0 || frame === 1) samples.push(sampleOf(frame, gpu));
    onProgress?.('frames', frame, frames);
  }
  return { first, samples };
}

function sampleOf(frame: number, gpu: GpuDevice | null): MemorySample {
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  const bytes = gpu && Object.values(gpu.bytes).reduce((sum, n) => sum + n, 0);
  return { frame, gpu: bytes, rss, heap: heapUsed, buffers: arrayBuffers };
}

const growthOf = (bytes: readonly number[]): number => Math.max(...bytes) - Math.min(...bytes);

/** How much higher the last fifth of the samples lies than the second. */
export function drift(samples: readonly number[]): number {
  const fifth = Math.max(1, Math.floor(samples.length / 5));
  const part = (from: number) => median(samples.slice(from, from + fifth));
  return samples.length < 5 ? 0 : part(samples.length - fifth) - part(fifth);
}
