// The engines, a row each: when `auto` takes one and why, how it is opened, and how it gets the weights of a model. Another one is a
// row here, its name in names.ts and a folder beside this file.

import type { Assembly } from '../../assembly/index.js';
import type { SafetensorsHeader } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../gpu/device.js';
import { openDevice } from '../../gpu/open-device.js';
import type { Config } from '../../networks/config.js';
import type { AdapterSummary, DeviceChoice, DType, DTypeChoice, SessionOptions } from '../types.js';
import { type AdapterTraits, nameOf, type PrecisionChoice } from './choice.js';
import { ENGINES, type EngineId } from './names.js';
import type { EngineReport, NetworkEngine } from './network-engine.js';
import { type EngineOptions, type Platform, presentAdapter } from './platform.js';
import { precisionOn, realParameters, weightsOf } from './stored-weights.js';
import type { Ort } from './wasm/network.js';
import { WebGpuEngine } from './webgpu/engine.js';
import type { TuneRequest } from './webgpu/tune-programs.js';

/** What an opened engine holds, by its name: a GPU, or an onnxruntime on the CPU. */
interface Held {
  webgpu: { readonly gpu: GpuDevice };
  wasm: { readonly gpu: null; readonly ort: Ort };
}

/** An engine that was chosen, ready for a model, and why it was. */
export type Opened<Id extends EngineId = EngineId> = {
  [Name in Id]: { readonly device: Name; readonly reason: string } & Held[Name];
}[Id];

/** The engine that was chosen, where a GPU is still to be opened. */
export type Prepared = () => Opened | Promise<Opened>;

/** The adapter that would be opened; where there is none, why, or null where none was looked for. */
type Found = AdapterTraits | string | null;

export interface Loading {
  /** Null where parameters are computed. */
  readonly header: SafetensorsHeader | null;
  readonly stream: ParameterStream;
  readonly assembly: Assembly;
  readonly config: Config;
  readonly tune?: TuneRequest | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: SessionOptions['onProgress'] | undefined;
}

interface Described {
  readonly precision: Pick<PrecisionChoice, 'dtype' | 'reason'>;
  readonly adapter: AdapterSummary;
}

interface Running extends Described {
  readonly engine: NetworkEngine<EngineReport>;
}

type GpuEngine = Pick<typeof WebGpuEngine, 'create'>;

interface Row<Id extends EngineId> {
  /** Whether `auto` takes it. The last row takes what is there. */
  suits(found: Found): boolean;
  /** Why it runs, where it was asked for or suits. */
  reason(choice: DeviceChoice, found: Found): string;
  /** What can be known before weights are fetched for it. Errors: those of the engine. */
  prepare(
    platform: Platform,
    options: EngineOptions,
    reason: string,
    choice: DeviceChoice,
  ): Promise<() => Opened<Id> | Promise<Opened<Id>>>;
  /** What runs, and at which precision a model of that configuration does. */
  describe(opened: Opened<Id>, dtype: DTypeChoice, config: Config): Promise<Described>;
  start(opened: Opened<Id>, dtype: DTypeChoice, loading: Loading, Engine: GpuEngine): Promise<Running>;
  /** Lets go of an engine that was opened and not started, where it holds anything. */
  close?(opened: Opened<Id>): void;
}

const adapterOf = (found: Found): AdapterTraits | null => (typeof found === 'string' ? null : found);

/**
 * `auto` takes WebGPU where its adapter is hardware, else wasm: onnxruntime's kernels are made for a CPU, an adapter that runs on
 * one imitates a GPU with it. By name, any adapter is taken.
 */
