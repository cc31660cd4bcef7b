// Training steps of several runners in turn, so that whatever else the machine does slows all of them.

import { throwIfAborted } from '../errors/index.js';
import { type Latency, latency, median, pairedRatio } from './statistics.js';
import type { TrainRunner } from './training.js';

export interface MeasuredSteps {
  /** Milliseconds until a runner could take its first step, and of that step: where kernels are compiled in it, with that. */
  readonly open: number;
  readonly first: number;
  /** The latency of the steps after the first. */
  readonly step: Latency;
  /** Median milliseconds of CPU that the runner's process used for a step, on all cores: less a busy machine's say than `step`. */
  readonly cpu: number;
  /** Before each step, the first included. */
  readonly losses: readonly number[];
}

export interface StepComparison {
  /** In the order of the runners. */
  readonly results: readonly MeasuredSteps[];
  /** First over second, medians over pairs; null with one runner. */
  readonly ratio: { readonly step: number; readonly cpu: number } | null;
}

export interface AlternateStepsOptions {
  /** Most steps of each after the first. */
  readonly rounds: number;
  /** After this many milliseconds no further round begins, from the third on. */
  readonly budgetMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
  /** For tests. */
  readonly now?: () => number;
}

/** A step of a slow peer takes half a minute: fewer than for frames, and the result says how many. */
const LEAST_ROUNDS = 3;

interface Samples {
  open: number;
  first: number;
  readonly ms: number[];
  readonly cpu: number[];
  readonly losses: number[];
}

/**
 * Opens each runner and lets it take its first step, one after another; then steps in turn.
 *
 * @throws whatever a runner throws; TmcaError ABORTED
 */
export async function alternateSteps(
  runners: readonly TrainRunner[],
  options: AlternateStepsOptions,
): Promise<StepComparison> {
  const { rounds, budgetMs, signal, onProgress, now = () => performance.now() } = options;
  const time = async (work: () => Promise<unknown>): Promise<number> => {
    throwIfAborted(signal, 'bench');
    const start = now();
    await work();
    return now() - start;
  };
  const samples = runners.map((): Samples => ({ open: 0, first: 0, ms: [], cpu: [], losses: [] }));
  const step = (i: number) => time(async () => samples[i]!.losses.push(await runners[i]!.step()));
  for (const [i, runner] of runners.entries()) {
    onProgress?.(`${runner.name}: first step`, i, runners.length);
    samples[i]!.open = await time(() => runner.open());
    samples[i]!.first = await step(i);
  }
  const start = now();
  for (let round = 0; round < rounds; round++) {
    if (round >= LEAST_ROUNDS && now() - start > budgetMs) break;
    onProgress?.('steps', round, rounds);
    for (const [i, runner] of runners.entries()) {
      const before = await runner.cpu();
      samples[i]!.ms.push(await step(i));
      samples[i]!.cpu.push((await runner.cpu()) - before);
    }
  }
  const results = samples.map(
    ({ open, first, ms, cpu, losses }): MeasuredSteps => ({
      ...{ open, first, step: latency(ms), cpu: median(cpu), losses },
    }),
  );
  const [ours, theirs] = samples;
  if (!ours || !theirs || samples.length !== 2) return { results, ratio: null };
  return { results, ratio: { step: pairedRatio(ours.ms, theirs.ms), cpu: pairedRatio(ours.cpu, theirs.cpu) } };
}
