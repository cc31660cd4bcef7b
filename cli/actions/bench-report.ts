// `tmca bench report`: measurements of several devices on one page.

import { writeFileAtomic } from '../../node/disk/files.js';
import { keepInputs } from '../../node/keep-inputs.js';
import { comparePage } from '../../reports/benchmark/page.js';
import { readMeasurement } from '../../reports/benchmark/read.js';
import type { Context } from '../context.js';
import { duration, size, table } from '../display/text-table.js';

export interface BenchCompareOptions {
  readonly out: string;
  readonly json?: boolean;
}

export async function compareBenches(
  files: readonly string[],
  { out, json }: BenchCompareOptions,
  { console }: Context,
): Promise<void> {
  await keepInputs('bench report', { files: [out] }, files);
  const measurements = await Promise.all(files.map(readMeasurement));
  await writeFileAtomic(out, comparePage(measurements, new Date().toISOString()));
  const rows = measurements.map(({ file, adapter, model, dtype, ours: { frame, cold, gpu_bytes: bytes } }) => ({
    ...{ file, adapter: adapter.description || adapter.architecture, model, dtype, frame, cold: cold.total },
    bytes: bytes.weights + bytes.arena + bytes.other,
  }));
  if (json) return console.json({ report: out, measurements: rows });
  const cells = rows.map(row => [
    row.file,
    row.model,
    row.dtype,
    duration(row.frame.p50),
    duration(row.frame.p95),
    duration(row.cold),
    size(row.bytes),
  ]);
  const heads = ['file', 'model', 'dtype', 'frame', 'p95', 'cold start', 'memory'];
  await console.print([...table([heads, ...cells]), out]);
}
