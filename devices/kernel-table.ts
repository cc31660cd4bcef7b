// Where a frame's time goes: each kernel's calls together, and how near they come to what the adapter can do.

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
  /** Of the time of all kernels. */
  readonly share: number;
  /** Shortest time that the adapter's rates allow over the time taken; null where the rates were not measured. */
  readonly roofline: number | null;
}

/** Slowest first. */
export function kernelTable(calls: readonly TimedCall[], roofline: Roofline | null, f16: boolean): KernelRow[] {
  const total = calls.reduce((sum, { ms }) => sum + ms, 0);
  const rows = new Map<string, { count: number; ms: number; least: number }>();
  for (const { name, ms, cost } of calls) {
    const row = rows.get(name) ?? { count: 0, ms: 0, least: 0 };
    rows.set(name, {
      count: row.count + 1,
      ms: row.ms + ms,
      least: row.least + (roofline ? leastMs(cost, roofline, f16) : 0),
    });
  }
  return [...rows]
    .map(([name, { count, ms, least }]) => ({
      name,
      count,
      ms,
      share: total > 0 ? ms / total : 0,
      roofline: roofline && ms > 0 ? least / ms : null,
    }))
    .sort((a, b) => b.ms - a.ms);
}

/** Each call's median over several profiles of one plan. */
export function medianCalls(profiles: readonly (readonly TimedCall[])[]): TimedCall[] {
  const first = profiles[0] ?? [];
  return first.map((call, i) => {
    const times = profiles.map(profile => profile[i]!.ms).sort((a, b) => a - b);
    return { ...call, ms: times[Math.floor(times.length / 2)]! };
  });
}
