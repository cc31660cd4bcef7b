// This package's own runner: the engine that sessions run on, given ids and a normalised image, with what a benchmark must see
// of its inside.

import type { Assembly } from '../assembly/index.js';
import { check } from '../errors/index.js';
import { bytesOfView, encodeStorage } from '../formats/weights/encode-storage.js';
import type { GpuDevice } from '../gpu/device.js';
import { channelsLast } from '../graph/map-layout.js';
import type { EngineReport, EngineStats, NetworkEngine } from '../runtime/engines/network-engine.js';
import type { Platform } from '../runtime/engines/platform.js';
import { startEngine } from '../runtime/engines/table.js';
import { WebGpuEngine, type WebGpuEngineParts } from '../runtime/engines/webgpu/engine.js';
import type { Plan } from '../runtime/engines/webgpu/plan.js';
import { openEngine, withNetwork } from '../runtime/inspect/open.js';
import { tuneRequest } from '../runtime/session/open.js';
import { paddedLength } from '../runtime/text-lengths.js';
import type { DeviceChoice, DTypeChoice, Progress, SessionInfo, TuneChoice } from '../runtime/types.js';
import { type CallTimes, type TimingOptions, timeCalls } from './clock.js';
import type { TimedCall } from './kernel-table.js';
import type { BenchInputs, OpenTimes, Runner } from './runner.js';

/** An engine whose plans can be looked into. */
class ProfiledEngine extends WebGpuEngine {
  static override create(parts: WebGpuEngineParts): Promise<ProfiledEngine> {
    // biome-ignore lint/complexity/noThisInStatic: the engine made must be of this class, which `this` in create says
    return super.create(parts) as Promise<ProfiledEngine>;
  }

  /** Each dispatch of a frame and of a text of so many tokens. Errors: those of `timeCalls`. */
  async profile(tokens: number, options: TimingOptions): Promise<Profiles> {
    const text = await this.textPlan(paddedLength(this.programs.lengths, tokens));
    return { frame: await this.#timed(this.frame.plan, options), text: await this.#timed(text, options) };
  }

  planned(): PlannedBytes {
    const { plan } = this.frame;
    const bytes = (names: readonly string[], of: 'input' | 'output') =>
      names.reduce((sum, name) => sum + plan[of](name).range.size, 0);
    return {
      inputs: bytes(plan.inputNames, 'input'),
      outputs: bytes(plan.outputNames, 'output'),
      arena: plan.arenaBytes,
      arena_lower_bound: plan.lowerBound,
    };
  }

  async #timed({ calls }: Plan, options: TimingOptions): Promise<Profile> {
    const { ms, ...how } = await timeCalls(this.pipelines, calls, options);
    return { ...how, calls: calls.map(({ shader, cost }, i) => ({ name: shader.name, ms: ms[i]!, cost })) };
  }
}

/** The bytes that the frame's plan takes; its inputs and outputs lie in its arena. */
export interface PlannedBytes {
  readonly inputs: number;
  readonly outputs: number;
  readonly arena: number;
  /** The most that is needed at one time: no plan is smaller. */
  readonly arena_lower_bound: number;
}

/** The dispatches of a program, timed. */
export interface Profile extends Omit<CallTimes, 'ms'> {
  readonly calls: readonly TimedCall[];
}

export interface Profiles {
  readonly frame: Profile;
  readonly text: Profile;
}

export interface OursOptions {
  readonly model: string;
  readonly platform: Platform;
  readonly device: DeviceChoice;
  readonly dtype: DTypeChoice;
  readonly fill: boolean;
  /** As of `SessionOptions`. */
  readonly tune?: TuneChoice | undefined;
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
    const { model, platform, device, dtype, fill, tune, inputs, signal } = this.#options;
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
      const opened = await openEngine(platform, device, { hasty: true, ...(signal ? { signal } : {}) });
      const loading = {
        header,
        stream,
        assembly,
        config,
        tune: tuneRequest(opened, tune, platform),
        signal,
        onProgress,
      };
      const { engine, choice, adapter } = await startEngine(opened, dtype, loading, ProfiledEngine);
      const { gpu } = opened;
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

  /** Each dispatch; null in wasm. After `frame`. */
  async profile(options: TimingOptions = {}): Promise<Profiles | null> {
    const { engine } = this.#open;
    const { inputs, signal } = this.#options;
    return engine instanceof ProfiledEngine ? engine.profile(inputs.ids.length, { signal, ...options }) : null;
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

  stats(): EngineStats {
    return this.#open.engine.stats();
  }

  /** Null in wasm. */
  plannedBytes(): PlannedBytes | null {
    const { engine } = this.#open;
    return engine instanceof ProfiledEngine ? engine.planned() : null;
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
export function inputOf(
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
