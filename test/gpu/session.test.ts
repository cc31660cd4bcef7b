// The session on the shipped model: the split into report and frame against the whole network, the order of calls, and
// every way in which a call or a session ends.

import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAssembly, Preprocessor, Vocabulary } from '../../assembly/index.js';
import type { GpuDevice } from '../../gpu/device.js';
import { nodeGpu } from '../../gpu/node.js';
import { channelsFirst } from '../../graph/map-layout.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { inspectForward, openSession } from '../../node/index.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { openModel } from '../../runtime/session/open.js';
import type { Pixels, Report, Session } from '../../runtime/types.js';

const model = 'models/nano';
const config = parseConfig(JSON.parse(readFileSync(`${model}/config.json`, 'utf8')), model);
const samples: { file: string; text: string }[] = JSON.parse(readFileSync('samples/samples.json', 'utf8'));
const short = 'one small polyp';
const long =
  'one medium white heart polyp, located in bottom right of the image near the small pink round polyp in the center';

const open: Session[] = [];
async function session(dtype: 'fp32' | 'fp16' = 'fp32'): Promise<Session> {
  const opened = await openSession(model, { device: 'webgpu', dtype });
  open.push(opened);
  return opened;
}
afterAll(() => {
  for (const each of open) each.dispose();
});

async function pixels(index: number): Promise<Pixels> {
  const { data, info } = await sharp(`samples/${samples[index]!.file}`).raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: 3 };
}

const image = await pixels(1);
const shared = await session();

/** The network's probabilities by the other path: whole, unpadded, all outputs kept. */
async function probabilities(source: Pixels, text: string): Promise<Float32Array> {
  const assembly = await loadAssembly();
  const size = config.imageSize;
  const preprocessor = new Preprocessor(assembly, { size, normalize: config.normalize });
  const input = channelsFirst({ shape: [1, size, size, 3], data: Float32Array.from(preprocessor.run(source)) });
  preprocessor.dispose();
  const vocabulary = new Vocabulary(assembly, readFileSync(`${model}/vocab.txt`));
  const { ids } = vocabulary.encode(text, { maxLength: Network.of(config).maxTextLength });
  vocabulary.dispose();
  const tokens = { shape: [1, ids.length], data: ids };
  const mask = { shape: [1, ids.length], data: ids.map(() => 1) };
  const run = await inspectForward(model, { image: input, ids: tokens, mask }, { device: 'webgpu', dtype: 'fp32' });
  return run.outputs.logits!.data.map(logit => 1 / (1 + Math.exp(-logit)));
}

function largest(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((worst, value, i) => Math.max(worst, Math.abs(value - b[i]!)), 0);
}

