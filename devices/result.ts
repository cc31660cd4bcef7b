// What a benchmark says, of whatever page or process it ran in.

import type { EngineId } from '../runtime/engines/names.js';
import type { AdapterSummary, DType, TuningStats } from '../runtime/types.js';
import { type Agreement, agreement } from './agreement.js';
import type { Cold, Comparison, Measured } from './alternate.js';
import { type KernelClock, type KernelRow, kernelTable } from './kernel-table.js';
import type { OurRunner, PlannedBytes, Profile, Profiles } from './ours.js';
import type { Roofline } from './roofline.js';
import type { BenchInputs, Runner } from './runner.js';
import type { Latency } from './statistics.js';

/** The latencies of one runner. */
export interface Latencies {
  readonly frame: Latency;
  readonly text: Latency;
  readonly cold: Cold;
}

export interface RunResult {
  readonly adapter: AdapterSummary;
  /** Which engine ran. */
  readonly device: EngineId;
  readonly model: string;
  /** SHA-256 of its weights; empty where they are filled. */
  readonly model_hash: string;
  readonly inputs: { readonly image_size: number; readonly tokens: number };
  readonly dtype: DType;
  readonly ours: Latencies & {
    readonly dispatches: number;
    readonly text_dispatches: number;
    /** The bytes of the live buffers, after the last frame. */
    readonly gpu_bytes: { readonly weights: number; readonly arena: number; readonly other: number };
    /** How kernels are cut for the adapter, and who said so; null in wasm. */
    readonly tuning: TuningStats | null;
    /** What was planned before; null in wasm. */
    readonly planned_bytes: PlannedBytes | null;
    /** The kernels of a frame; none in wasm. */
    readonly kernels: readonly KernelRow[];
    readonly text_kernels: readonly KernelRow[];
    /** How those were timed; null in wasm. */
    readonly kernel_clock: { readonly frame: KernelClock; readonly text: KernelClock } | null;
  };
  readonly peer: (Latencies & { readonly name: string; readonly version: string; readonly dtype: DType }) | null;
  readonly ratio: Comparison['ratio'];
  readonly agreement: Agreement | null;
  /** The adapter's own rates; null in wasm. */
  readonly roofline: Roofline | null;
}

export interface Run {
  readonly ours: OurRunner;
  readonly inputs: BenchInputs;
  readonly peer: { readonly runner: Pick<Runner, 'name' | 'version'>; readonly dtype: DType } | null;
  /** Ours first. */
  readonly comparison: Comparison;
  readonly roofline: Roofline | null;
  readonly profiles: Profiles | null;
}

/** While `ours` is open. */
export function resultOf({ ours, inputs, peer, comparison, roofline, profiles }: Run): RunResult {
  const { info } = ours;
  const [mine, theirs] = comparison.results as [Measured, Measured | undefined];
  const { dispatches, gpuBytes, tuning } = ours.stats();
  const rows = (profile: Profile | undefined) => (profile ? kernelTable(profile.calls, roofline, ours.isHalf) : []);
  return {
    adapter: info.adapter,
    device: info.device,
    model: info.model.name,
    model_hash: info.model.hash,
    inputs: { image_size: inputs.size, tokens: inputs.ids.length },
    dtype: info.dtype,
    ours: {
      ...latencies(mine),
      dispatches: dispatches.frame,
      text_dispatches: dispatches.text,
      gpu_bytes: gpuBytes,
      tuning,
      planned_bytes: ours.plannedBytes(),
      kernels: rows(profiles?.frame),
      text_kernels: rows(profiles?.text),
      kernel_clock: profiles && { frame: clockOf(profiles.frame), text: clockOf(profiles.text) },
    },
    peer:
      peer && theirs
        ? { name: peer.runner.name, version: peer.runner.version, dtype: peer.dtype, ...latencies(theirs) }
        : null,
    ratio: comparison.ratio,
    agreement: theirs ? agreement(mine.logits, theirs.logits) : null,
    roofline,
  };
}

const latencies = ({ frame, text, cold }: Measured): Latencies => ({ frame, text, cold });

export const clockOf = ({ clock, runs, calls }: Profile): KernelClock => ({
  clock,
  runs,
  ms: calls.reduce((sum, { ms }) => sum + ms, 0),
});
