// How kernels are cut for the adapter at hand. It follows from what the adapter is, never from a clock: the same adapter
// then rounds alike at every run, so a training run that is resumed goes on bit for bit.

import type { AdapterInfo } from './adapter.js';

/** Knobs of kernel factories. What a knob says of speed holds for a class of devices, and the figures are in `gpuTuning`. */
export interface Tuning {
  /**
   * Where it is not 0, the device's subgroups all have so many invocations, and they are the lanes of a CPU's vector unit:
   * tiles are then shared by shuffling registers (include/gemm-lanes.wgsl) instead of through workgroup memory.
   */
  readonly lanes: 0 | 4 | 8 | 16;
}

/** What GPUs want, and what a program is lowered with where no device is known: tiles in workgroup memory. */
export const hardwareTuning: Tuning = { lanes: 0 };

/** What of an adapter decides. */
export interface TunedAdapter extends Pick<AdapterInfo, 'software'> {
  readonly subgroupMinSize?: number | undefined;
  readonly subgroupMaxSize?: number | undefined;
}

/**
 * The tuning for an adapter.
 *
 * Software adapters run an invocation in each lane of a vector register. There, on llvmpipe (Mesa 25.0, AVX2), workgroup
 * memory costs a gather or scatter like any storage buffer, and the tiles of hardware reach 5 GFLOP/s; a load shared by a
 * shuffle reaches 20 to 27 at the same shapes. SwiftShader: 0.3 and 1.2 (tools/bench-kernels.mjs).
 */
export function gpuTuning(
  { software, subgroupMinSize, subgroupMaxSize }: TunedAdapter,
  features: { readonly subgroups: boolean },
): Tuning {
  const lanes = software && features.subgroups && subgroupMinSize === subgroupMaxSize ? subgroupMaxSize : 0;
  return lanes === 4 || lanes === 8 || lanes === 16 ? { lanes } : hardwareTuning;
}
