// What each rewrite of the graph is worth: the network with all of them, and with each left out in turn, on one device in one process,
// by turns. They must give the same logits.

import type { Assembly } from '../../assembly/index.js';
import { throwIfAborted } from '../../errors/index.js';
import { bytesOfView, decodeStorage } from '../../formats/weights/encode-storage.js';
import type { GpuDevice } from '../../gpu/device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';
import { passNames } from '../../graph/passes/index.js';
import { Network } from '../../networks/network.js';
import { nodePlatform } from '../../node/platform.js';
import { requireGpu } from '../../runtime/engines/require-gpu.js';
import { weightsOf } from '../../runtime/engines/stored-weights.js';
import { DeviceReport } from '../../runtime/engines/webgpu/device-report.js';
import { Plan } from '../../runtime/engines/webgpu/plan.js';
import { buildPrograms, FRAME_INPUTS, type Programs } from '../../runtime/engines/webgpu/programs.js';
import { WeightStore } from '../../runtime/engines/webgpu/weights.js';
import { withNetwork } from '../../runtime/inspect/open.js';
import { paddedLength, padIds, textLengths } from '../../runtime/text-lengths.js';
import type { AdapterSummary, DType, DTypeChoice } from '../../runtime/types.js';
import { type Agreement, agreement } from '../agreement.js';
import { madeInputs } from '../inputs.js';
import { inputOf } from '../ours.js';
import { type CountedPass, passFigures } from '../pass-figures.js';
import type { BenchInputs } from '../runner.js';
import { type Latency, latency, pairedRatio } from '../statistics.js';

export interface PassRow extends CountedPass {
  readonly frame: Latency;
  readonly text: Latency;
  /** Median of the pairs' ratios, without over with. */
  readonly ratio: { readonly frame: number; readonly text: number };
  /** With the network that has all passes. */
  readonly agreement: Agreement;
}

export interface PassBench {
  readonly adapter: AdapterSummary;
  readonly model: string;
  readonly inputs: { readonly image_size: number; readonly tokens: number };
  readonly dtype: DType;
  readonly passes: readonly PassRow[];
}

export interface PassBenchOptions {
  readonly model: string;
  readonly fill: boolean;
  readonly dtype: DTypeChoice;
  /** Most rounds; a round is a frame of each network. */
  readonly frames: number;
  /** Seconds of rounds after which no further one begins, from the fifth on. */
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
}

const LEAST_ROUNDS = 5;

/**
 * Measures.
 *
 * @throws TmcaError as `inspectForward`; NO_ADAPTER, ABORTED
 * @example
 * const { passes } = await benchPasses({ model: 'models/nano', fill: false, dtype: 'fp32', frames: 30, seconds: 60 });
 */
export function benchPasses(options: PassBenchOptions): Promise<PassBench> {
  const { model, fill, signal, onProgress } = options;
  return withNetwork(model, nodePlatform, { fill, ...(signal ? { signal } : {}) }, async network => {
    const { config, header, stream, assembly } = network;
    using gpu = await requireGpu(nodePlatform, signal);
    const { precision, parameters } = await weightsOf(config, header, stream, options.dtype, gpu);
    const inputs = madeInputs(config);
    const length = paddedLength(textLengths(Network.of(config).maxTextLength), inputs.ids.length);
    const programs = [undefined, ...passNames].map(without => ({
      without: without ?? null,
      ...buildPrograms(config, length, precision, gpu.tuning, without),
    }));
    onProgress?.('weights', 0, 1);
    // one store, in which constants that networks share lie once
    const all = programs.flatMap(({ frame, text }) => [frame, text]);
    const weights = await WeightStore.load(gpu, assembly, all, parameters, { signal });
    const bench = {
      gpu,
      assembly,
      weights,
      inputs,
      length,
      pipelines: new PipelineCache(gpu),
      readback: new Readback(gpu),
    };
    const variants: Variant[] = [];
    for (const program of programs) {
      throwIfAborted(signal, 'benchPasses');
      onProgress?.('networks compiled', variants.length, programs.length);
      variants.push(await Variant.open(bench, program));
    }
    const samples = await inTurn(variants, options);
    const figures = passFigures(config, precision, length);
    const { adapter, model: of } = network.describe(
      { device: 'webgpu', dtype: precision.dtype, reason: '' },
      gpu.adapter,
    );
    return {
      adapter,
      model: of.name,
      inputs: { image_size: inputs.size, tokens: inputs.ids.length },
      dtype: precision.dtype,
      passes: figures.map((row, i) => ({ ...row, ...compared(samples[i]!, samples[0]!) })),
    };
  });
}

