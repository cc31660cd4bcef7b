// Chooses, for each class of shapes in a program, the variant that is right and takes the least time. Loaded when wanted: a page
// whose adapter is known already downloads none of it.

import { TmcaError, throwIfAborted } from '../../errors/index.js';

import type { DotTuning } from '../kernels/matmul/linear-dots.js';
import type { Cut } from '../tuning.js';
import type { SizedCall, TunerBench } from './bench.js';
import { parseShape, variantsOf } from './variants.js';

export interface Rejected {
  /** Kernel and traits of the class: what a self-test is of. */
  readonly kernel: string;
  readonly variant: string;
  readonly reason: string;
}

export interface TimedShape {
  readonly shape: string;
  readonly variant: string;
  /** Milliseconds by variant; empty where only one was right. */
  readonly ms: Readonly<Record<string, number>>;
}

export interface TuneResult {
  readonly choices: Readonly<Record<string, string>>;
  readonly timed: readonly TimedShape[];
  readonly rejected: readonly Rejected[];
  /** Classes that there was no time for: the profile's variant runs. */
  readonly left: number;
  readonly ms: number;
}

export interface TuneOptions {
  /** The tuning that the profile gives. */
  readonly tuning: DotTuning;
  /** The same programs in any tuning: their calls in order, of which those that belong together share a `cut`. */
  readonly lower: (tuning: DotTuning) => readonly SizedCall[];
  readonly bench: TunerBench;
  /** Choices and rejections of a run before. */
  readonly known?: Readonly<Record<string, string>>;
  readonly rejected?: readonly Rejected[];
  /** Milliseconds after which no further class is begun. */
  readonly budgetMs: number;
  readonly now?: () => number;
  /** Classes of shapes that are decided, of all. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Another variant must be so much faster than the profile's: less is the clock's noise. */
const WORTHWHILE = 0.97;

/** Calls of one op, that are cut together. */
interface Group {
  readonly cut: Cut;
  readonly calls: readonly SizedCall[];
}

function groupsOf(calls: readonly SizedCall[]): Map<string, Group[]> {
  const groups = new Map<string, (Group & { calls: SizedCall[] })[]>();
  let last: (Group & { calls: SizedCall[] }) | undefined;
  for (const call of calls) {
    const { cut } = call;
    if (cut && last?.cut === cut) {
      last.calls.push(call);
      continue;
    }
    last = cut && { cut, calls: [call] };
    if (!last) continue;
    const same = groups.get(last.cut.shape);
    if (same) same.push(last);
    else groups.set(last.cut.shape, [last]);
  }
  return groups;
}

/** How much there is to gain: the arithmetic and ten times the bytes, about what a GPU does of each in a unit of time. */
const work = ({ calls }: Group): number => calls.reduce((sum, { cost }) => sum + cost.flops + 10 * cost.bytes, 0);

/** What self-tests are of: a class without its sizes. */
export const kernelOf = (shape: string): string => shape.slice(0, shape.lastIndexOf(' '));

class Tuner {
  readonly choices: Record<string, string>;
  readonly timed: TimedShape[] = [];
  readonly #verdicts = new Map<string, Promise<string | null>>();
  readonly rejected: Rejected[];
  /** Programs in the j-th variant of every class. */
  readonly #programs = new Map<number, Map<string, Group[]>>();

  constructor(
    readonly options: TuneOptions,
    readonly candidates: ReadonlyMap<string, readonly string[]>,
  ) {
    this.choices = { ...options.known };
    this.rejected = [...(options.rejected ?? [])];
    for (const { kernel, variant, reason } of this.rejected)
      this.#verdicts.set(`${kernel} ${variant}`, Promise.resolve(reason));
  }

  /** What is wrong with a variant; it is tested once for all classes of a kernel and its traits that test alike. */
  #verdict(shape: string, variant: string): Promise<string | null> {
    const kernel = kernelOf(shape);
    const key = `${kernel} ${variant}`;
    let verdict = this.#verdicts.get(key);
    if (!verdict) {
      verdict = this.options.bench.selfTest(shape, variant);
      this.#verdicts.set(key, verdict);
      verdict.then(
        reason => reason !== null && this.rejected.push({ kernel, variant, reason }),
        () => undefined,
      );
    }
    return verdict;
  }

