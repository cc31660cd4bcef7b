// A model on a WebGPU device: one plan for frames, one for each padded text length, their weights stored once.

import type { Assembly } from '../../assembly/index.js';
import { Preprocessor } from '../../assembly/preprocess.js';
import type { Vocabulary } from '../../assembly/wordpiece.js';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import type { GpuDevice } from '../../gpu/device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';
import type { Config } from '../../model/config.js';
import type { PrecisionChoice } from '../engine-choice.js';
import { SerialQueue } from '../queue.js';
import { segmentationOf } from '../segmentation.js';
import { paddedLength, padIds, textLengths } from '../text-lengths.js';
import type {
  Pixels,
  Progress,
  Report,
  Segmentation,
  SegmentOptions,
  Session,
  SessionInfo,
  SessionStats,
} from '../types.js';
import { bytesOfView, decodeStorage, type ParameterStream } from './encode.js';
import { Plan } from './plan.js';
import { buildPrograms, FRAME_INPUTS, type Programs } from './programs.js';
import { DeviceReport } from './report.js';
import { WeightStore } from './weights.js';

export interface WebGpuSessionParts {
  /** The session's own: disposed with it. */
  readonly gpu: GpuDevice;
  readonly assembly: Assembly;
  readonly config: Config;
  readonly precision: PrecisionChoice;
  /** The session's own; null where the folder has no vocab.txt. */
  readonly vocabulary: Vocabulary | null;
  readonly parameters: ParameterStream;
  /** Called when the parameters are loaded: the model's hash is known then. */
  readonly describe: () => SessionInfo;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export class WebGpuSession implements Session {
  readonly #queue = new SerialQueue();
  readonly #texts = new Map<number, Plan>();
  readonly #reports = new Set<DeviceReport>();
  readonly #preprocessor: Preprocessor;
  #disposed = false;
  #frames = 0;
  #reportCount = 0;
  /** The report whose keys and values lie in the frame plan. */
  #bound: DeviceReport | undefined;

  private constructor(
    readonly info: SessionInfo,
    private readonly parts: WebGpuSessionParts,
    private readonly programs: ReadonlyMap<number, Programs>,
    private readonly pipelines: PipelineCache,
    private readonly weights: WeightStore,
    private readonly readback: Readback,
    private frame: { readonly length: number; readonly plan: Plan },
  ) {
    const { config, assembly, precision } = parts;
    this.#preprocessor = new Preprocessor(assembly, {
      size: config.imageSize,
      normalize: config.normalize,
      dtype: precision.activations,
      layout: 'nhwc',
    });
  }

  /** Loads the weights while the pipelines compile. Where it fails, the parts stay the caller's to dispose. */
  static async create(parts: WebGpuSessionParts): Promise<WebGpuSession> {
    const { gpu, assembly, config, precision, signal, onProgress } = parts;
    const lengths = textLengths(config.maxTextLength);
    const programs = new Map(lengths.map(length => [length, buildPrograms(config, length, precision, gpu.tuning)]));
    const shortest = programs.get(lengths[0]!)!;
    const all = [shortest.frame, ...[...programs.values()].map(({ text }) => text)];
    const pipelines = new PipelineCache(gpu);
    const compiled = pipelines.compile([...shortest.frame.calls, ...shortest.text.calls], progress =>
      onProgress?.({ phase: 'compile', ...progress }),
    );
    compiled.catch(() => undefined); // awaited below; a failing load must not leave it unheard
    const weights = await WeightStore.load(gpu, assembly, all, parts.parameters, { signal, onProgress });
    await compiled;
    const plan = await Plan.create(gpu, pipelines, shortest.frame, weights, 'frame', { rewritten: FRAME_INPUTS });
    const readback = new Readback(gpu);
    onProgress?.({ phase: 'ready', loaded: 1, total: 1 });
    const frame = { length: lengths[0]!, plan };
    return new WebGpuSession(parts.describe(), parts, programs, pipelines, weights, readback, frame);
  }

  async encodeReport(text: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Report> {
    const { vocabulary, config } = this.parts;
    this.#usable('encodeReport');
    check(
      text.trim() !== '',
      'TEXT_EMPTY',
      'encodeReport: the text must have at least one word, got none; describe the finding',
    );
    check(
      vocabulary,
      'VOCABULARY_INVALID',
      'encodeReport: the model folder must have a vocab.txt to read text; add the one that the model was trained with',
    );
    const { ids, truncated } = vocabulary.encode(text, { maxLength: config.maxTextLength });
    return this.#queue.run(async () => {
      this.#usable('encodeReport');
      throwIfAborted(signal, 'encodeReport');
      const report = await this.#encode(text, ids, truncated);
      this.#reportCount++;
      return report;
    });
  }

  segment(image: Pixels, report: Report, options: SegmentOptions = {}): Promise<Segmentation> {
    const { threshold = 0.5, signal } = options;
    return this.#queue.run(async () => {
      this.#usable('segment');
      throwIfAborted(signal, 'segment');
      checkPixels(image);
      check(
        threshold >= 0 && threshold <= 1,
        'BAD_ARGUMENT',
        `segment: threshold must lie in [0, 1], got ${threshold}; 0.5 is the usual one`,
      );
      const encoded = this.#own(report);
      const start = performance.now();
      const input = bytesOfView(this.#preprocessor.run(image));
      const prepared = performance.now();
      const logits = await this.#run(input, encoded, signal);
      const answered = performance.now();
      const { assembly, config } = this.parts;
      const found = segmentationOf(assembly, logits, config.imageSize, image, threshold);
      this.#frames++;
      const end = performance.now();
      return {
        ...found,
        ms: {
          preprocess: prepared - start,
          network: answered - prepared,
          postprocess: end - answered,
          total: end - start,
        },
      };
    });
  }

  stats(): SessionStats {
    const shortest = this.programs.values().next().value!;
    return {
      ...this.info,
      frames: this.#frames,
      reports: this.#reportCount,
      recoveries: 0,
      dispatches: { frame: shortest.frame.calls.length, text: shortest.text.calls.length },
      gpuBytes: { ...this.parts.gpu.bytes },
    };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const report of this.#reports) report.dispose();
    for (const plan of [this.frame.plan, ...this.#texts.values()]) plan.dispose();
    this.readback.dispose();
    this.weights.dispose();
    this.#preprocessor.dispose();
    this.parts.vocabulary?.dispose();
    this.parts.gpu.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #usable(where: string): void {
    if (this.#disposed) {
      throw new TmcaError('DISPOSED', `${where}: the session must be open, got a disposed one; create another`);
    }
    this.parts.gpu.check(where);
  }

  #own(report: Report): DeviceReport {
    check(
      report instanceof DeviceReport && this.#reports.has(report),
      'BAD_ARGUMENT',
      'segment: the report must come from encodeReport of the same session and be undisposed; encode the text again',
    );
    return report;
  }

  async #encode(text: string, ids: Int32Array, truncated: boolean): Promise<DeviceReport> {
    const { gpu } = this.parts;
    const length = paddedLength([...this.programs.keys()], ids.length);
    const plan = await this.#textPlan(length);
    const padded = padIds(ids, length);
    plan.write('ids', bytesOfView(padded.ids));
    plan.write('mask', bytesOfView(padded.mask));
    const report = await DeviceReport.create(gpu, plan, { text, ids, truncated, length, mask: padded.mask }, r =>
      this.#reports.delete(r),
    );
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
    this.#reports.add(report);
    return report;
  }

  async #textPlan(length: number): Promise<Plan> {
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

  /** One frame: logits [S,S] by row. */
  async #run(input: Uint8Array, report: DeviceReport, signal: AbortSignal | undefined): Promise<Float32Array> {
    const { gpu, assembly } = this.parts;
    // The frame plan may have to be made; the input is a view of wasm memory, so it is written when nothing waits any more.
    const held = report.length > this.frame.length ? input.slice() : input;
    const plan = await this.#framePlan(report.length);
    const { range, storage } = plan.output('logits');
    plan.write('image', held);
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
}

function checkPixels({ data, width, height, channels }: Pixels): void {
  const whole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  check(
    whole && [1, 3, 4].includes(channels) && data.length === width * height * channels,
    'BAD_ARGUMENT',
    `segment: pixels must be width x height x channels (1, 3 or 4) bytes, got ${width} x ${height} x ${channels} and ${data.length} bytes; decode the image first`,
  );
}