describe('a frame', () => {
  test('is the whole network, for a short text, a longer one, and the short one again', async () => {
    const reports = await Promise.all([short, long].map(text => shared.encodeReport(text)));
    expect(reports.map(report => report.ids.length > 16)).toEqual([false, true]);
    const expected = [await probabilities(image, short), await probabilities(image, long)];
    expect(largest(expected[0]!, expected[1]!)).toBeGreaterThan(0.01); // the text matters
    for (const which of [0, 1, 0, 0, 1]) {
      const { probability } = await shared.segment(image, reports[which]!);
      expect(largest(probability, expected[which]!)).toBeLessThan(1e-4);
    }
    for (const report of reports) report.dispose();
  });

  test('of another image follows that image; the mask is the probability over the threshold, at the source size', async () => {
    const report = await shared.encodeReport(samples[2]!.text);
    const other = await pixels(2);
    const result = await shared.segment(other, report, { threshold: 0.7 });
    expect(largest(result.probability, await probabilities(other, samples[2]!.text))).toBeLessThan(1e-4);
    expect([result.width, result.height, result.mask.length]).toEqual([
      other.width,
      other.height,
      other.width * other.height,
    ]);
    const strict = result.mask.reduce((sum, bit) => sum + bit, 0);
    const lenient = (await shared.segment(other, report, { threshold: 0.3 })).mask.reduce((sum, bit) => sum + bit, 0);
    expect(strict).toBeGreaterThan(0);
    expect(lenient).toBeGreaterThan(strict);
    expect(result.lesions.reduce((sum, { area }) => sum + area, 0)).toBe(strict);
    report.dispose();
  });

  test('in fp16 gives nearly the same mask', async () => {
    const half = await session('fp16');
    const [a, b] = await Promise.all(
      [shared, half].map(async each => each.segment(image, await each.encodeReport(samples[1]!.text))),
    );
    const equal = a!.mask.reduce((count, bit, i) => count + Number(bit === b!.mask[i]), 0);
    expect(equal / a!.mask.length).toBeGreaterThan(0.998);
    expect(half.info.dtype).toBe('fp16');
  });

  test('a grey picture is the RGB one with three equal channels, and alpha is dropped over black', async () => {
    const grey = image.data.filter((_, i) => i % 3 === 0) as Uint8Array;
    const spread = (channels: number, last = 255) =>
      Uint8Array.from({ length: grey.length * channels }, (_, i) =>
        i % channels === 3 ? last : grey[Math.floor(i / channels)]!,
      );
    const { width, height } = image;
    const report = await shared.encodeReport(short);
    const results: Float32Array[] = [];
    for (const [channels, data] of [
      [1, grey],
      [3, spread(3)],
      [4, spread(4)],
    ] as const) {
      results.push((await shared.segment({ data, width, height, channels }, report)).probability);
    }
    expect([largest(results[0]!, results[1]!), largest(results[0]!, results[2]!)]).toEqual([0, 0]);
  });
});

