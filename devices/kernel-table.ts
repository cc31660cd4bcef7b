// Where a frame's time goes: each kernel's calls together, and how near they come to what the adapter can do.

import type { ClockName } from './clock.js';
import { leastMs, type Roofline } from './roofline.js';

/** One dispatch on the device's clock. */
export interface TimedCall {
  readonly name: string;
  readonly ms: number;
  readonly cost: { readonly flops: number; readonly bytes: number };
}

export interface KernelRow {
  readonly name: string;
  readonly count: number;
  readonly ms: number;
  /** The share of the time of all kernels. */
  readonly share: number;
  /** Shortest time that the adapter's rates allow over the time taken; null where the rates were not measured. */
  readonly roofline: number | null;
  /** Which of the adapter's rates allows no less: that of most of the kernel's least time. Null as `roofline`. */
  readonly bound: 'arithmetic' | 'memory' | null;
  /** What it reached: 10^9 operations, and bytes moved at least once, a second; null where no time was measured. */
  readonly gflops: number | null;
  readonly gbytes: number | null;
}

/** How the times of a table were taken. */
export interface KernelClock {
  readonly clock: ClockName;
  readonly runs: number;
  /** The time of all rows together: what the shares are of. */
  readonly ms: number;
}

interface Sums {
  count: number;
  ms: number;
  least: number;
  /** The part of `least` that arithmetic takes. */
  arithmetic: number;
  flops: number;
  bytes: number;
}

/** Slowest first. */
export function kernelTable(calls: readonly TimedCall[], roofline: Roofline | null, f16: boolean): KernelRow[] {
  const total = calls.reduce((sum, { ms }) => sum + ms, 0);
  const rows = new Map<string, Sums>();
  for (const { name, ms, cost } of calls) {
    const row = rows.get(name) ?? { count: 0, ms: 0, least: 0, arithmetic: 0, flops: 0, bytes: 0 };
    rows.set(name, row);
    const least = roofline ? leastMs(cost, roofline, f16) : 0;
    row.count++;
    row.ms += ms;
    row.least += least;
    if (roofline && least > leastMs({ flops: 0, bytes: cost.bytes }, roofline, f16)) row.arithmetic += least;
    row.flops += cost.flops;
    row.bytes += cost.bytes;
  }
  return [...rows]
    .map(
      ([name, { count, ms, least, arithmetic, flops, bytes }]): KernelRow => ({
        name,
        count,
        ms,
        share: total > 0 ? ms / total : 0,
        roofline: roofline && ms > 0 ? least / ms : null,
        bound: roofline && ms > 0 ? (2 * arithmetic > least ? 'arithmetic' : 'memory') : null,
        gflops: ms > 0 ? flops / (ms * 1e6) : null,
        gbytes: ms > 0 ? bytes / (ms * 1e6) : null,
      }),
    )
    .sort((a, b) => b.ms - a.ms);
}
