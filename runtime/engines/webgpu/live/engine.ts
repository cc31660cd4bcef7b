// The network on frames as the browser has them: a frame is read, resized, normalised, segmented, averaged and drawn on the device. The
// host sees only the logits, of which it makes lesions, and what tells a lost camera and a cut from a picture.

import { check } from '../../../../errors/index.js';
import { type BufferRange, CommandPlan } from '../../../../gpu/commands.js';
import { averageLogits, averageLogitsUniforms } from '../../../../gpu/kernels/live/average-logits.js';
import { pixelStatisticsCount } from '../../../../gpu/kernels/live/pixel-statistics.js';
import type { PipelineCache } from '../../../../gpu/pipelines.js';
import type { Readback } from '../../../../gpu/readback.js';
import type { Config } from '../../../../networks/config.js';
import type { LiveEngine, LiveFrame, LiveRunOptions, LiveSource, OverlayLook } from '../../../live/live-engine.js';
import type { DeviceReport } from '../device-report.js';
import type { Plan } from '../plan.js';
import { FrameInput, type ImageInput } from './frame-input.js';
import { Overlay } from './overlay.js';
import { type Picture, PictureSource } from './picture-source.js';

/** What the engine lends: all of it stays the engine's. */
export interface DeviceLiveParts {
  readonly pipelines: PipelineCache;
  readonly readback: Readback;
  readonly config: Config;
  /** The frame plan for a report. */
  plan(report: DeviceReport): Promise<Plan>;
  /** Has the frame plan read this report, from what the encoder holds next. */
  bind(report: DeviceReport, encoder: GPUCommandEncoder): void;
}

/** The plan for which the network's ends were tied. */
interface Tied {
  readonly plan: Plan;
  readonly image: ImageInput;
  readonly average: CommandPlan;
}

const ALIGNMENT = 256;
const STATISTICS_BYTES = 4 * pixelStatisticsCount;

export class DeviceLive implements LiveEngine<DeviceReport> {
  readonly #source: PictureSource;
  #tied: Tied | undefined;
  /** Whether the average holds anything. */
  #begun = false;
  #share = 1;
  #context: GPUCanvasContext | undefined;
  #overlay: Promise<Overlay> | undefined;

  private constructor(
    private readonly parts: DeviceLiveParts,
    /** Average of logits, then statistics: what is read back. */
    private readonly result: GPUBuffer,
    private readonly input: FrameInput,
  ) {
    this.#source = new PictureSource(parts.pipelines);
  }

  /** Errors: GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST, DISPOSED. */
  static async create(parts: DeviceLiveParts): Promise<DeviceLive> {
    const { pipelines, config } = parts;
    const { size, offset } = placeOf(config);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
    const result = await pipelines.gpu.createBuffer({ label: 'live result', size, usage, kind: 'other' });
    const statistics = { buffer: result, offset, size: STATISTICS_BYTES };
    return new DeviceLive(parts, result, await FrameInput.create(pipelines, config, statistics));
  }

