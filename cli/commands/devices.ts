// `tmca devices`: what this machine can run on, and what `--device auto` makes of it.

import { TmcaError } from '../../errors/index.js';
import type { AdapterInfo } from '../../gpu/adapter.js';
import { engineReason } from '../../runtime/engine-choice.js';
import type { Context } from '../context.js';

export interface DevicesResult {
  /** Hardware first. */
  readonly adapters: readonly AdapterInfo[];
  readonly auto: {
    readonly device: 'webgpu' | null;
    readonly adapter: string | null;
    /** What computes in f16: the device itself, or f16 weights with f32 arithmetic. */
    readonly fp16: 'native' | 'weights' | null;
    readonly reason: string;
  };
}

/** No adapter is an answer, not an error: the exit code is 0. */
export async function devices(options: { readonly json?: boolean }, { engine, console }: Context): Promise<void> {
  const result = await survey(() => engine.listAdapters());
  await (options.json ? console.json(result) : console.print(summary(result)));
}

async function survey(list: () => Promise<AdapterInfo[]>): Promise<DevicesResult> {
  const nothing = (reason: string) => ({ adapters: [], auto: { device: null, adapter: null, fp16: null, reason } });
  try {
    const adapters = await list();
    const first = adapters[0];
    if (!first) return nothing('there is no WebGPU adapter; install a Vulkan driver (Debian: npm run setup)');
    const adapter = first.description || first.architecture;
    const fp16 = first.features.includes('shader-f16') ? 'native' : 'weights';
    return { adapters, auto: { device: 'webgpu', adapter, fp16, reason: engineReason('auto', first) } };
  } catch (error) {
    if (error instanceof TmcaError && error.code === 'NO_WEBGPU') return nothing(error.message);
    throw error;
  }
}

function summary({ adapters, auto }: DevicesResult): string {
  const lines = adapters.flatMap(({ vendor, architecture, description, software, features, limits }) => [
    `${description || architecture} (${[vendor, architecture].filter(Boolean).join(', ')}${software ? '; software' : ''})`,
    `  features: ${features.join(', ') || 'none'}`,
    ...Object.entries(limits).map(([name, value]) => `  ${name}: ${value}`),
  ]);
  const f16 = auto.fp16 === 'weights' ? ', fp16 models with f32 arithmetic' : '';
  return [...lines, `--device auto: ${auto.device ?? 'nothing'}${f16}; ${auto.reason}`].join('\n');
}
