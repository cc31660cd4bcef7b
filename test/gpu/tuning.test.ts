// A tuning is trusted where it computes right on this device, and not where a driver's subgroups are other than it says.

import { readFile } from 'node:fs/promises';
import { expect, test, vi } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { fillStream } from '../../formats/weights/name-seeded-parameters.js';
import { type DeviceExtras, GpuDevice } from '../../gpu/device.js';
import { nodeGpu } from '../../gpu/node.js';
import { openDevice } from '../../gpu/open-device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { dispatchOnce } from '../../gpu/software/first-dispatch.js';
import { laneIncludes } from '../../gpu/software/lane-includes.js';
import { trustedTuning } from '../../gpu/software/trusted-tuning.js';
import type { Tuning } from '../../gpu/tuning.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { WebGpuEngine } from '../../runtime/engines/webgpu/engine.js';
import { buildPrograms } from '../../runtime/engines/webgpu/programs.js';
import { loadGolden } from '../golden.js';
import { expectClose, tolerance } from '../tolerance.js';
import { getGpu } from './harness.js';

const gpu = await getGpu();
const assembly = await loadAssembly();
const lanes8: Tuning = { ...gpu.tuning, lanes: 8 };

/** The same device, its tiles' text changed. */
function withTile(change: (source: string) => string, extras: DeviceExtras = {}): GpuDevice {
  const includes = { ...laneIncludes, 'gemm-lanes': change(laneIncludes['gemm-lanes']!) };
  return new GpuDevice(gpu.device, gpu.adapter, gpu.features, { ...extras, tuning: lanes8, includes });
}

test('the tuning that a device is opened with is one that computes right on it', async () => {
  expect(gpu.tuning.lanes > 1, 'a software adapter with subgroups of one size').toBe(
    gpu.adapter.software && gpu.features.subgroups,
  );
  expect(await trustedTuning(gpu, gpu.tuning)).toEqual(gpu.tuning);
});

const broken: [string, (source: string) => string][] = [
  [
    'lanes that get each other’s rows',
    (source: string) => source.replace('subgroupShuffle(own[r], i)', 'subgroupShuffle(own[r], i ^ 1u)'),
  ],
  ['a row that is left out', (source: string) => source.replace('m < m_end', 'm + 1u < m_end')],
  ['text that does not compile', () => 'const GROUP = nothing;'],
];

test.each(broken)('%s: tiles of hardware', async (_, change) => {
  const device = withTile(change);
  expect(await trustedTuning(device, lanes8)).toEqual({ ...lanes8, lanes: 0 });
  expect(device.bytes.other, 'bytes left behind').toBe(0);
});

const { config } = await loadGolden('test/fixtures/golden/micro');

function engineOn(device: GpuDevice): Promise<WebGpuEngine> {
  const parameters = fillStream(Network.of(config).parameters);
  const precision = choosePrecision('fp32', 'fp32', false);
  return WebGpuEngine.create({ gpu: device, assembly, config, precision, parameters });
}

test('an engine has its tuning tried first, and does not wait for the answer before it has all compiled', async () => {
  const labels: string[] = [];
  const made = vi.spyOn(gpu.device, 'createCommandEncoder').mockImplementation(function (this: GPUDevice, descriptor) {
    labels.push(descriptor?.label ?? '');
    return GPUDevice.prototype.createCommandEncoder.call(gpu.device, descriptor);
  });
  try {
    await engineOn(withTile(source => source, { trustedTuning, dispatchOnce }));
  } finally {
    made.mockRestore();
  }
  const first = labels.flatMap((label, i) => (label.startsWith('first ') ? [i] : []));
  expect(first.length).toBeGreaterThan(5);
  expect(labels.indexOf('self-test')).toBeLessThan(first[0]!);
  expect(labels.filter(label => label === 'self-test').length).toBe(1);
});

async function logitsOn(device: GpuDevice): Promise<Float32Array> {
  const engine = await engineOn(device);
  const image = Float32Array.from({ length: config.imageSize ** 2 * 3 }, (_, i) => ((i * 7) % 31) / 15 - 1);
  return engine.run(image, await engine.encode(Int32Array.from([2, 5, 7, 3])), undefined);
}

const tiles = new GpuDevice(gpu.device, gpu.adapter, gpu.features, { tuning: { ...lanes8, lanes: 0 } });
const expected = await logitsOn(tiles);

test.each(broken)('%s: an engine that began to compile before that was known computes right', async (_, change) => {
  const device = withTile(change, { trustedTuning, dispatchOnce });
  expect(await logitsOn(device)).toEqual(expected);
  expect(device.tuning).toEqual(tiles.tuning);
});

test('on a device without subgroups invocations work alone, and an engine computes the same', async () => {
  const plain = await openDevice({ gpu: await nodeGpu(), prefer: 'any', features: { subgroups: false } });
  expect(plain.features.subgroups).toBe(false);
  expect(plain.tuning.lanes).toBe(plain.adapter.software ? 1 : 0);
  expectClose(await logitsOn(plain), expected, tolerance.golden);
  plain.dispose();
});

test.each([
  ['whole vectors of four', {}],
  ['widths that no vector fits', { dims: [5, 6, 10, 14], text_dim: 33, text_heads: 3, heads: 1, head_channels: 3 }],
])('%s: every pipeline can be dispatched once over nothing, and leaves nothing behind', async (_, sizes) => {
  const micro = JSON.parse(await readFile('test/fixtures/golden/micro/config.json', 'utf8'));
  const network = parseConfig({ ...micro, ...sizes }, 'micro');
  const precision = choosePrecision('fp32', 'fp32', gpu.features.f16);
  const { frame, text } = buildPrograms(network, 16, precision, gpu.tuning);
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
