// The adapter's own rates, measured: multiply-adds in registers and bytes copied. A kernel cannot be faster than the slower
// of its arithmetic and its traffic at these rates; how near it comes is its share of the roofline (Williams et al. 2009).

import { throwIfAborted } from '../errors/index.js';
import { type BufferRange, CommandPlan } from '../gpu/commands.js';
import type { GpuDevice } from '../gpu/device.js';
import type { KernelCall } from '../gpu/kernel.js';
import { PipelineCache } from '../gpu/pipelines.js';
import { finished, type Stopwatch, type TimingOptions, wallClock } from './clock.js';
import { copy, multiplyAdd, THREADS } from './roofline-calls.js';

export interface Roofline {
  /** 10^9 operations a second, a multiply-add counting two. */
  readonly gflops: number;
  /** The same in f16; null without `shader-f16`. */
  readonly gflops_f16: number | null;
  /** 10^9 bytes a second, read and written together. */
  readonly gbytes: number;
}

/** Shortest time that a kernel of this cost could take at these rates, in milliseconds. */
export function leastMs({ flops, bytes }: { flops: number; bytes: number }, roofline: Roofline, f16: boolean): number {
  const arithmetic = (f16 ? roofline.gflops_f16 : null) ?? roofline.gflops;
  return Math.max(flops / (arithmetic * 1e6), bytes / (roofline.gbytes * 1e6));
}

/** A measurement shorter than this is made longer; the clock and the submission would show in it. */
const LEAST_MS = 40;
const REPEATS = 5;
/** The largest factor by which work is made longer. */
const MOST = 1 << 14;

/** The best of a few runs of a plan of equal calls, in milliseconds. */
async function bestMs(plan: CommandPlan, gpu: GpuDevice, watch: Stopwatch): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < REPEATS; i++) best = Math.min(best, await watch.time(plan.calls[0]!, () => finished(gpu, plan)));
  return best;
}

/**
 * Measures the adapter; takes about two seconds. On the wall clock other work on the machine makes the rates look lower, hence the
 * best of a few runs, each longer than what a submission takes.
 *
 * @throws TmcaError GPU_OUT_OF_MEMORY, DEVICE_LOST, ABORTED
 * @example
 * const { gflops, gbytes } = await measureRoofline(gpu);
 */
export async function measureRoofline(
  gpu: GpuDevice,
  { stopwatch = wallClock, signal }: Pick<TimingOptions, 'stopwatch' | 'signal'> = {},
): Promise<Roofline> {
  const pipelines = new PipelineCache(gpu);
  const usage = GPUBufferUsage.STORAGE;
  // Larger than the caches of a GPU; a software adapter's memory is the host's, and slow.
  const wanted = gpu.adapter.software ? 1 << 26 : 1 << 28;
  const size = Math.min(wanted, gpu.limits.maxStorageBufferBindingSize, gpu.limits.maxBufferSize) & ~0xffff;
  const buffers: GPUBuffer[] = [];
  const range = async (label: string, bytes: number): Promise<BufferRange> => {
    const buffer = await gpu.createBuffer({ label: `roofline ${label}`, size: bytes, usage, kind: 'other' });
    buffers.push(buffer);
    return { buffer, offset: 0, size: bytes };
  };
  /** Amount (operations, bytes) a millisecond, of work that is made longer until it can be timed. */
  const rate = async (amount: 'flops' | 'bytes', work: (factor: number) => KernelCall<BufferRange>[]) => {
    for (let factor = 1; ; factor *= 4) {
      throwIfAborted(signal, 'measureRoofline');
      const calls = work(factor);
      using plan = await CommandPlan.create(pipelines, 'roofline', calls);
      const ms = await bestMs(plan, gpu, stopwatch);
      if (ms < LEAST_MS && factor < MOST) continue;
      return calls.reduce((sum, { cost }) => sum + cost[amount], 0) / (ms * 1e6);
    }
  };
  try {
    const out = await range('sums', 16 * THREADS);
    const arithmetic = (act: 'f32' | 'f16') => rate('flops', factor => [multiplyAdd(64 * factor, act, out)]);
    const gflops = await arithmetic('f32');
    const half = gpu.features.f16 ? await arithmetic('f16') : null;
    const call = copy(size, await range('source', size), await range('target', size));
    return { gflops, gflops_f16: half, gbytes: await rate('bytes', factor => Array(factor).fill(call)) };
  } finally {
    for (const buffer of buffers) gpu.destroyBuffer(buffer);
  }
}