  async run(source: LiveSource, report: DeviceReport, options: LiveRunOptions): Promise<LiveFrame> {
    return this.runPicture(await this.#source.take(source), report, options);
  }

  /** As `run`, of what lies in a texture already. */
  async runPicture(picture: Picture, report: DeviceReport, options: LiveRunOptions): Promise<LiveFrame> {
    const { share, reset, signal } = options;
    const { pipelines, readback, bind } = this.parts;
    const { gpu } = pipelines;
    const { plan, image, average } = await this.#tie(await this.parts.plan(report));
    await this.input.fit(picture, image);
    this.#setShare(average, reset || !this.#begun ? 1 : share);
    const encoder = gpu.device.createCommandEncoder({ label: 'live' });
    bind(report, encoder);
    const pass = encoder.beginComputePass({ label: 'live' });
    this.input.encodePass(pass, picture);
    plan.commands.encodePass(pass);
    average.encodePass(pass);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    this.#begun = true;
    const { size, offset } = placeOf(this.parts.config);
    const { imageSize } = this.parts.config;
    const frame = await readback.view(
      { buffer: this.result, offset: 0, size },
      ({ buffer, byteOffset }): LiveFrame => {
        const statistics = new Float32Array(buffer, byteOffset + offset, pixelStatisticsCount);
        const [red, green, blue] = statistics.subarray(3) as unknown as LiveFrame['deviation'];
        return {
          logits: new Float32Array(buffer, byteOffset, imageSize * imageSize).slice(),
          deviation: [red, green, blue],
          histogram: statistics.slice(6),
        };
      },
      { signal },
    );
    gpu.check('live');
    return frame;
  }

  setOverlay(canvas: OffscreenCanvas | null): void {
    this.#context?.unconfigure();
    this.#context = undefined;
    if (!canvas) return;
    const context = canvas.getContext('webgpu');
    check(
      context,
      'BAD_ARGUMENT',
      'setOverlay: the canvas must have no context of another kind, got one that gives none for WebGPU; give a fresh canvas',
    );
    context.configure({ device: this.parts.pipelines.gpu.device, format: canvasFormat(), alphaMode: 'premultiplied' });
    this.#context = context;
  }

  async draw(allowed: Uint8Array, width: number, height: number, look: OverlayLook): Promise<void> {
    const overlay = await this.overlay();
    await overlay.draw(allowed, width, height, look, () => {
      const context = this.#context;
      check(context, 'INTERNAL', 'draw: there must be an overlay, got none; call setOverlay first');
      const { canvas } = context;
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
      return context.getCurrentTexture();
    });
  }

  /** What draws the last frame, into anything of this format. */
  overlay(format: GPUTextureFormat = canvasFormat()): Promise<Overlay> {
    const { pipelines, config } = this.parts;
    const { imageSize } = config;
    this.#overlay ??= Overlay.create(pipelines, imageSize, this.#average, format);
    this.#overlay.catch(() => {
      this.#overlay = undefined; // the next call reports its own error
    });
    return this.#overlay;
  }

  clear(): void {
    const { gpu } = this.parts.pipelines;
    if (!this.#context || gpu.state !== 'open') return;
    const encoder = gpu.device.createCommandEncoder({ label: 'clear overlay' });
    const view = this.#context.getCurrentTexture().createView();
    encoder.beginRenderPass({ colorAttachments: [{ view, loadOp: 'clear', storeOp: 'store' }] }).end();
    gpu.device.queue.submit([encoder.finish()]);
  }

  /** Frees everything but what the engine lent. Twice is fine. */
  dispose(): void {
    this.setOverlay(null);
    this.#source.dispose();
    this.input.dispose();
    this.#tied?.average.dispose();
    this.#tied = undefined;
    this.#overlay?.then(
      overlay => overlay.dispose(),
      () => undefined, // whoever asked for it has been told
    );
    this.parts.pipelines.gpu.destroyBuffer(this.result);
  }

  get #average(): BufferRange {
    return { buffer: this.result, offset: 0, size: 4 * this.parts.config.imageSize ** 2 };
  }

  /** Ties the ends of the frame plan to ours, again where it has been made anew for a longer text. */
  async #tie(plan: Plan): Promise<Tied> {
    if (this.#tied?.plan === plan) return this.#tied;
    this.#tied?.average.dispose();
    this.#tied = undefined;
    const { range, storage } = plan.output('logits');
    const image = plan.input('image');
    const count = this.parts.config.imageSize ** 2;
    const call = averageLogits(
      { count, share: this.#share },
      { x: range, average: this.#average },
      { act: storage as ImageInput['act'] },
    );
    const average = await CommandPlan.create(this.parts.pipelines, 'live average', [call]);
    this.#tied = { plan, image: { range: image.range, act: image.storage as ImageInput['act'] }, average };
    return this.#tied;
  }

  #setShare(average: CommandPlan, share: number): void {
    if (share === this.#share) return;
    average.setUniforms(0, averageLogitsUniforms({ count: this.parts.config.imageSize ** 2, share }));
    this.#share = share;
  }
}

/** Where the statistics lie behind the average, and the bytes of both. */
function placeOf({ imageSize }: Config): { offset: number; size: number } {
  const offset = Math.ceil((4 * imageSize * imageSize) / ALIGNMENT) * ALIGNMENT;
  return { offset, size: offset + STATISTICS_BYTES };
}

/** Both formats that it can be are good for a canvas anywhere; the browser's own spares it a copy. */
const canvasFormat = (): GPUTextureFormat => navigator.gpu.getPreferredCanvasFormat();
