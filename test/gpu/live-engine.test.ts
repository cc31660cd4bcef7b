// Frames on the device, through the shipped model: the masks of the ordinary path, the average over time, prompts, and every way to end.

import { existsSync, readFileSync } from 'node:fs';
import sharp from 'sharp';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAssembly, Preprocessor, upsampleMask, Vocabulary } from '../../assembly/index.js';
import { checkedStream, openModelFolder } from '../../formats/model-folder/index.js';
import { nodeGpu } from '../../gpu/node.js';
import { openDevice } from '../../gpu/open-device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { weightsOf } from '../../runtime/engines/stored-weights.js';
import type { DeviceReport } from '../../runtime/engines/webgpu/device-report.js';
import { WebGpuEngine } from '../../runtime/engines/webgpu/engine.js';
import { copyTarget } from '../../runtime/engines/webgpu/live/picture-source.js';
import type { LiveFrame, LiveRunOptions } from '../../runtime/live/live-engine.js';
import type { Pixels } from '../../runtime/types.js';
import { expectClose } from '../tolerance.js';

const model = 'models/nano';
const config = parseConfig(JSON.parse(readFileSync(`${model}/config.json`, 'utf8')), model);
const size = config.imageSize;
const samples: { file: string; text: string }[] = JSON.parse(readFileSync('samples/samples.json', 'utf8'));
const assembly = await loadAssembly();
const alone: LiveRunOptions = { share: 1, reset: true };

const ends: (() => void)[] = [];
afterAll(() => {
  for (const end of ends.splice(0)) end();
});

/** The shipped model on a device of its own. */
async function opened(dtype: 'fp32' | 'fp16') {
  const folder = await openModelFolder(model, nodeIo);
  try {
    const gpu = await openDevice({ gpu: await nodeGpu(), prefer: 'any' });
    ends.push(() => gpu.dispose());
    const weights = await weightsOf(config, folder.weights.header, checkedStream(folder), dtype, gpu);
    const engine = await WebGpuEngine.create({ gpu, assembly, config, ...weights });
    ends.unshift(() => engine.dispose());
    const live = await engine.live();
    return { gpu, engine, live };
  } finally {
    await folder.close();
  }
}
type Opened = Awaited<ReturnType<typeof opened>>;

const vocabulary = new Vocabulary(assembly, readFileSync(`${model}/vocab.txt`));
const encode = ({ engine }: Opened, text: string): Promise<DeviceReport> =>
  engine.encode(vocabulary.encode(text, { maxLength: Network.of(config).maxTextLength }).ids);

const pixels = (index: number, width?: number, height?: number): Promise<Pixels> =>
  read(`samples/${samples[index]!.file}`, width, height);

async function read(path: string, width?: number, height?: number): Promise<Pixels> {
  const image = sharp(path).ensureAlpha();
  const { data, info } = await (width ? image.resize(width, height, { fit: 'fill' }) : image)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: 4 };
}

/** As a frame that has been copied into a texture. */
async function live(
  on: Opened,
  { data, width, height }: Pixels,
  report: DeviceReport,
  options: LiveRunOptions,
): Promise<LiveFrame> {
  const { texture, picture } = await copyTarget(PipelineCache.of(on.gpu), width, height);
  on.gpu.device.queue.writeTexture({ texture }, data as Uint8Array<ArrayBuffer>, { bytesPerRow: 4 * width }, [
    width,
    height,
  ]);
  try {
    return await on.live.runPicture(picture, report, options);
  } finally {
    on.gpu.destroyTexture(texture);
  }
}

/** The ordinary path: through the assembly. */
async function logits({ engine }: Opened, image: Pixels, report: DeviceReport): Promise<Float32Array> {
  using preprocessor = new Preprocessor(assembly, { size, normalize: config.normalize, ...engine.input });
  return engine.run(preprocessor.run(image), report, undefined);
}

const maskOf = (values: Float32Array, { width, height }: Pixels): Uint8Array =>
  upsampleMask(assembly, values, size, width, height, { logits: true });

function agreement(a: Uint8Array, b: Uint8Array): number {
  expect(a.length).toBe(b.length);
  return a.filter((x, i) => x === b[i]).length / a.length;
}

/** Gives whether there is a lesion. */
async function expectSameMask(on: Opened, image: Pixels, text: string): Promise<boolean> {
  const report = await encode(on, text);
  const frame = await live(on, image, report, alone);
  const expected = maskOf(await logits(on, image, report), image);
  expect(agreement(maskOf(frame.logits, image), expected)).toBeGreaterThanOrEqual(0.995);
  report.dispose();
  return expected.some(x => x === 1);
}

