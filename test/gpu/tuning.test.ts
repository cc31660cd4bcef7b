// A tuning is trusted where it computes right on this device, and not where a driver's subgroups are other than it says.

import { expect, test } from 'vitest';
import { GpuDevice } from '../../gpu/device.js';
import { laneIncludes } from '../../gpu/kernels/include/lanes.js';
import { trustedTuning } from '../../gpu/software.js';
import type { Tuning } from '../../gpu/tuning.js';
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
  ['a row that is left out', (source: string) => source.replace('i < rows', 'i + 1u < rows')],
  ['text that does not compile', () => 'const GROUP = nothing;'],
])('%s: tiles of hardware', async (_, change) => {
  const device = withTile(change);
  expect(await trustedTuning(device, lanes8)).toEqual({ ...lanes8, lanes: 0 });
  expect(device.bytes.other, 'bytes left behind').toBe(0);
});
