// `tmca bench --train`: a training step on this machine, and the same step by a peer, in turn.

import { join } from 'node:path';
import { check } from '../../errors/index.js';
import { toFloat32 } from '../../formats/safetensors/index.js';
import { nodeGpu } from '../../gpu/node.js';
import { sizeOf } from '../../graph/graph.js';
import { Network } from '../../networks/network.js';
import { nodePlatform } from '../../node/platform.js';
import { realParameters } from '../../runtime/engines/stored-weights.js';
import { withNetwork } from '../../runtime/inspect/open.js';
import type { AdapterSummary } from '../../runtime/types.js';
import { alternateSteps, type MeasuredSteps } from '../alternate-steps.js';
import { type KernelClock, type KernelRow, kernelTable } from '../kernel-table.js';
import { OurTraining } from '../our-training.js';
import { TfjsTraining } from '../peers/tfjs.js';
import type { Tf } from '../peers/tfjs-types.js';
import { clockOf } from '../result.js';
import { leastMs, measureRoofline, type Roofline } from '../roofline.js';
import { madeBatch, type Parameters, STEP, type TrainingWork, type TrainRunner } from '../training.js';
import { stopwatchFor } from './driver-threads.js';
import { commitOf, loadPeer, repositoryRoot } from './find-peers.js';
import { TORCH_NETWORK, TorchTraining } from './torch.js';

export type TrainPeerId = 'torch' | 'tfjs-webgpu';

export interface BenchTrainOptions {
  /** A model folder, or with `fill` one that has a config.json. */
  readonly model: string;
  readonly fill: boolean;
  readonly peer: TrainPeerId | 'none';
  /** Images of a step. */
  readonly batch: number;
  /** Folder of the reference's tmca.py: for `torch`. */
  readonly reference?: string | undefined;
  /** The threads that `torch` may use. */
  readonly threads: number;
  readonly python: string;
  /** Most steps of each after the first. */
  readonly steps: number;
  /** Seconds after which no further round of steps begins. */
  readonly seconds: number;
  readonly version: string;
  /** As it was typed. */
  readonly command: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
}

interface Side extends MeasuredSteps {
  readonly images_per_second: number;
  /** 10^9 operations a second: of those that our step takes, whoever ran. */
  readonly gflops: number;
}

export interface BenchTrainResult {
  readonly adapter: AdapterSummary;
  readonly model: string;
  readonly inputs: { readonly image_size: number; readonly tokens: number; readonly batch: number };
  readonly step: typeof STEP & { readonly parameters: number; readonly gflop: number };
  readonly ours: Side & {
    readonly dispatches: number;
    readonly gpu_bytes: { readonly weights: number; readonly arena: number; readonly other: number };
    /** Shortest time that the adapter's rates allow for the step's dispatches, over the step's median. */
    readonly roofline: number;
    /** None where the device has no timestamps. */
    readonly kernels: readonly KernelRow[];
    readonly kernel_clock: KernelClock | null;
  };
  readonly peer: (Side & { readonly name: string; readonly version: string }) | null;
  /** Ours over the peer's, medians over pairs: of wall-clock time, and of the CPU's. */
  readonly ratio: { readonly step: number; readonly cpu: number } | null;
  /** Largest relative difference of a loss, the first one's and over all steps that both took. */
  readonly agreement: { readonly first: number; readonly all: number; readonly steps: number } | null;
  readonly roofline: Roofline;
  readonly command: string;
  readonly commit: string | null;
  readonly date: string;
}

/**
 * Measures.
 *
 * @throws TmcaError those of a model folder and of the device; BAD_ARGUMENT (`torch` without a reference), UNSUPPORTED (`torch` for a
 *   network that it does not have), ENGINE_UNAVAILABLE (a peer that is not installed), ENGINE_FAILED (one that fails), ABORTED
 * @example
 * const { ours, ratio } = await benchTrain({ ...options, model: 'models/nano', batch: 16, peer: 'tfjs-webgpu' });
 */
