// This package's own runner: the engine that sessions run on, given ids and a normalised image, with what a benchmark must see
// of its inside.

import type { Assembly } from '../assembly/index.js';
import { check } from '../errors/index.js';
import type { GpuDevice } from '../gpu/device.js';
import type { KernelCall } from '../gpu/kernel.js';
import { channelsLast } from '../runtime/layout.js';
import type { EngineReport, NetworkEngine } from '../runtime/network-session.js';
import { startEngine } from '../runtime/open.js';
import { withNetwork } from '../runtime/open-inspect.js';
import { openDeviceOrOrt, type Platform } from '../runtime/platform.js';
import type { DeviceChoice, DTypeChoice, Progress, SessionInfo, SessionStats } from '../runtime/types.js';
import { bytesOfView, encodeStorage } from '../runtime/webgpu/encode.js';
import { WebGpuEngine, type WebGpuEngineParts } from '../runtime/webgpu/engine.js';
import type { TimedCall } from './kernel-table.js';
import type { BenchInputs, OpenTimes, Runner } from './runner.js';

/** An engine whose frame plan can be profiled. */
class ProfiledEngine extends WebGpuEngine {
  static override create(parts: WebGpuEngineParts): Promise<ProfiledEngine> {
    // biome-ignore lint/complexity/noThisInStatic: the engine made must be of this class, which `this` in create says
    return super.create(parts) as Promise<ProfiledEngine>;
  }

  /** The frame plan's dispatches on the device's clock. Errors: UNSUPPORTED (no timestamps), GPU_LIMIT. */
  async profile(): Promise<TimedCall[]> {
    const { plan, length } = this.frame;
    const calls: readonly KernelCall<unknown>[] = this.programs.get(length)!.frame.calls;
    const times = await plan.profile();
    return times.map(({ label, ms }, i) => ({ name: label, ms, cost: calls[i]!.cost }));
  }
}

export interface OursOptions {
  readonly model: string;
  readonly platform: Platform;
  readonly device: DeviceChoice;
  readonly dtype: DTypeChoice;
  readonly fill: boolean;
  readonly version: string;
  readonly inputs: BenchInputs;
  readonly signal?: AbortSignal | undefined;
}

interface OpenEngine {
  readonly engine: NetworkEngine<EngineReport>;
  readonly info: SessionInfo;
  /** Null in wasm. */
  readonly gpu: GpuDevice | null;
  /** The image as the engine takes it. */
  readonly input: Float32Array | Uint16Array;
}

export class OurRunner implements Runner {
  readonly name = 'tmca-edge';
  readonly version: string;
  readonly #options: OursOptions;
  #opened: OpenEngine | undefined;
  #report: EngineReport | undefined;

  constructor(options: OursOptions) {
    this.#options = options;
    this.version = options.version;
  }

  async open(): Promise<OpenTimes> {
    const { model, platform, device, dtype, fill, inputs, signal } = this.#options;
    const start = performance.now();
    const done: { load: number | null; compile: number | null } = { load: null, compile: null };
    const onProgress = ({ phase, loaded, total }: Progress) => {
      if (loaded !== total) return;
      const ms = performance.now() - start;
      if (phase === 'weights') done.load = ms;
      if (phase === 'compile') done.compile ??= ms;
    };
    return withNetwork(model, platform, { fill, ...(signal ? { signal } : {}) }, async network => {
      const { header, stream, assembly, config, describe } = network;
      const opened = await openDeviceOrOrt(platform, device, signal ? { signal } : {});
      const loading = { header, stream, assembly, config, signal, onProgress };
      const { engine, choice, adapter } = await startEngine(opened, dtype, loading, ProfiledEngine);
      const gpu = opened.device === 'webgpu' ? opened.gpu : null;
      this.#opened = { engine, info: describe(choice, adapter), gpu, input: inputOf(inputs, engine.input, assembly) };
      return done;
    });
  }

  async text(): Promise<void> {
    const { engine, gpu } = this.#open;
    const report = await engine.encode(this.#options.inputs.ids);
    // submitted only: the time is that of the work, not of asking for it
    if (gpu) await gpu.guard('bench', gpu.device.queue.onSubmittedWorkDone());
    this.#report?.dispose();
    this.#report = report;
  }

  frame(): Promise<Float32Array> {
    const { engine, input } = this.#open;
    check(this.#report, 'INTERNAL', 'OurRunner.frame: there must be a report, got none; call text first');
    return engine.run(input, this.#report, this.#options.signal);
  }

  /** Each dispatch of a frame; none where the device has no clock. */
  async profile(): Promise<TimedCall[]> {
    const { engine, gpu } = this.#open;
    return gpu?.features.timestamps && engine instanceof ProfiledEngine ? engine.profile() : [];
  }

  get info(): SessionInfo {
    return this.#open.info;
  }

  get gpu(): GpuDevice | null {
    return this.#open.gpu;
  }

  /** Whether activations are f16, and arithmetic with them. */
  get isHalf(): boolean {
    return this.#open.engine.input.dtype === 'f16';
  }

  stats(): Pick<SessionStats, 'dispatches' | 'gpuBytes'> {
    return this.#open.engine.stats();
  }

  async dispose(): Promise<void> {
    this.#report?.dispose();
    this.#report = undefined;
    this.#opened?.engine.dispose();
    this.#opened = undefined;
  }

  get #open(): OpenEngine {
    check(this.#opened, 'INTERNAL', 'OurRunner: the network must be open, got none; call open first');
    return this.#opened;
  }
}

/** The image in the layout and the storage in which an engine takes it. */
function inputOf(
  { image, size }: BenchInputs,
  { dtype, layout }: NetworkEngine['input'],
  assembly: Assembly,
): Float32Array | Uint16Array {
  if (layout === 'nchw') return image;
  const { data } = channelsLast({ shape: [1, 3, size, size], data: image });
  if (dtype === 'f32') return data;
  const tensor = { name: 'image', dtype: 'F32', shape: [size, size, 3], bytes: bytesOfView(data) } as const;
  const { buffer } = encodeStorage(assembly, tensor, dtype).slice();
  return new Uint16Array(buffer, 0, data.length);
}
