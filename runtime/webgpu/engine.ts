// A network on a WebGPU device: one plan for frames, one for each padded text length, their weights stored once.

import type { Assembly } from '../../assembly/index.js';
import type { GpuDevice } from '../../gpu/device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';
import type { Config } from '../../model/config.js';
import type { PrecisionChoice } from '../engine-choice.js';
import type { EngineStats, NetworkEngine } from '../network-session.js';
import { paddedLength, padIds, textLengths } from '../text-lengths.js';
import type { Progress, TuningStats } from '../types.js';
import { bytesOfView, decodeStorage, type ParameterStream } from './encode.js';
import { Plan } from './plan.js';
import { FRAME_INPUTS, type Programs, programsOf } from './programs.js';
import { DeviceReport } from './report.js';
import type { Tuned, TuneRequest } from './tuned.js';
import { WeightStore } from './weights.js';

export interface WebGpuEngineParts {
  /** The engine's own: disposed with it. */
  readonly gpu: GpuDevice;
  readonly assembly: Assembly;
  readonly config: Config;
  readonly precision: PrecisionChoice;
  readonly parameters: ParameterStream;
  /** Where kernels are to be fitted to the device by measuring. */
  readonly tune?: TuneRequest | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export class WebGpuEngine implements NetworkEngine<DeviceReport> {
  readonly input: NetworkEngine['input'];
  readonly #texts = new Map<number, Plan>();
  /** The report whose keys and values lie in the frame plan. */
  #bound: DeviceReport | undefined;

  protected constructor(
    private readonly parts: WebGpuEngineParts,
    protected readonly programs: ReadonlyMap<number, Programs>,
    protected readonly pipelines: PipelineCache,
    private readonly weights: WeightStore,
    private readonly readback: Readback,
    protected frame: { readonly length: number; readonly plan: Plan },
    private readonly tuned: Tuned | undefined,
  ) {
    this.input = { dtype: parts.precision.activations, layout: 'nhwc' };
  }

  /** Loads the weights while the pipelines compile. Makes an engine of the class that it is called on. Where it fails, the parts stay the caller's to dispose. */
  static async create(parts: WebGpuEngineParts): Promise<WebGpuEngine> {
    const { gpu, assembly, config, precision, signal, onProgress } = parts;
    const lengths = textLengths(config.maxTextLength);
    const lowerings = lengths.map(length => [length, programsOf(config, length, precision)] as const);
    const pipelines = PipelineCache.of(gpu);
    const tuned =
      parts.tune && (await (await import('./tuned.js')).tuneEngine(parts.tune, { ...parts, pipelines, lowerings }));
    const tuning = tuned?.tuning ?? gpu.tuning;
    const programs = new Map(lowerings.map(([length, lowering]) => [length, lowering(tuning)]));
    const shortest = programs.get(lengths[0]!)!;
    const all = [shortest.frame, ...[...programs.values()].map(({ text }) => text)];
    const calls = [...shortest.frame.calls, ...shortest.text.calls];
    const compiled = pipelines.compile(calls, progress => onProgress?.({ phase: 'compile', ...progress }));
    compiled.catch(() => undefined); // awaited below; a failing load must not leave it unheard
    await gpu.dispatchOnce?.(gpu, pipelines, calls);
    const weights = await WeightStore.load(gpu, assembly, all, parts.parameters, { signal, onProgress });
    await compiled;
    const plan = await Plan.create(gpu, pipelines, shortest.frame, weights, 'frame', { rewritten: FRAME_INPUTS });
    return new this(parts, programs, pipelines, weights, new Readback(gpu), { length: lengths[0]!, plan }, tuned);
  }

  check(where: string): void {
    this.parts.gpu.check(where);
  }

  async encode(ids: Int32Array): Promise<DeviceReport> {
    const { gpu } = this.parts;
    const length = paddedLength([...this.programs.keys()], ids.length);
    const plan = await this.textPlan(length);
    const padded = padIds(ids, length);
    plan.write('ids', bytesOfView(padded.ids));
    plan.write('mask', bytesOfView(padded.mask));
    const report = await DeviceReport.create(gpu, plan, padded.mask);
    try {
      await gpu.scoped('encodeReport', () => {
        const encoder = gpu.device.createCommandEncoder({ label: 'text' });
        plan.encode(encoder);
        report.copyFrom(plan, encoder);
        gpu.device.queue.submit([encoder.finish()]);
      });
    } catch (error) {
      report.dispose();
      throw error;
    }
    return report;
  }

  async run(
    input: Float32Array | Uint16Array,
    report: DeviceReport,
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { gpu, assembly } = this.parts;
    // The frame plan may have to be made; the input is a view of wasm memory, so it is written when nothing waits any more.
    const held = report.length > this.frame.length ? input.slice() : input;
    const plan = await this.#framePlan(report.length);
    const { range, storage } = plan.output('logits');
    plan.write('image', bytesOfView(held));
    const encoder = gpu.device.createCommandEncoder({ label: 'frame' });
    if (this.#bound !== report) {
      report.copyTo(plan, this.frame.length, encoder);
      this.#bound = report;
    }
    plan.encode(encoder);
    gpu.device.queue.submit([encoder.finish()]);
    const bytes = await this.readback.read(range, { signal });
    gpu.check('segment');
    const { imageSize } = this.parts.config;
    return decodeStorage(assembly, bytes, storage, imageSize * imageSize);
  }

  stats(): EngineStats {
    const shortest = this.programs.values().next().value!;
    return {
      dispatches: { frame: shortest.frame.calls.length, text: shortest.text.calls.length },
      gpuBytes: { ...this.parts.gpu.bytes },
      tuning: this.#tuning(),
    };
  }

  #tuning(): TuningStats {
    const { profile } = this.parts.gpu;
    const variants: Record<string, TuningStats['variants'][string]> = {};
    for (const { frame, text } of this.programs.values())
      for (const { cut } of [...frame.calls, ...text.calls]) {
        const source = cut && (this.tuned?.sources[cut.shape] ?? (profile === 'default' ? profile : 'profile'));
        if (source) variants[cut.shape] = { variant: cut.variant, source };
      }
    const { rejected = [], timed = {}, notes = [] } = this.tuned ?? {};
    return { profile, variants, rejected, timed, notes };
  }

  dispose(): void {
    for (const plan of [this.frame.plan, ...this.#texts.values()]) plan.dispose();
    this.readback.dispose();
    this.weights.dispose();
    this.parts.gpu.dispose();
  }

  protected async textPlan(length: number): Promise<Plan> {
    let plan = this.#texts.get(length);
    if (!plan) {
      const { gpu } = this.parts;
      plan = await Plan.create(gpu, this.pipelines, this.programs.get(length)!.text, this.weights, `text.${length}`);
      this.#texts.set(length, plan);
    }
    return plan;
  }

  /** The frame plan, made anew for longer texts; a shorter text is padded and masked. */
  async #framePlan(length: number): Promise<Plan> {
    if (length > this.frame.length) {
      const { gpu } = this.parts;
      const { frame } = this.programs.get(length)!;
      const plan = await Plan.create(gpu, this.pipelines, frame, this.weights, 'frame', { rewritten: FRAME_INPUTS });
      this.frame.plan.dispose();
      this.frame = { length, plan };
      this.#bound = undefined;
    }
    return this.frame.plan;
  }
}