/** Published images at their original sizes; not ours to copy. */
const kvasir = '../shared/data/kvasir-seg-original';

const full = await opened('fp32');
const half = full.gpu.features.f16 ? await opened('fp16') : null;

describe.each([['fp32', full] as const, ...(half ? [['fp16', half] as const] : [])])('a live frame, %s', (_, on) => {
  test.each(samples.map((sample, index) => ({ ...sample, index })))(
    'has the mask of the ordinary path: $file',
    async ({ text, index }) => expect(await expectSameMask(on, await pixels(index), text)).toBe(true),
  );

  test.skipIf(!existsSync(kvasir))(
    'has the mask of the ordinary path on the originals of Kvasir-SEG (skipped where ../shared is not)',
    async () => {
      const { records } = JSON.parse(readFileSync(`${kvasir}/dataset.json`, 'utf8'));
      expect(records.length).toBe(16);
      let lesions = 0;
      for (const { image, text } of records)
        lesions += Number(await expectSameMask(on, await read(`${kvasir}/${image}`), text));
      expect(lesions).toBeGreaterThan(8); // the small model finds none in some
    },
  );
});

describe('frames', () => {
  test('alternate with ordinary ones, other prompts and sizes, and each is its own', async () => {
    const [short, long] = await Promise.all(['one small polyp', samples[1]!.text].map(text => encode(full, text)));
    const images = [await pixels(1), await pixels(0, 320, 240), await pixels(2, 97, 131)];
    for (const [image, report] of [
      [0, short],
      [1, long],
      [0, long],
      [2, short],
      [0, short],
    ] as const) {
      const frame = await live(full, images[image]!, report!, alone);
      const expected = await logits(full, images[image]!, report!);
      expectClose(frame.logits, expected, { abs: 0.35, rel: 0 });
      expect(agreement(maskOf(frame.logits, images[image]!), maskOf(expected, images[image]!))).toBeGreaterThan(0.99);
    }
    for (const report of [short, long]) report!.dispose();
  });

  test('say how much the picture varies, and a lost camera not at all', async () => {
    const report = await encode(full, samples[1]!.text);
    const image = await pixels(1);
    const { deviation, histogram } = await live(full, image, report, alone);
    using preprocessor = new Preprocessor(assembly, { size, normalize: 'none' });
    const bytes = Float32Array.from(preprocessor.run(image), x => Math.round(x * 255));
    for (let c = 0; c < 3; c++) {
      const channel = bytes.filter((_, i) => i % 3 === c);
      const mean = channel.reduce((a, b) => a + b, 0) / channel.length;
      const variance = channel.reduce((a, b) => a + (b - mean) ** 2, 0) / channel.length;
      expect(deviation[c]).toBeCloseTo(Math.sqrt(variance), 0);
      expect(histogram.subarray(16 * c, 16 * c + 16).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5);
      expect(histogram[16 * c]).toBeCloseTo(channel.filter(x => x < 16).length / channel.length, 2);
    }
    const flat = { ...image, data: new Uint8Array(image.data.length).fill(255) };
    expect((await live(full, flat, report, alone)).deviation).toEqual([0, 0, 0]);
    report.dispose();
  });

  test('are averaged over time, until the average is begun anew', async () => {
    const report = await encode(full, samples[1]!.text);
    const [a, b] = [await pixels(1), await pixels(2)];
    const [first, second] = [(await live(full, a, report, alone)).logits, (await live(full, b, report, alone)).logits];
    const mix = (x: Float32Array, y: Float32Array, share: number) => x.map((v, i) => v + share * (y[i]! - v));
    const run = async (image: Pixels, share: number, reset = false) =>
      (await live(full, image, report, { share, reset })).logits;
    expectClose(await run(a, 0.25, true), first, { abs: 1e-5, rel: 1e-6 });
    const once = mix(first, second, 0.25);
    expectClose(await run(b, 0.25), once, { abs: 1e-4, rel: 1e-5 });
    expectClose(await run(a, 0.5), mix(once, first, 0.5), { abs: 1e-4, rel: 1e-5 });
    expect(await run(b, 0.25, true)).toEqual(second);
    report.dispose();
  });

  test('average from the first one on, though nobody said that it begins anew', async () => {
    const fresh = await opened('fp32');
    const report = await encode(fresh, samples[1]!.text);
    const image = await pixels(1);
    const frame = await live(fresh, image, report, { share: 0.1, reset: false });
    expect(frame.logits).toEqual((await live(fresh, image, report, alone)).logits);
    report.dispose();
  });

  test('take no more memory, however many there are; a new size gives back what the last one had', async () => {
    const report = await encode(full, samples[1]!.text);
    const [large, small] = [await pixels(1, 640, 480), await pixels(1, 320, 240)];
    await live(full, large, report, alone);
    const before = full.gpu.bytes;
    for (let i = 0; i < 5; i++) await live(full, large, report, { share: 0.5, reset: false });
    expect(full.gpu.bytes).toEqual(before);
    await live(full, small, report, alone);
    await live(full, large, report, alone);
    expect(full.gpu.bytes).toEqual(before);
    report.dispose();
  });
});

