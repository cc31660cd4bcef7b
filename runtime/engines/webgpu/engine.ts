// A network on a WebGPU device: one plan for frames, one for each padded text length, their weights stored once.

import type { Assembly } from '../../../assembly/index.js';
import { bytesOfView, decodeStorage } from '../../../formats/weights/encode-storage.js';
import type { ParameterStream } from '../../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../../gpu/device.js';
import { PipelineCache } from '../../../gpu/pipelines.js';
import { Readback } from '../../../gpu/readback.js';
import type { Tuning } from '../../../gpu/tuning.js';
import type { Config } from '../../../networks/config.js';
import { paddedLength, padIds } from '../../text-lengths.js';
import type { Progress, TuningStats } from '../../types.js';
import type { PrecisionChoice } from '../choice.js';
import type { EngineStats, NetworkEngine } from '../network-engine.js';
import { DeviceReport } from './device-report.js';
import type { DeviceLive } from './live/engine.js';
import { Plan } from './plan.js';
import { type PlacedProgram, ProgramSet, type Programs } from './programs.js';
import type { Tuned, TuneRequest } from './tune-programs.js';
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
  #live: Promise<DeviceLive> | undefined;

  protected constructor(
    private readonly parts: WebGpuEngineParts,
    protected readonly programs: ProgramSet,
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
    const programs = new ProgramSet(config, precision, gpu.limits);
    const pipelines = PipelineCache.of(gpu);
    const tuned =
      parts.tune &&
      (await (await import('./tune-programs.js')).tunePrograms(parts.tune, programs, { ...parts, pipelines }));
    const begin = (tuning: Tuning) => {
      programs.tuning = tuning;
      return beginCompiling(gpu, pipelines, programs.shortest, onProgress);
    };
    const tuning = tuned?.tuning ?? gpu.tuning;
    const changed = async () => {
      await gpu.settle();
      return !tuned && gpu.tuning !== tuning;
    };
    const { dispatched, compiled } = begin(tuning);
    const length = programs.lengths[0]!;
    for (const which of ['frame', 'text'] as const) programs.placed(length, which); // while others make the pipelines
    await dispatched.catch(async error => {
      if (!(await changed())) throw error;
    });
    const { frame, text } = programs.shortest;
    const weights = await WeightStore.load(gpu, assembly, [frame, text], parts.parameters, { signal, onProgress });
    await ((await changed()) ? begin(gpu.tuning).compiled : compiled);
    const plan = await planOf(gpu, pipelines, weights, programs.placed(length, 'frame'), 'frame');
    return new this(parts, programs, pipelines, weights, new Readback(gpu), { length, plan }, tuned);
  }

  check(where: string): void {
    this.parts.gpu.check(where);
  }

  async encode(ids: Int32Array): Promise<DeviceReport> {
    const { gpu } = this.parts;
    const length = paddedLength(this.programs.lengths, ids.length);
    const plan = await this.textPlan(length);
    const padded = padIds(ids, length);
    // A network without a text has none of them, and an empty program.
    for (const name of plan.inputNames) plan.write(name, bytesOfView(padded[name as keyof typeof padded]));
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
    const plan = await this.#framePlan(report.length);
    const { range, storage } = plan.output('logits');
    plan.write('image', bytesOfView(input));
    const encoder = gpu.device.createCommandEncoder({ label: 'frame' });
    this.#bind(report, encoder);
    plan.encode(encoder);
    gpu.device.queue.submit([encoder.finish()]);
    const bytes = await this.readback.read(range, { signal });
    gpu.check('segment');
    const { imageSize } = this.parts.config;
    return decodeStorage(assembly, bytes, storage, imageSize * imageSize);
  }

  live(): Promise<DeviceLive> {
    const { pipelines, readback } = this;
    const { config } = this.parts;
    const live =
      this.#live ??
      import('./live/engine.js').then(({ DeviceLive }) =>
        DeviceLive.create({
          ...{ pipelines, readback, config },
          plan: report => this.#framePlan(report.length),
          bind: (report, encoder) => this.#bind(report, encoder),
        }),
      );
    this.#live = live;
    live.catch(() => {
      this.#live = undefined; // the next call tries again
    });
    return live;
  }

  stats(): EngineStats {
    const { frame, text } = this.programs.shortest;
    return {
      dispatches: { frame: frame.calls.length, text: text.calls.length },
      gpuBytes: { ...this.parts.gpu.bytes },
      tuning: this.#tuning(),
    };
  }

  #tuning(): TuningStats {
    const { profile } = this.parts.gpu;
    const variants: Record<string, TuningStats['variants'][string]> = {};
    for (const { frame, text } of this.programs.made)
      for (const { cut } of [...frame.calls, ...text.calls]) {
        const source = cut && (this.tuned?.sources[cut.shape] ?? (profile === 'default' ? profile : 'profile'));
        if (source) variants[cut.shape] = { variant: cut.variant, source };
      }
    const { rejected = [], timed = {}, notes = [] } = this.tuned ?? {};
    return { profile, variants, rejected, timed, notes };
  }

  dispose(): void {
    this.#live?.then(
      live => live.dispose(),
      () => undefined, // whoever asked for it has been told
    );
    for (const plan of [this.frame.plan, ...this.#texts.values()]) plan.dispose();
    this.readback.dispose();
    this.weights.dispose();
    this.parts.gpu.dispose();
  }

  protected async textPlan(length: number): Promise<Plan> {
    let plan = this.#texts.get(length);
    if (!plan) {
      const { gpu } = this.parts;
      plan = await planOf(gpu, this.pipelines, this.weights, this.programs.placed(length, 'text'), `text.${length}`);
      this.#texts.set(length, plan);
    }
    return plan;
  }

  /** Puts a report where the frame plan reads it, unless it lies there. */
  #bind(report: DeviceReport, encoder: GPUCommandEncoder): void {
    if (this.#bound === report) return;
    report.copyTo(this.frame.plan, this.frame.length, encoder);
    this.#bound = report;
  }

  /** The frame plan, made anew for longer texts; a shorter text is padded and masked. */
  async #framePlan(length: number): Promise<Plan> {
    if (length > this.frame.length) {
      const { gpu } = this.parts;
      const plan = await planOf(gpu, this.pipelines, this.weights, this.programs.placed(length, 'frame'), 'frame');
      this.frame.plan.dispose();
      this.frame = { length, plan };
      this.#bound = undefined;
    }
    return this.frame.plan;
  }
}

