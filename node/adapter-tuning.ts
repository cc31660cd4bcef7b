// How kernels are cut on this machine's adapter: what its profile says, what was measured and kept, or, on request, measured now.

import { type Profile, profileOf } from '../gpu/profiles.js';
import { requireGpu } from '../runtime/engines/require-gpu.js';
import { keptStats } from '../runtime/engines/webgpu/tune-programs.js';
import { openModel } from '../runtime/session/open.js';
import type { Progress, TuningStats } from '../runtime/types.js';
import { cacheFolder, NOWHERE } from './disk/tuning-store.js';
import { nodePlatform } from './platform.js';

export interface AdapterTuning extends Omit<TuningStats, 'profile'> {
  readonly profile: Profile;
  /** Invocations that are lanes of a CPU's vectors; 0 on GPUs. */
  readonly lanes: number;
  /** Folder of what is kept. */
  readonly kept: string;
}

export interface DescribeTuningOptions {
  /** A model whose shapes are measured now, and kept; if not given, only what was kept is told. */
  readonly measure?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

const UNUSED =
  "on a software adapter the profile decides; what is kept is used by sessions that ask for it (tune: 'kept')";

/** Errors: those of `openModel`. */
export async function describeTuning({ measure, ...options }: DescribeTuningOptions = {}): Promise<AdapterTuning> {
  const { signal, onProgress } = options;
  using gpu = await requireGpu(nodePlatform, signal);
  const about = { profile: profileOf(gpu.adapter), lanes: gpu.tuning.lanes, kept: cacheFolder() ?? NOWHERE };
  if (measure === undefined) {
    const kept = await keptStats(gpu, nodePlatform.tuningStore);
    const unused = gpu.adapter.software && Object.keys(kept.variants).length > 0 ? [UNUSED] : [];
    return { ...kept, ...about, notes: [...kept.notes, ...unused] };
  }
  const watched = { ...(signal && { signal }), ...(onProgress && { onProgress }) };
  const session = await openModel(measure, nodePlatform, { device: 'webgpu', tune: 'refresh', ...watched });
  try {
    return { ...session.stats().tuning!, ...about };
  } finally {
    session.dispose();
  }
}