export async function benchTrain(options: BenchTrainOptions): Promise<BenchTrainResult> {
  const { version, signal, onProgress, steps: rounds, seconds } = options;
  checkPeer(options);
  const { work, name } = await openWork(options);
  const gpu = await nodeGpu();
  const ours = new OurTraining({ work, gpu, version, signal });
  const peer = await openPeer(options, work, gpu);
  try {
    const runners = peer ? [ours, peer] : [ours];
    const { results, ratio } = await alternateSteps(runners, { rounds, budgetMs: 1000 * seconds, signal, onProgress });
    // its memory and its threads would be in the way of what follows
    await peer?.dispose();
    onProgress?.('kernels', 0, 1);
    const roofline = await measureRoofline(ours.gpu, { stopwatch: stopwatchFor(ours.gpu), signal });
    const [mine, theirs] = results as [MeasuredSteps, MeasuredSteps | undefined];
    const gflop = ours.calls.reduce((sum, { cost }) => sum + cost.flops, 0) / 1e9;
    const side = (measured: MeasuredSteps): Side => ({
      ...measured,
      images_per_second: (1000 * work.images) / measured.step.p50,
      gflops: (1000 * gflop) / measured.step.p50,
    });
    const parameters = [...work.parameters].filter(([parameter]) => !/\.running_(mean|var)$/.test(parameter));
    return {
      adapter: summary(ours),
      model: name,
      inputs: { image_size: work.config.imageSize, tokens: work.length, batch: work.images },
      step: { ...STEP, parameters: parameters.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0), gflop },
      ours: { ...side(mine), ...(await insideOf(ours, mine, roofline, signal)) },
      peer: peer && theirs ? { name: peer.name, version: peer.version, ...side(theirs) } : null,
      ratio,
      agreement: theirs ? agreement(mine.losses, theirs.losses) : null,
      roofline,
      command: options.command,
      commit: commitOf(),
      date: new Date().toISOString(),
    };
  } finally {
    await peer?.dispose();
    await ours.dispose();
  }
}

async function insideOf(ours: OurTraining, { step }: MeasuredSteps, roofline: Roofline, signal?: AbortSignal) {
  const { calls, gpu } = ours;
  const profile = await ours.profile(signal);
  const { weights, arena, other } = gpu.bytes;
  return {
    dispatches: calls.length,
    gpu_bytes: { weights, arena, other },
    roofline: calls.reduce((sum, { cost }) => sum + leastMs(cost, roofline, false), 0) / step.p50,
    kernels: profile ? kernelTable(profile.calls, roofline, false) : [],
    kernel_clock: profile && clockOf(profile),
  };
}

function summary({ gpu }: OurTraining): AdapterSummary {
  const { vendor, architecture, description, software, features } = gpu.adapter;
  return { vendor, architecture, description, software, features };
}

/** How far losses lie apart, relative to the peer's. */
export function agreement(ours: readonly number[], theirs: readonly number[]) {
  const differences = ours.map((loss, i) => Math.abs(loss - theirs[i]!) / Math.abs(theirs[i]!));
  return { first: differences[0]!, all: Math.max(...differences), steps: differences.length };
}

/** Tokens to which sentences are padded at most: a caption's length. */
const TOKENS = 24;

/** The network with its parameters as real numbers, and a batch for it. */
function openWork({ model, fill, peer, batch: images, signal }: BenchTrainOptions) {
  const given = { fill, ...(signal ? { signal } : {}) };
  return withNetwork(model, nodePlatform, given, async ({ config, header, stream }) => {
    check(peer !== 'torch' || config.network === TORCH_NETWORK, 'UNSUPPORTED', () => {
      return `bench: the peer torch must be given a model of the network ${TORCH_NETWORK}, the only one that the reference trains, got ${config.name} of ${config.network}; compare with --peer tfjs-webgpu, or none`;
    });
    const parameters = new Map<string, { shape: readonly number[]; data: Float32Array }>();
    for await (const tensor of (await realParameters(header, stream)).tensors())
      parameters.set(tensor.name, { shape: tensor.shape, data: Float32Array.from(toFloat32(tensor)) });
    const length = Math.min(TOKENS, Network.of(config).maxTextLength);
    const trained = { ...config, dtype: 'fp32' as const };
    const batch = madeBatch(trained, images, length);
    const work: TrainingWork = { config: trained, parameters: parameters as Parameters, batch, images, length };
    return { work, name: config.name };
  });
}

async function openPeer(options: BenchTrainOptions, work: TrainingWork, gpu: GPU): Promise<TrainRunner | null> {
  const { peer, reference, threads, python } = options;
  if (peer === 'none') return null;
  if (peer === 'tfjs-webgpu') return new TfjsTraining({ tf: await loadTfjs(gpu), work });
  const script = join(repositoryRoot()!, 'devices', 'peer-packages', 'torch_step.py');
  return new TorchTraining({ work, reference: reference!, threads, python, script });
}

/** Before anything is opened. */
function checkPeer({ peer, reference }: BenchTrainOptions): void {
  if (peer !== 'torch') return;
  check(
    reference,
    'BAD_ARGUMENT',
    'bench: the peer torch must know the reference, got no --reference; name the folder that holds tmca.py',
  );
  check(
    repositoryRoot(),
    'ENGINE_UNAVAILABLE',
    'bench: the peer torch must have its script, got none in this package; run in a clone of the repository',
  );
}

/** tfjs looks for WebGPU where a browser has it, when it is loaded. */
async function loadTfjs(gpu: GPU): Promise<Tf> {
  if (!('navigator' in globalThis)) Object.defineProperty(globalThis, 'navigator', { value: {}, configurable: true });
  Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });
  const tf = await loadPeer<Tf>('@tensorflow/tfjs-core');
  await loadPeer('@tensorflow/tfjs-layers'); // brings the ops' gradients, which the core leaves out
  await loadPeer('@tensorflow/tfjs-backend-webgpu');
  return tf;
}
