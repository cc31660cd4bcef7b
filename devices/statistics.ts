// Latencies: what is said of samples, and how two runners are compared.

import { check } from '../errors/index.js';

/** Milliseconds. `n` is how many samples there are: a p99 of 20 is their largest but one, and says little. */
export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly n: number;
}

/** The value below which a share `p` of the samples lies, linear between neighbours (as NumPy's default). */
export function percentile(samples: readonly number[], p: number): number {
  check(
    samples.length > 0 && p >= 0 && p <= 1,
    'BAD_ARGUMENT',
    `percentile: there must be samples and a share in 0..1, got ${samples.length} and ${p}; measure first`,
  );
  const sorted = [...samples].sort((a, b) => a - b);
  const at = p * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  const high = sorted[Math.ceil(at)]!;
  return low + (high - low) * (at - Math.floor(at));
}

export const latency = (samples: readonly number[]): Latency => ({
  p50: percentile(samples, 0.5),
  p95: percentile(samples, 0.95),
  p99: percentile(samples, 0.99),
  n: samples.length,
});

/** The middle one: what a comparison of two runners is told by. */
export const median = (samples: readonly number[]): number => percentile(samples, 0.5);

/**
 * Ours over theirs from samples taken in pairs: the median of the pairs' ratios, so that a slow minute of the machine,
 * which slows both, does not count.
 */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  check(
    ours.length === theirs.length && ours.length > 0,
    'BAD_ARGUMENT',
    `pairedRatio: samples must come in pairs, got ${ours.length} and ${theirs.length}; run both alternately`,
  );
  return median(ours.map((ms, i) => ms / theirs[i]!));
}
