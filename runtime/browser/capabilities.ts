// What a page can expect of this browser before it loads a model. Loaded when asked for.

import { chooseEngine } from '../engines/auto.js';
import { type EngineId, runsOnGpu } from '../engines/names.js';
import { presentAdapter } from '../engines/platform.js';
import type { AdapterSummary } from '../types.js';

export interface CapabilitiesOptions {
  /** Whether the GPU's rates are measured, which keeps it busy for about a tenth of a second; false if not given. */
  readonly measure?: boolean;
  readonly signal?: AbortSignal;
}

export interface Capabilities {
  /** The adapter that WebGPU would run on, hardware before software; null where there is none. */
  readonly adapter: AdapterSummary | null;
  /** Whether the adapter computes with numbers of 16 bits. */
  readonly f16: boolean;
  /** The engine that `device: 'auto'` takes. */
  readonly device: EngineId;
  /** Why: one sentence. */
  readonly reason: string;
  /**
   * An estimate of the milliseconds that a frame of the package's small model takes on the GPU, from rates that were measured;
   * another model, and other work on the GPU, take longer. Null where nothing was measured.
   */
  readonly frameMs: number | null;
  /** What `frameMs` is, or why it is null: one sentence. */
  readonly note: string;
}

/** Errors: ABORTED. */
export async function capabilities({ measure = false, signal }: CapabilitiesOptions): Promise<Capabilities> {
  const gpu = globalThis.navigator?.gpu;
  const found = await presentAdapter({ gpu: async () => gpu });
  const choice = chooseEngine('auto', found);
  const adapter = typeof found === 'string' ? null : found;
  return {
    adapter: adapter && summaryOf(adapter),
    f16: adapter?.features.includes('shader-f16') ?? false,
    ...choice,
    ...(await estimateOf(gpu, measure && runsOnGpu(choice.device), measure, signal)),
  };
}

const summaryOf = ({ vendor, architecture, description, software, features }: AdapterSummary): AdapterSummary => ({
  ...{ vendor, architecture, description, software, features },
});

async function estimateOf(
  gpu: GPU | undefined,
  isMeasured: boolean,
  isAsked: boolean,
  signal: AbortSignal | undefined,
): Promise<Pick<Capabilities, 'frameMs' | 'note'>> {
  if (!isAsked) return { frameMs: null, note: 'nothing was measured: ask for it with { measure: true }' };
  if (!isMeasured || !gpu) return { frameMs: null, note: 'only a GPU is measured, and none would be used' };
  const { estimateFrame } = await import('./frame-estimate.js');
  const frameMs = await estimateFrame(gpu, signal);
  return frameMs === null
    ? { frameMs, note: 'the GPU could not be measured' }
    : {
        frameMs,
        note: 'an estimate for the small model of the package, from the rates of this GPU; run a frame to know',
      };
}
