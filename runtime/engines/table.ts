// The engines, a row each: how one is opened, and how it gets the weights of a model. Another one is a row here, its name in
// names.ts, when and why it is taken in auto.ts, and a folder beside this file.

import type { Assembly } from '../../assembly/index.js';
import type { SafetensorsHeader } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../gpu/device.js';
import { openDevice } from '../../gpu/open-device.js';
import type { Config } from '../../networks/config.js';
import type { AdapterSummary, DeviceChoice, DType, DTypeChoice, SessionOptions } from '../types.js';
import { type AutoRule, autoRules, chooseEngine, type EngineChoice } from './auto.js';
import type { PrecisionChoice } from './choice.js';
import type { EngineId } from './names.js';
import type { EngineReport, NetworkEngine } from './network-engine.js';
import { type EngineOptions, type Platform, presentAdapter } from './platform.js';
import { precisionOn, realParameters, weightsOf } from './stored-weights.js';
import type { Ort } from './wasm/network.js';
import { WebGpuEngine } from './webgpu/engine.js';
import type { TuneRequest } from './webgpu/tune-programs.js';

export { chooseEngine };

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

interface Row<Id extends EngineId> extends AutoRule {
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

export const engines: { readonly [Id in EngineId]: Row<Id> } = {
  webgpu: {
    ...autoRules.webgpu,
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
    ...autoRules.wasm,
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