  #groups(rank: number): Map<string, Group[]> {
    let groups = this.#programs.get(rank);
    if (!groups) {
      const choices: Record<string, string> = {};
      for (const [shape, variants] of this.candidates) choices[shape] = variants[rank] ?? variants[0]!;
      groups = groupsOf(this.options.lower({ ...this.options.tuning, choices }));
      this.#programs.set(rank, groups);
    }
    return groups;
  }

  async decide(shape: string, representative: number): Promise<void> {
    const { bench, signal } = this.options;
    const variants = this.candidates.get(shape)!;
    const verdicts = await Promise.all(variants.map(variant => this.#verdict(shape, variant)));
    throwIfAborted(signal, 'tune');
    const right: { variant: string; calls: readonly SizedCall[] }[] = [];
    for (const [rank, variant] of variants.entries()) {
      if (verdicts[rank] !== null) continue;
      const group = this.#groups(rank).get(shape)?.[representative];
      if (group?.cut.variant === variant) right.push({ variant, calls: group.calls });
    }
    if (right.length === 0) throw nothingRight(shape, this.rejected);
    const times = right.length > 1 ? await bench.time(right.map(({ calls }) => calls)) : [0];
    const cost = (i: number) => times[i]! * (right[i]!.variant === variants[0] ? WORTHWHILE : 1);
    const best = right.reduce((found, _, i) => (cost(i) < cost(found) ? i : found), 0);
    const { variant } = right[best]!;
    this.choices[shape] = variant;
    const ms = right.length > 1 ? Object.fromEntries(right.map((each, i) => [each.variant, times[i]!])) : {};
    this.timed.push({ shape, variant, ms });
  }

  /** For a class that there was no time for: nothing that is known to be wrong, if something else is known to be right. */
  async avoid(shape: string): Promise<void> {
    const known = (variant: string) => this.#verdicts.get(`${kernelOf(shape)} ${variant}`);
    const [usual, ...others] = this.candidates.get(shape)!;
    if (((await known(usual!)) ?? null) === null) return;
    for (const variant of others) {
      const verdict = known(variant);
      if (!verdict || (await verdict) !== null) continue;
      this.choices[shape] = variant;
      return;
    }
  }
}

const nothingRight = (shape: string, rejected: readonly Rejected[]): TmcaError => {
  const reasons = rejected.filter(({ kernel }) => kernel === kernelOf(shape)).map(r => `${r.variant} ${r.reason}`);
  return new TmcaError(
    'GPU_FAILED',
    `tune: one variant of ${shape} must compute right on this device, got ${reasons.join('; ')}; update the graphics driver, or run on wasm`,
  );
};

/**
 * Tests and times the variants of every class that `known` does not name, those with the most work first, until the budget is
 * used up, and one at least. A variant that computes wrong is never chosen.
 *
 * Errors: ABORTED, DEVICE_LOST, GPU_FAILED (no variant of a class is right), GPU_OUT_OF_MEMORY.
 *
 * @example
 * const { choices } = await tune({ tuning: gpu.tuning, lower, bench: new DeviceBench(gpu, gpu.tuning), budgetMs: 2000 });
 */
export async function tune(options: TuneOptions): Promise<TuneResult> {
  const { tuning, lower, known = {}, budgetMs, now = () => performance.now(), onProgress, signal } = options;
  const start = now();
  const usual = groupsOf(lower(tuning));
  const candidates = new Map<string, readonly string[]>();
  const order: { shape: string; representative: number; work: number }[] = [];
  for (const [shape, groups] of usual) {
    if (known[shape] !== undefined || !parseShape(shape)) continue;
    const works = groups.map(work);
    const representative = works.indexOf(Math.max(...works));
    candidates.set(shape, [...new Set([groups[representative]!.cut.variant, ...variantsOf(shape, tuning)])]);
    order.push({ shape, representative, work: works.reduce((a, b) => a + b, 0) });
  }
  order.sort((a, b) => b.work - a.work);
  const tuner = new Tuner(options, candidates);
  let left = 0;
  for (const [done, { shape, representative }] of order.entries()) {
    throwIfAborted(signal, 'tune');
    onProgress?.(done, order.length);
    // The first is decided whatever it takes: opening after opening, all are in the end.
    if (done > 0 && now() - start >= budgetMs) {
      left++;
      await tuner.avoid(shape);
    } else await tuner.decide(shape, representative);
  }
  if (order.length > 0) onProgress?.(order.length, order.length);
  const { choices, timed, rejected } = tuner;
  return { choices, timed, rejected, left, ms: now() - start };
}
