// Memory over many frames, as a person reads it.

import type { FlatResult } from '../../devices/node/flat-bench.js';
import { size, table } from './text-table.js';

/** A signed number of bytes. */
const change = (bytes: number): string => `${bytes < 0 ? '-' : '+'}${size(Math.abs(bytes))}`;

/** About so many of all samples are shown. */
const SHOWN = 8;

export function flatReport(result: FlatResult): string[] {
  const { adapter, model, dtype, image, frames, buffers_created, gpu_growth, rss_growth, samples } = result;
  const where = `${adapter.description || adapter.architecture}${adapter.software ? ' (software)' : ''}`;
  const step = Math.max(1, Math.floor((samples.length - 1) / SHOWN));
  const shown = samples.filter((_, i) => i % step === 0 || i === samples.length - 1);
  const cells = shown.map(({ frame, gpu, rss, heap, buffers }) => [
    `${frame}`,
    ...[gpu, rss, heap, buffers].map(bytes => (bytes === null ? '-' : size(bytes))),
  ]);
  const onDevice =
    buffers_created === null
      ? []
      : [`on the device: ${buffers_created} buffers made after the first frame, ${change(gpu_growth ?? 0)}`];
  return [
    `${model}, ${dtype}, ${frames} frames of ${image.width} x ${image.height}, on ${where}`,
    '',
    ...table([['frame', 'device', 'process', 'heap', 'array buffers'], ...cells]),
    '',
    ...onDevice,
    `process: ${change(rss_growth)} between the second and the last fifth of the frames`,
  ];
}