describe('an end', () => {
  test('a source that is closed is refused by name', async () => {
    const report = await encode(full, samples[1]!.text);
    const closed = { displayWidth: 0, displayHeight: 0, format: null } as VideoFrame;
    await expect(full.live.run(closed, report, alone)).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringContaining('the frame must have pixels, got 0x0'),
    });
    report.dispose();
  });

  test('a source that no way takes says so, and the next frame runs', async () => {
    const report = await encode(full, samples[1]!.text);
    const strange = { displayWidth: 8, displayHeight: 8, format: null } as VideoFrame;
    await expect(full.live.run(strange, report, alone)).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    expect((await live(full, await pixels(1), report, alone)).logits.length).toBe(size * size);
    report.dispose();
  });

  test('a frame too large for the device is refused before anything is made', async () => {
    const report = await encode(full, samples[1]!.text);
    const before = full.gpu.bytes;
    const huge = { width: 1 << 20, height: 8 } as ImageBitmap;
    await expect(full.live.run(huge, report, alone)).rejects.toMatchObject({ code: 'IMAGE_TOO_LARGE' });
    expect(full.gpu.bytes).toEqual(before);
    report.dispose();
  });

  test.each([0, -1, 2, Number.NaN])('a share of %s is refused', async share => {
    const report = await encode(full, samples[1]!.text);
    await live(full, await pixels(1), report, alone);
    const wrong = live(full, await pixels(1), report, { share, reset: false });
    await expect(wrong).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    report.dispose();
  });

  test('a signal stops the wait; the next frame is right', async () => {
    const report = await encode(full, samples[1]!.text);
    const [first, image] = [await pixels(2), await pixels(1)];
    const expected = (await live(full, image, report, alone)).logits;
    const stop = new AbortController();
    const run = live(full, first, report, { ...alone, signal: stop.signal });
    stop.abort();
    await expect(run).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await live(full, image, report, alone)).logits).toEqual(expected);
    report.dispose();
  });

  test('a device that is lost under a frame rejects it and every later call', async () => {
    const mine = await opened('fp32');
    const report = await encode(mine, samples[1]!.text);
    const image = await pixels(1);
    await live(mine, image, report, alone);
    const overlay = await mine.live.overlay('rgba8unorm');
    const run = live(mine, image, report, alone);
    mine.gpu.device.destroy();
    await expect(run).rejects.toMatchObject({ code: 'DEVICE_LOST', retryable: true });
    const draw = overlay.draw(
      new Uint8Array(size * size),
      8,
      8,
      { threshold: 0.5, color: [1, 1, 1], fill: 1, outline: 0 },
      () => {
        throw new Error('nothing is drawn');
      },
    );
    await expect(draw).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    await expect(live(mine, image, report, alone)).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    mine.live.clear(); // does nothing, and does not throw
  });

  test('disposal gives back every byte, twice is fine, and a frame under way rejects', async () => {
    const mine = await opened('fp32');
    const report = await encode(mine, samples[1]!.text);
    const image = await pixels(1);
    await live(mine, image, report, alone);
    await mine.live.overlay('rgba8unorm');
    const run = live(mine, image, report, alone);
    const ended = expect(run).rejects.toMatchObject({ code: 'DISPOSED' });
    await new Promise(resolve => setTimeout(resolve, 0));
    mine.engine.dispose();
    mine.live.dispose();
    mine.live.dispose();
    await ended;
    expect(mine.gpu.bytes).toEqual({ weights: 0, arena: 0, other: 0 });
  });
});
