// Long sums in a fixed order without atomics: the items are cut into runs, each summed by its own invocations into a row of
// `partial`, and the rows are added by `reduce`. The cut depends on sizes and tuning alone, so devices
// that are tuned alike round alike.

import type { KernelCall } from '../../kernel.js';
import { hardwareTuning, type Tuning } from '../../tuning.js';
import { checkScratch } from '../shared/gradient-storage.js';
import { reduce } from './reduce.js';

/** Invocations that keep a large GPU busy; and the cores of a CPU, to which partial sums cost what they weigh. */
const ENOUGH_INVOCATIONS = 32768;
const ENOUGH_FOR_CORES = 1024;

/** `items` in equal runs of at least `fewest`, as many as `width` invocations a run leave room for. */
export function runsOf(
  items: number,
  width: number,
  fewest: number,
  { lanes }: Tuning = hardwareTuning,
): { count: number; length: number } {
  const enough = lanes > 0 ? ENOUGH_FOR_CORES : ENOUGH_INVOCATIONS;
  const wanted = Math.min(Math.ceil(enough / width), Math.ceil(items / fewest));
  const length = Math.ceil(items / wanted);
  return { count: Math.ceil(items / length), length };
}

/** `sum` into out, or into `partial` [runs, width] and then the rows' sum into out. */
export function addRuns<O>(
  where: string,
  { runs, width }: { readonly runs: number; readonly width: number },
  { partial, out }: { readonly partial: O | null; readonly out: O },
  sum: (out: O) => KernelCall<O>,
): KernelCall<O>[] {
  if (runs === 1) return [sum(out)];
  checkScratch(where, 'partial', partial, runs * width);
  const rows = { outer: 1, n: runs, inner: width, kind: 'sum' } as const;
  return [sum(partial!), reduce(rows, { x: partial!, out }, { act: 'f32' })];
}