/** What the networks share; all of it is freed with the device. */
interface Shared {
  readonly gpu: GpuDevice;
  readonly assembly: Assembly;
  readonly weights: WeightStore;
  readonly inputs: BenchInputs;
  readonly length: number;
  readonly pipelines: PipelineCache;
  readonly readback: Readback;
}

/** A network on the device, with its report bound. */
class Variant {
  private constructor(
    private readonly shared: Shared,
    private readonly plans: { readonly frame: Plan; readonly text: Plan },
    private readonly report: DeviceReport,
  ) {}

  static async open(shared: Shared, { frame, text }: Programs): Promise<Variant> {
    const { gpu, pipelines, weights, inputs, length } = shared;
    const plans = {
      frame: await Plan.create(gpu, pipelines, frame, weights, 'frame', { rewritten: FRAME_INPUTS }),
      text: await Plan.create(gpu, pipelines, text, weights, 'text'),
    };
    const { ids, mask } = padIds(inputs.ids, length);
    plans.text.write('ids', bytesOfView(ids));
    plans.text.write('mask', bytesOfView(mask));
    const variant = new Variant(shared, plans, await DeviceReport.create(gpu, plans.text, mask));
    await variant.text();
    await variant.frame();
    return variant;
  }

  /** Computes the report and puts it where frames read it. */
  async text(): Promise<void> {
    const { gpu } = this.shared;
    this.#submitText();
    await gpu.guard('benchPasses', gpu.device.queue.onSubmittedWorkDone());
  }

  /** @returns logits */
  async frame(): Promise<Float32Array> {
    const { gpu, assembly, inputs, readback } = this.shared;
    const { frame } = this.plans;
    const { range, storage } = frame.output('logits');
    const input = { dtype: frame.input('image').storage === 'f16' ? 'f16' : 'f32', layout: 'nhwc' } as const;
    frame.write('image', bytesOfView(inputOf(inputs, input, assembly)));
    const encoder = gpu.device.createCommandEncoder({ label: 'frame' });
    frame.encode(encoder);
    gpu.device.queue.submit([encoder.finish()]);
    return decodeStorage(assembly, await readback.read(range), storage, inputs.size ** 2);
  }

  /** A frame that computes its text too. */
  frameWithText(): Promise<Float32Array> {
    this.#submitText();
    return this.frame();
  }

  #submitText(): void {
    const { gpu, length } = this.shared;
    const encoder = gpu.device.createCommandEncoder({ label: 'text' });
    this.plans.text.encode(encoder);
    this.report.copyFrom(this.plans.text, encoder);
    this.report.copyTo(this.plans.frame, length, encoder);
    gpu.device.queue.submit([encoder.finish()]);
  }
}

interface Samples {
  readonly frame: number[];
  readonly text: number[];
  logits: Float32Array;
}

/** Times of the variants, each round one of each, and last of frames that compute their text. */
async function inTurn(variants: readonly Variant[], options: PassBenchOptions): Promise<readonly Samples[]> {
  const { frames, seconds, signal, onProgress } = options;
  const whole = variants[0]!;
  const runs = [...variants.map(variant => () => variant.frame()), () => whole.frameWithText()];
  const samples = runs.map((): Samples => ({ frame: [], text: [], logits: new Float32Array() }));
  const timed = async <T>(into: number[], work: () => Promise<T>): Promise<T> => {
    throwIfAborted(signal, 'benchPasses');
    const start = performance.now();
    const result = await work();
    into.push(performance.now() - start);
    return result;
  };
  const start = performance.now();
  for (let round = 0; round < frames; round++) {
    if (round >= LEAST_ROUNDS && performance.now() - start > 1000 * seconds) break;
    onProgress?.('frames', round, frames);
    for (const [i, run] of runs.entries()) {
      const sample = samples[i]!;
      await timed(sample.text, () => (variants[i] ?? whole).text());
      sample.logits = await timed(sample.frame, run);
    }
  }
  return samples;
}

const compared = (without: Samples, whole: Samples): Pick<PassRow, 'frame' | 'text' | 'ratio' | 'agreement'> => ({
  frame: latency(without.frame),
  text: latency(without.text),
  ratio: { frame: pairedRatio(without.frame, whole.frame), text: pairedRatio(without.text, whole.text) },
  agreement: agreement(whole.logits, without.logits),
});
