// Runs two runners alternately in one process, so that whatever else the machine does slows both.

import { throwIfAborted } from '../errors/index.js';
import type { OpenTimes, Runner } from './runner.js';
import { type Latency, latency, pairedRatio } from './statistics.js';

export interface Cold extends OpenTimes {
  /** The first sentence, and the first frame after it. */
  readonly first_text: number;
  readonly first_frame: number;
  /** From the call to the first logits. */
  readonly total: number;
  /** What the process spent of processors' time meanwhile, all threads together; null where that cannot be asked. */
  readonly cpu: number | null;
}

export interface Measured {
  readonly frame: Latency;
  readonly text: Latency;
  readonly cold: Cold;
  /** The last frame's. */
  readonly logits: Float32Array;
}

export interface Comparison {
  /** In the order of the runners. */
  readonly results: readonly Measured[];
  /** First over second; null with one runner. */
  readonly ratio: { readonly frame: number; readonly text: number; readonly cold: number } | null;
}

export interface AlternateOptions {
  /** Most rounds; a round is one frame of each runner. */
  readonly rounds: number;
  /** After this many milliseconds of warm rounds no further one begins, from the fifth on. */
  readonly budgetMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((what: string, done: number, total: number) => void) | undefined;
  /** Milliseconds of processors' time that the process has spent so far. */
  readonly cpu?: () => number;
  /** For tests. */
  readonly now?: () => number;
}

/** Below this a median means nothing. */
const LEAST_ROUNDS = 5;

/** Sentences are encoded once for many frames: fewer samples do. */
const textRounds = (rounds: number): number => Math.max(LEAST_ROUNDS, Math.ceil(rounds / 4));

/**
 * Opens each runner cold, one after another, then takes warm samples in turn: first, second, first, second, …
 *
 * @throws whatever a runner throws; TmcaError ABORTED
 */
export async function alternate(runners: readonly Runner[], options: AlternateOptions): Promise<Comparison> {
  const { rounds, onProgress, now = () => performance.now() } = options;
  const time = async (work: () => Promise<unknown>): Promise<number> => {
    throwIfAborted(options.signal, 'bench');
    const start = now();
    await work();
    return now() - start;
  };
  const cold: Cold[] = [];
  for (const runner of runners) {
    onProgress?.(`${runner.name}: first frame`, cold.length, runners.length);
    const before = options.cpu?.();
    const times = await openCold(runner, time);
    cold.push({ ...times, cpu: options.cpu && before !== undefined ? options.cpu() - before : null });
  }
  const logits: Float32Array[] = [];
  const texts = runners.map((): number[] => []);
  const frames = runners.map((): number[] => []);
  const inTurn = async (what: string, most: number, samples: number[][], run: (index: number) => Promise<void>) => {
    const start = now();
    for (let round = 0; round < most; round++) {
      if (round >= LEAST_ROUNDS && now() - start > options.budgetMs) break;
      onProgress?.(what, round, most);
      for (const index of runners.keys()) samples[index]!.push(await time(() => run(index)));
    }
  };
  await inTurn('sentences', textRounds(rounds), texts, index => runners[index]!.text());
  await inTurn('frames', rounds, frames, async index => {
    logits[index] = await runners[index]!.frame();
  });
  const results = runners.map((_, i) => ({
    frame: latency(frames[i]!),
    text: latency(texts[i]!),
    cold: cold[i]!,
    logits: logits[i]!,
  }));
  if (runners.length !== 2) return { results, ratio: null };
  return {
    results,
    ratio: {
      frame: pairedRatio(frames[0]!, frames[1]!),
      text: pairedRatio(texts[0]!, texts[1]!),
      cold: cold[0]!.total / cold[1]!.total,
    },
  };
}

async function openCold(
  runner: Runner,
  time: (work: () => Promise<unknown>) => Promise<number>,
): Promise<Omit<Cold, 'cpu'>> {
  let times: OpenTimes = { load: null, compile: null };
  const open = await time(async () => {
    times = await runner.open();
  });
  const text = await time(() => runner.text());
  const frame = await time(() => runner.frame());
  return { ...times, first_text: text, first_frame: frame, total: open + text + frame };
}
