// What each dispatch takes: by the device's own timestamps in one command buffer, or call by call with a stopwatch, where the device has
// no timestamps or they would count what else the machine does.

import { throwIfAborted } from '../errors/index.js';
import { type BufferRange, CommandPlan } from '../gpu/commands.js';
import type { GpuDevice } from '../gpu/device.js';
import type { KernelCall } from '../gpu/kernel.js';
import type { PipelineCache } from '../gpu/pipelines.js';
import { median } from './statistics.js';

/** `driver-threads`: the time that a software adapter's own threads spent on a CPU (devices/node/driver-threads.ts). */
export type ClockName = 'timestamp-query' | 'driver-threads' | 'wall';

/** Measures work of one kind of call, done when `work` settles. */
export interface Stopwatch {
  readonly name: Exclude<ClockName, 'timestamp-query'>;
  /** Milliseconds. */
  time(call: Pick<KernelCall<unknown>, 'workgroups'>, work: () => Promise<void>): Promise<number>;
}

/** Also what the way to the device and back takes, so that only long work is told right. */
export const wallClock: Stopwatch = {
  name: 'wall',
  async time(_, work) {
    const start = performance.now();
    await work();
    return performance.now() - start;
  },
};

export interface TimingOptions {
  /** Taken in place of the device's timestamps. */
  readonly stopwatch?: Stopwatch | undefined;
  /** How often all calls are repeated; a call's time is its median over them. */
  readonly runs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface CallTimes {
  readonly clock: ClockName;
  readonly runs: number;
  /** The time of each call, in order. */
  readonly ms: readonly number[];
}

const RUNS = 5;
/** A stopwatch sees the submission and idling threads too: shorter work is repeated. */
const LEAST_MS = 10;
const MOST_REPEATS = 256;

/**
 * Times every call of a sequence, on operands as they lie. Timestamps see the sequence as it runs; a stopwatch sees each call alone,
 * on operands that the caches may still hold.
 *
 * @throws TmcaError ABORTED, DEVICE_LOST, GPU_LIMIT (more than 2,048 calls for timestamps)
 * @example
 * const { clock, ms } = await timeCalls(pipelines, calls);
 */
export async function timeCalls(
  pipelines: PipelineCache,
  calls: readonly KernelCall<BufferRange>[],
  { stopwatch, runs = RUNS, signal }: TimingOptions = {},
): Promise<CallTimes> {
  const { gpu } = pipelines;
  if (!stopwatch && gpu.features.timestamps) {
    using plan = await CommandPlan.create(pipelines, 'profile', calls);
    const profiles: number[][] = [];
    for (let run = 0; run < runs; run++) {
      throwIfAborted(signal, 'timeCalls');
      profiles.push((await plan.profile()).map(({ ms }) => ms));
    }
    return { clock: 'timestamp-query', runs, ms: calls.map((_, i) => median(profiles.map(profile => profile[i]!))) };
  }
  const watch = stopwatch ?? wallClock;
  const ms: number[] = [];
  for (const call of calls) {
    throwIfAborted(signal, 'timeCalls');
    ms.push(await timeAlone(pipelines, call, watch, runs));
  }
  gpu.check('timeCalls');
  return { clock: watch.name, runs, ms };
}

async function timeAlone(
  pipelines: PipelineCache,
  call: KernelCall<BufferRange>,
  watch: Stopwatch,
  runs: number,
): Promise<number> {
  for (let repeats = 1; ; repeats *= 4) {
    const repeated = Array<KernelCall<BufferRange>>(repeats).fill(call);
    using plan = await CommandPlan.create(pipelines, call.shader.name, repeated);
    const once = () => watch.time(call, () => finished(pipelines.gpu, plan));
    // the first run of a pipeline may compile it
    if (repeats === 1) await once();
    const first = await once();
    if (first < LEAST_MS && repeats < MOST_REPEATS) continue;
    const samples = [first];
    while (samples.length < runs) samples.push(await once());
    return median(samples) / repeats;
  }
}

/** Runs a plan and waits for the device to have done it. */
export async function finished(gpu: GpuDevice, plan: CommandPlan): Promise<void> {
  plan.submit();
  await gpu.guard(plan.label, gpu.device.queue.onSubmittedWorkDone());
}