describe('calls', () => {
  test('overlap without mixing', async () => {
    const [a, b] = [await shared.encodeReport(short), await shared.encodeReport(long)];
    const alone = [(await shared.segment(image, a)).probability, (await shared.segment(image, b)).probability];
    const together = await Promise.all([a, b, a, b, b, a].map(report => shared.segment(image, report)));
    for (const [i, { probability }] of together.entries())
      expect(largest(probability, alone[[0, 1, 0, 1, 1, 0][i]!]!)).toBe(0);
  });

  test('one that fails spoils no other', async () => {
    const report = await shared.encodeReport(short);
    const bad = { ...image, width: image.width + 1 };
    const calls = [shared.segment(image, report), shared.segment(bad, report), shared.segment(image, report)];
    const [first, second, third] = await Promise.allSettled(calls);
    expect([first!.status, second!.status, third!.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((second as PromiseRejectedResult).reason).toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  const refused: [string, () => Promise<unknown>, string][] = [
    ['an empty text', () => shared.encodeReport(' \n'), 'TEXT_EMPTY'],
    [
      'pixels that are not there',
      async () => shared.segment({ ...image, data: new Uint8Array(3) }, await shared.encodeReport(short)),
      'BAD_ARGUMENT',
    ],
    [
      'two channels',
      async () => shared.segment({ ...image, channels: 2 as 3 }, await shared.encodeReport(short)),
      'BAD_ARGUMENT',
    ],
    [
      'a threshold of 2',
      async () => shared.segment(image, await shared.encodeReport(short), { threshold: 2 }),
      'BAD_ARGUMENT',
    ],
    [
      'a report of nobody',
      () => shared.segment(image, { text: '', ids: new Int32Array(2), truncated: false, dispose() {} } as Report),
      'BAD_ARGUMENT',
    ],
  ];
  test.each(refused)('%s is refused by name', async (_, call, code) => {
    await expect(call()).rejects.toMatchObject({ name: 'TmcaError', code });
  });

  test('a report is refused once it is disposed, and by another session', async () => {
    const report = await shared.encodeReport(short);
    report.dispose();
    report.dispose();
    await expect(shared.segment(image, report)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  test('a picture in which nothing can be seen has no lesion, and the next one is as ever', async () => {
    const report = await shared.encodeReport(short);
    const before = await shared.segment(image, report);
    for (const value of [0, 128, 255]) {
      const flat = await shared.segment({ ...image, data: new Uint8Array(image.data.length).fill(value) }, report);
      expect(flat).toMatchObject({ lesions: [], omitted: { count: 0, area: 0 }, warnings: [{ code: 'IMAGE_FLAT' }] });
      expect(flat.mask.includes(1)).toBe(false);
    }
    expect(largest((await shared.segment(image, report)).probability, before.probability)).toBe(0);
  });

  test('a text over the limit is cut, and says so', async () => {
    const report = await shared.encodeReport('polyp '.repeat(600));
    expect([report.truncated, report.ids.length]).toEqual([true, Network.of(config).maxTextLength]);
    expect((await shared.segment(image, report)).mask).toHaveLength(image.width * image.height);
  });

  test('a signal that has fired rejects at once; one that fires in the queue rejects that call alone', async () => {
    const report = await shared.encodeReport(short);
    await expect(shared.encodeReport(short, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'ABORTED',
    });
    const controller = new AbortController();
    const calls = [shared.segment(image, report), shared.segment(image, report, { signal: controller.signal })];
    controller.abort();
    const [first, second] = await Promise.allSettled(calls);
    expect(first!.status).toBe('fulfilled');
    expect((second as PromiseRejectedResult).reason).toMatchObject({ code: 'ABORTED' });
  });
});

describe('a session', () => {
  test('says what it runs on, and why', () => {
    const stats = shared.stats();
    expect(stats).toMatchObject({ device: 'webgpu', dtype: 'fp32', adapter: { software: true } });
    expect(stats.reason).toContain('webgpu was asked for');
    expect(stats.model).toMatchObject({ name: 'nano-128', imageSize: 128, maxTextLength: 24 });
    expect(stats.model.hash).toMatch(/^[0-9a-f]{64}$/);
    expect(stats.dispatches.frame).toBeLessThanOrEqual(110);
    expect(stats.gpuBytes.weights).toBeGreaterThan(20e6);
    expect(stats.frames).toBeGreaterThan(0);
  });

  test('allocates nothing per frame', async () => {
    const report = await shared.encodeReport(long);
    await shared.segment(image, report);
    const before = { ...shared.stats().gpuBytes };
    for (let i = 0; i < 20; i++) await shared.segment(image, report);
    expect(shared.stats().gpuBytes).toEqual(before);
  });

  test('disposed in mid-call: the call rejects, later ones too, twice is fine', async () => {
    const mine = await session();
    const report = await mine.encodeReport(short);
    const pending = mine.segment(image, report);
    mine.dispose();
    mine.dispose();
    await expect(pending).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(mine.segment(image, report)).rejects.toMatchObject({ code: 'DISPOSED' });
    await expect(mine.encodeReport(short)).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  test('whose device is lost opens another, and answers with the same mask', async () => {
    const devices: GPUDevice[] = [];
    const spied = spyDevices(await nodeGpu(), devices);
    const mine = await openModel(model, { io: nodeIo, ort, gpu: async () => spied }, { device: 'webgpu' });
    const report = await mine.encodeReport(long);
    const before = await mine.segment(image, report);
    for (const when of ['during a frame', 'between frames'] as const) {
      const pending = when === 'during a frame' ? mine.segment(image, report) : undefined;
      devices.at(-1)!.destroy();
      const after = await (pending ?? mine.segment(image, report));
      expect(largest(after.probability, before.probability), when).toBe(0);
    }
    expect([devices.length, mine.stats().recoveries]).toEqual([3, 2]);
    mine.dispose();
  });

  test('whose device is lost and that gets no other rejects, and never answers with a mask', async () => {
    const devices: GPUDevice[] = [];
    const spied = spyDevices(await nodeGpu(), devices);
    let present = true;
    const platform = { io: nodeIo, ort, gpu: async () => (present ? spied : undefined) };
    const mine = await openModel(model, platform, { device: 'webgpu' });
    const report = await mine.encodeReport(short);
    present = false;
    const pending = mine.segment(image, report);
    devices.at(-1)!.destroy();
    await expect(pending).rejects.toMatchObject({ code: 'NO_WEBGPU' });
    present = true;
    expect((await mine.segment(image, report)).mask).toHaveLength(image.width * image.height);
    mine.dispose();
  });

  test('whose loading is stopped gives the device back', async () => {
    const devices: GPUDevice[] = [];
    const spied = spyDevices(await nodeGpu(), devices);
    const stop = new AbortController();
    const options = { device: 'webgpu', signal: stop.signal, onProgress: () => stop.abort() } as const;
    const opening = openModel(model, { io: nodeIo, ort, gpu: async () => spied }, options);
    await expect(opening).rejects.toMatchObject({ code: 'ABORTED' });
    expect(devices).toHaveLength(1);
    expect((await devices[0]!.lost).reason).toBe('destroyed');
  });

  test('is not opened where its signal has fired, or for an engine that is not there', async () => {
    await expect(openSession(model, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
    const platform = { io: nodeIo, ort, gpu: async () => undefined };
    await expect(openModel(model, platform, { device: 'webgpu' })).rejects.toMatchObject({ code: 'NO_WEBGPU' });
  });

  test('of auto takes wasm where the one adapter is software, and says so; its masks are those of WebGPU in fp32', async () => {
    const gpu = await openSession(model, { device: 'webgpu', dtype: 'fp32' });
    const mine = await openSession(model);
    if (gpu.info.adapter.software) {
      expect(mine.info).toMatchObject({ device: 'wasm', adapter: { vendor: 'onnxruntime' } });
      expect(mine.info.reason).toMatch(/^there is no hardware adapter, only .+, which runs on the CPU; wasm/);
    } else expect(mine.info.device).toBe('webgpu');
    const wasm = await openSession(model, { device: 'wasm' });
    for (const text of [short, long]) {
      const results = [];
      for (const session of [gpu, wasm]) results.push(await session.segment(image, await session.encodeReport(text)));
      expect(largest(results[0]!.probability, results[1]!.probability), text).toBeLessThan(1e-4);
    }
    for (const session of [gpu, mine, wasm]) session.dispose();
  });

  test('whose GPU is lost again and again goes on in wasm under auto, with the same mask', async () => {
    const devices: GPUDevice[] = [];
    let lossy = false;
    const spied = spyDevices(await nodeGpu(), devices, device => lossy && device.destroy());
    const platform = { io: nodeIo, ort, gpu: async () => passingForHardware(spied) };
    const mine = await openModel(model, platform);
    expect(mine.info.device).toBe('webgpu');
    const report = await mine.encodeReport(short);
    const before = await mine.segment(image, report);
    lossy = true;
    devices.at(-1)!.destroy();
    const after = await mine.segment(image, report);
    expect(largest(after.probability, before.probability)).toBeLessThan(0.02);
    expect(mine.info.device).toBe('wasm');
    expect(mine.stats().reason).toMatch(/^the GPU was lost again and again, and wasm took over; /);
    mine.dispose();
  });
});

const ort = () => import('onnxruntime-web');

/** The same GPU, whose devices are noted as they are made. */
function spyDevices(gpu: GPU, devices: GpuDevice['device'][], onDevice: (device: GPUDevice) => void = () => {}): GPU {
  return {
    wgslLanguageFeatures: gpu.wgslLanguageFeatures,
    getPreferredCanvasFormat: () => gpu.getPreferredCanvasFormat(),
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = await gpu.requestAdapter(options);
      const request = adapter?.requestDevice.bind(adapter);
      if (adapter && request) {
        adapter.requestDevice = async descriptor => {
          const device = await request(descriptor);
          devices.push(device);
          onDevice(device);
          return device;
        };
      }
      return adapter;
    },
  } as GPU;
}

/** The same GPU, whose adapter calls itself by another name. */
function passingForHardware(gpu: GPU): GPU {
  return {
    wgslLanguageFeatures: gpu.wgslLanguageFeatures,
    getPreferredCanvasFormat: () => gpu.getPreferredCanvasFormat(),
    async requestAdapter(options?: GPURequestAdapterOptions) {
      const adapter = await gpu.requestAdapter(options);
      if (!adapter) return null;
      const info = {
        vendor: 'acme',
        architecture: 'one',
        device: '',
        description: 'Acme One',
        isFallbackAdapter: false,
      };
      Object.defineProperty(adapter, 'info', { value: info });
      return adapter;
    },
  } as GPU;
}
