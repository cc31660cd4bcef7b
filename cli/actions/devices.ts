// `tmca devices`: what this machine can run on, and what `--device auto` makes of it.

import { basename } from 'node:path';
import type { Roofline } from '../../devices/roofline.js';
import type { AdapterInfo } from '../../gpu/adapter.js';
import { isGpuAbsence } from '../../gpu/adapter.js';
import type { AdapterTuning } from '../../node/index.js';
import { type EngineId, runsOnGpu } from '../../runtime/engines/names.js';
import { chooseEngine } from '../../runtime/engines/table.js';
import type { AdapterSummary } from '../../runtime/types.js';
import type { Context } from '../context.js';
import { rates } from '../display/bench.js';
import { tuningLines } from '../display/tuning.js';

export interface DevicesResult {
  /** Hardware first. */
  readonly adapters: readonly AdapterInfo[];
  /** Why there is no WebGPU at all; absent where there is. */
  readonly webgpu?: string;
  /** The measured rates of the first adapter, where they were asked for. */
  readonly roofline?: Roofline;
  /** How kernels are cut for the first adapter: its profile, and what was measured. */
  readonly tuning?: AdapterTuning;
  /** The engine on the CPU: version, threads, and the cores that it could use. */
  readonly wasm: AdapterSummary & { readonly cores: number };
  readonly auto: {
    readonly device: EngineId;
    readonly adapter: string;
    /** What computes in f16: the device itself, or f16 weights with f32 arithmetic. */
    readonly fp16: 'native' | 'weights';
    readonly reason: string;
  };
}

export interface DevicesOptions {
  /** Whether the first adapter's rates are measured. */
  readonly measure?: boolean;
  /** Whether the kernels of `model` are fitted to it. */
  readonly tune?: boolean;
  readonly model: string;
  readonly json?: boolean;
}

/** No adapter is an answer, not an error: the exit code is 0. */
export async function devices({ measure, json, ...options }: DevicesOptions, context: Context): Promise<void> {
  const { engine, console, io } = context;
  const { adapters, absence } = await survey(() => engine.listAdapters());
  const wasm = await engine.describeWasm();
  const first = adapters[0];
  const { device, reason } = chooseEngine('auto', first ?? null);
  const gpu = runsOnGpu(device) ? first : undefined;
  const adapter = gpu ? gpu.description || gpu.architecture : wasm.description;
  const fp16 = gpu?.features.includes('shader-f16') ? 'native' : 'weights';
  const roofline = measure && first ? await engine.measureRoofline(io.signal) : undefined;
  const tuning = first && (await tuningOf(options, context));
  const result: DevicesResult = {
    adapters,
    ...(roofline ? { roofline } : {}),
    ...(tuning ? { tuning } : {}),
    ...(absence === undefined ? {} : { webgpu: absence }),
    wasm,
    auto: { device, adapter, fp16, reason },
  };
  await (json ? console.json(result) : console.print(summary(result)));
}

async function tuningOf(
  { tune, model }: Pick<DevicesOptions, 'tune' | 'model'>,
  { engine, console, io }: Context,
): Promise<AdapterTuning> {
  const loading = console.loading(basename(model));
  const measured = tune ? { measure: model, onProgress: loading.report } : {};
  return engine.describeTuning({ signal: io.signal, ...measured }).finally(() => loading.end());
}

async function survey(list: () => Promise<AdapterInfo[]>): Promise<{ adapters: AdapterInfo[]; absence?: string }> {
  try {
    return { adapters: await list() };
  } catch (error) {
    if (isGpuAbsence(error)) return { adapters: [], absence: error.message };
    throw error;
  }
}

function summary({ adapters, roofline, tuning, webgpu, wasm, auto }: DevicesResult): string[] {
  const lines = adapters.flatMap(({ vendor, architecture, description, software, features, limits }, i) => [
    `${description || architecture} (${[vendor, architecture].filter(Boolean).join(', ')}${software ? '; software' : ''})`,
    ...(roofline && i === 0 ? [`  measured: ${rates(roofline)}`] : []),
    `  features: ${features.join(', ') || 'none'}`,
    ...Object.entries(limits).map(([name, value]) => `  ${name}: ${value}`),
    ...(tuning && i === 0 ? tuningLines(tuning) : []),
  ]);
  const none =
    adapters.length > 0 ? [] : [`no WebGPU adapter${webgpu ? `: ${webgpu}` : '; npm run setup tells how to get one'}`];
  const engine = `${wasm.description} of ${wasm.cores} cores (wasm: ${wasm.features.join(', ')})`;
  const f16 = auto.fp16 === 'weights' ? ', fp16 models with f32 arithmetic' : '';
  return [...lines, ...none, engine, `--device auto: ${auto.device}${f16}; ${auto.reason}`];
}