export const engines: { readonly [Id in EngineId]: Row<Id> } = {
  webgpu: {
    suits: found => adapterOf(found)?.software === false,
    reason(choice, found) {
      const adapter = adapterOf(found);
      const name = adapter ? nameOf(adapter) : 'not there';
      return choice === 'auto'
        ? `a hardware adapter is present: ${name}`
        : `webgpu was asked for; the adapter is ${name}`;
    },
    async prepare(platform, { signal, hasty = false }, _, choice) {
      return async () => {
        const any = choice === 'auto' ? {} : ({ prefer: 'any', hasty } as const);
        const gpu = await openDevice({ gpu: await platform.gpu(), signal, ...any });
        return { device: 'webgpu', gpu, reason: engines.webgpu.reason(choice, gpu.adapter) };
      };
    },
    async describe({ gpu }, dtype, config) {
      return { precision: precisionOn(gpu, dtype, config), adapter: gpu.adapter };
    },
    async start({ gpu }, dtype, { header, stream, ...loading }, Engine) {
      const weights = await weightsOf(loading.config, header, stream, dtype, gpu);
      const engine = await Engine.create({ ...loading, ...weights, gpu });
      return { engine, precision: weights.precision, adapter: gpu.adapter };
    },
    close: ({ gpu }) => gpu.dispose(),
  },
  wasm: {
    suits: () => true,
    reason(choice, found) {
      if (choice !== 'auto') return 'wasm was asked for';
      const adapter = adapterOf(found);
      const why = adapter
        ? `there is no hardware adapter, only ${nameOf(adapter)}, which runs on the CPU`
        : (found ?? 'there is no WebGPU adapter');
      return `${why}; wasm runs instead`;
    },
    /** Loaded at once: whether it can run is known before weights are fetched for it. */
    async prepare(platform, { wasmPaths }, reason) {
      const { loadOrt } = await import('./wasm/load.js');
      const ort = await loadOrt(platform, wasmPaths);
      return () => ({ device: 'wasm', gpu: null, ort, reason });
    },
    // Imported when wanted, as onnxruntime-web is: a page with a GPU downloads none of it.
    async describe({ ort }, dtype, config) {
      const { chooseWasmPrecision, wasmAdapter } = await import('./wasm/facts.js');
      return { precision: chooseWasmPrecision(dtype, config.dtype), adapter: wasmAdapter(ort) };
    },
    async start(opened, dtype, { header, stream, ...loading }) {
      const { WasmEngine } = await import('./wasm/engine.js');
      const parameters = await realParameters(header, stream);
      const engine = await WasmEngine.create({ ...loading, parameters, ort: opened.ort });
      // Threads that could not be started are known only now.
      return { engine, ...(await engines.wasm.describe(opened, dtype, loading.config)) };
    },
  },
};

export interface EngineChoice {
  readonly device: EngineId;
  readonly reason: string;
}

/** The engine that runs, and why. */
export function chooseEngine(choice: DeviceChoice, found: Found): EngineChoice {
  const device = choice === 'auto' ? ENGINES.find(name => engines[name].suits(found))! : choice;
  return { device, reason: engines[device].reason(choice, found) };
}

/** Chooses the engine. Errors: those of the engine that is asked for. `auto` finds an engine wherever wasm runs. */
export async function prepareEngine(
  platform: Platform,
  choice: DeviceChoice,
  options: EngineOptions,
): Promise<Prepared> {
  const { device, reason } = chooseEngine(choice, choice === 'auto' ? await presentAdapter(platform) : null);
  return engines[device].prepare(platform, options, reason, choice);
}

/** What `auto` goes on with after its GPU was lost too often: an engine that cannot be. */
export function prepareWithoutGpu(platform: Platform, options: EngineOptions): Promise<Prepared> {
  const { device } = chooseEngine('auto', 'no GPU is to be tried');
  return engines[device].prepare(
    platform,
    options,
    `the GPU was lost again and again, and ${device} took over`,
    'auto',
  );
}

/** What an engine that was opened says of itself. */
export const describeEngine = <Id extends EngineId>(
  opened: Opened<Id>,
  dtype: DTypeChoice,
  config: Config,
): Promise<Described> => engines[opened.device].describe(opened, dtype, config);

export interface Choice extends EngineChoice {
  readonly dtype: DType;
}

export const choiceOf = ({ device, reason }: EngineChoice, precision: Running['precision']): Choice => ({
  device,
  dtype: precision.dtype,
  reason: `${reason}; ${precision.reason}`,
});

interface Started extends Pick<Running, 'engine' | 'adapter'> {
  readonly choice: Choice;
}

/** An engine with its weights. `Engine` is the class that runs on a device, for whoever must see inside it. */
export async function startEngine<Id extends EngineId>(
  opened: Opened<Id>,
  dtype: DTypeChoice,
  loading: Loading,
  Engine: GpuEngine = WebGpuEngine,
): Promise<Started> {
  const { precision, ...running } = await engines[opened.device].start(opened, dtype, loading, Engine);
  return { ...running, choice: choiceOf(opened, precision) };
}

/** Lets go of an engine that was opened and not started. */
export const closeEngine = <Id extends EngineId>(opened: Opened<Id>): void => engines[opened.device].close?.(opened);