const planOf = (
  gpu: GpuDevice,
  pipelines: PipelineCache,
  weights: WeightStore,
  { program, options }: PlacedProgram,
  label: string,
): Promise<Plan> => Plan.create(gpu, pipelines, program, weights, label, options);

/** What compiles from now on; both promises may be left unheard. */
interface Compiling {
  /** Where the driver compiles at the first dispatch: it has everything to compile. */
  readonly dispatched: Promise<void>;
  readonly compiled: Promise<unknown>;
}

function beginCompiling(
  gpu: GpuDevice,
  pipelines: PipelineCache,
  { frame, text }: Programs,
  onProgress: WebGpuEngineParts['onProgress'],
): Compiling {
  const calls = [...frame.calls, ...text.calls];
  const compiled = pipelines.compile(calls, progress => onProgress?.({ phase: 'compile', ...progress }));
  // What the tuning is tried with is the first in the queue: its answer comes while the rest is compiled.
  const tried = new Promise<void>(resolve => {
    gpu.settle({ after: compiled, onSubmit: resolve }).then(resolve);
  });
  const dispatched = tried.then(() => gpu.dispatchOnce?.(gpu, pipelines, calls));
  for (const each of [compiled, dispatched]) each.catch(() => undefined);
  return { dispatched, compiled };
}
