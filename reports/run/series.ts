// metrics.jsonl as curves: points by step, smoothed, and few enough to draw.

import type { MetricsLine } from '../../train/run-files/index.js';

export interface Point {
  readonly step: number;
  readonly epoch: number;
  readonly value: number;
}

export type LineKind = MetricsLine['kind'];

/** The finite values of one name, in the order of the file; lines without it (or with "NaN") are left out. */
export function seriesOf(lines: readonly MetricsLine[], kind: LineKind, name: string): Point[] {
  return lines.flatMap(line => {
    const value = line[name];
    const usable = line.kind === kind && typeof value === 'number' && Number.isFinite(value);
    return usable ? [{ step: line.step, epoch: line.epoch, value }] : [];
  });
}

/**
 * Exponential average over about `span` points, forwards and backwards, so that it does not lag behind a loss that falls; its
 * ends corrected (as Adam's moments are), so that nothing is drawn to zero.
 */
export function smooth(points: readonly Point[], span: number): Point[] {
  const keep = span <= 1 ? 0 : 1 - 2 / (span + 1);
  const forwards = oneWay(points, keep);
  const backwards = oneWay([...points].reverse(), keep).reverse();
  return forwards.map((point, i) => ({ ...point, value: (point.value + backwards[i]!.value) / 2 }));
}

function oneWay(points: readonly Point[], keep: number): Point[] {
  let [mean, weight] = [0, 0];
  return points.map(point => {
    mean = keep * mean + (1 - keep) * point.value;
    weight = keep * weight + (1 - keep);
    return { ...point, value: mean / weight };
  });
}

/** At most `2 * buckets` of the points: of each bucket the smallest and the largest, so that no peak is lost. */
export function thin(points: readonly Point[], buckets: number): Point[] {
  if (points.length <= 2 * buckets) return [...points];
  const out: Point[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * points.length) / buckets);
    const some = points.slice(from, Math.floor(((bucket + 1) * points.length) / buckets));
    const [low, high] = some.reduce(
      ([l, h], point) => [point.value < l.value ? point : l, point.value > h.value ? point : h],
      [some[0]!, some[0]!],
    );
    out.push(...(low === high ? [low] : low.step < high.step ? [low, high] : [high, low]));
  }
  return out;
}

/** Least and greatest value, or null of none. */
export function extent(points: readonly Point[]): readonly [number, number] | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { value } of points) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low <= high ? [low, high] : null;
}
