// A tuning is trusted where it computes right on this device, and not where a driver's subgroups are other than it says.

import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { GpuDevice } from '../../gpu/device.js';
import { dispatchOnce } from '../../gpu/first-dispatch.js';
import { laneIncludes } from '../../gpu/kernels/include/lanes.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { trustedTuning } from '../../gpu/software.js';
import type { Tuning } from '../../gpu/tuning.js';
import { parseConfig } from '../../model/config.js';
import { choosePrecision } from '../../runtime/engine-choice.js';
import { buildPrograms } from '../../runtime/webgpu/programs.js';
import { getGpu } from './harness.js';

const gpu = await getGpu();
const lanes8: Tuning = { ...gpu.tuning, lanes: 8 };

/** The same device, its tiles' text changed. */
function withTile(change: (source: string) => string): GpuDevice {
  const includes = { 'gemm-lanes': change(laneIncludes['gemm-lanes']!) };
  return new GpuDevice(gpu.device, gpu.adapter, gpu.features, { tuning: lanes8, includes });
}

test('the tuning that a device is opened with is one that computes right on it', async () => {
  expect(gpu.tuning.lanes > 0, 'a software adapter with subgroups of one size').toBe(
    gpu.adapter.software && gpu.features.subgroups,
  );
  expect(await trustedTuning(gpu, gpu.tuning)).toEqual(gpu.tuning);
});

test.each([
  [
    'lanes that get each other’s rows',
    (source: string) => source.replace('subgroupShuffle(own, i)', 'subgroupShuffle(own, i ^ 1u)'),
  ],
  ['a row that is left out', (source: string) => source.replace('m < m_end', 'm + 1u < m_end')],
  ['text that does not compile', () => 'const GROUP = nothing;'],
])('%s: tiles of hardware', async (_, change) => {
  const device = withTile(change);
  expect(await trustedTuning(device, lanes8)).toEqual({ ...lanes8, lanes: 0 });
  expect(device.bytes.other, 'bytes left behind').toBe(0);
});

test.each([
  ['whole vectors of four', {}],
  ['widths that no vector fits', { dims: [5, 6, 10, 14], text_dim: 33, text_heads: 3, heads: 1, head_channels: 3 }],
])('%s: every pipeline can be dispatched once over nothing, and leaves nothing behind', async (_, sizes) => {
  const micro = JSON.parse(await readFile('test/fixtures/golden/micro/config.json', 'utf8'));
  const config = parseConfig({ ...micro, ...sizes }, 'micro');
  const precision = choosePrecision('fp32', 'fp32', gpu.features.f16);
  const { frame, text } = buildPrograms(config, 16, precision, gpu.tuning);
  const before = gpu.bytes.other;
  const pipelines = new PipelineCache(gpu);
  await dispatchOnce(gpu, pipelines, [...frame.calls, ...text.calls]);
  await gpu.guard('test', gpu.device.queue.onSubmittedWorkDone());
  gpu.check('test');
  const names = new Set([...frame.calls, ...text.calls].map(({ shader }) => shader.name));
  expect(pipelines.size).toBeGreaterThanOrEqual(names.size);
  expect(gpu.bytes.other).toBe(before);
});

test('a device has one cache of pipelines, and the self-test’s product is in it', async () => {
  const cache = PipelineCache.of(gpu);
  expect(PipelineCache.of(gpu)).toBe(cache);
  const before = cache.size;
  await trustedTuning(gpu, gpu.tuning);
  const known = cache.size;
  await trustedTuning(gpu, gpu.tuning);
  expect(cache.size).toBe(known);
  expect(known - before).toBeLessThanOrEqual(1);
});
