// A picture on the device becomes the network's input: against the assembly, which equals Pillow, on the same pixels.

import { describe, expect, test } from 'vitest';
import { loadAssembly, type PixelData, Preprocessor } from '../../assembly/index.js';
import type { GpuDevice } from '../../gpu/device.js';
import { averageLogits } from '../../gpu/kernels/live/average-logits.js';
import { pixelStatisticsCount } from '../../gpu/kernels/live/pixel-statistics.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';
import { FrameInput } from '../../runtime/engines/webgpu/live/frame-input.js';
import { copyTarget } from '../../runtime/engines/webgpu/live/picture-source.js';
import { fromHalf } from '../half.js';
import { normals } from '../numbers.js';
import { expectClose, tolerance } from '../tolerance.js';
import { asStored, getGpu, runKernel, variations } from './harness.js';

const assembly = await loadAssembly();
const acts = (await variations()).filter(v => v.act === v.weight);

type Normalize = 'zscore' | 'imagenet' | 'none';

/** Speckled and striped, so that every pixel matters, with a deviation of its own in each channel. */
function noise(width: number, height: number): PixelData {
  const values = normals(width * height * 3, width * 7 + height);
  const data = new Uint8Array(width * height * 4);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) data[4 * i + c] = 128 + (30 - 8 * c) * values[3 * i + c]! + 40 * Math.sin(i / (9 + c));
    data[4 * i + 3] = 255;
  }
  return { data, width, height, channels: 4 };
}

interface Prepared {
  readonly image: Float32Array;
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
  readonly histogram: Float32Array;
}

/** Pictures in turn through one input, as the frames of a stream whose size changes. */
async function onDevice(
  gpu: GpuDevice,
  pictures: readonly PixelData[],
  size: number,
  normalize: Normalize,
  act: 'f32' | 'f16',
): Promise<Prepared[]> {
  const pipelines = PipelineCache.of(gpu);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC;
  const buffer = (label: string, bytes: number) => gpu.createBuffer({ label, size: bytes, usage, kind: 'other' });
  const imageBytes = size * size * 3 * (act === 'f16' ? 2 : 4);
  const image = await buffer('image', Math.ceil(imageBytes / 16) * 16);
  const statistics = await buffer('statistics', 4 * pixelStatisticsCount);
  const range = (of: GPUBuffer) => ({ buffer: of, offset: 0, size: of.size });
  const input = await FrameInput.create(pipelines, { imageSize: size, normalize }, range(statistics));
  using readback = new Readback(gpu);
  const results: Prepared[] = [];
  const imageInput = { range: range(image), act };
  for (const { data, width, height } of pictures) {
    const { texture, picture } = await copyTarget(pipelines, width, height);
    gpu.device.queue.writeTexture({ texture }, data as Uint8Array<ArrayBuffer>, { bytesPerRow: 4 * width }, [
      width,
      height,
    ]);
    await input.fit(picture, imageInput);
    const encoder = gpu.device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    input.encodePass(pass, picture);
    pass.end();
    gpu.device.queue.submit([encoder.finish()]);
    const bytes = await readback.read(range(image));
    const found = new Float32Array((await readback.read(range(statistics))).buffer);
    const count = size * size * 3;
    results.push({
      image:
        act === 'f16'
          ? Float32Array.from(new Uint16Array(bytes.buffer, 0, count), fromHalf)
          : new Float32Array(bytes.buffer, 0, count),
      mean: found.subarray(0, 3),
      deviation: found.subarray(3, 6),
      histogram: found.subarray(6),
    });
    gpu.destroyTexture(texture);
  }
  input.dispose();
  for (const each of [image, statistics]) gpu.destroyBuffer(each);
  return results;
}

const inAssembly = (picture: PixelData, size: number, normalize: Normalize): Float32Array => {
  using preprocessor = new Preprocessor(assembly, { size, normalize });
  return Float32Array.from(preprocessor.run(picture));
};

/** Takes bytes [size * size, 3]. */
function statisticsOf(bytes: Float32Array): Omit<Prepared, 'image'> {
  const count = bytes.length / 3;
  const mean = new Float32Array(3);
  const deviation = new Float32Array(3);
  const histogram = new Float32Array(48);
  for (let c = 0; c < 3; c++) {
    const values = Array.from({ length: count }, (_, i) => bytes[3 * i + c]!);
    const middle = values.reduce((a, b) => a + b, 0) / count;
    mean[c] = middle;
    deviation[c] = Math.sqrt(values.reduce((a, b) => a + (b - middle) ** 2, 0) / count);
    for (let k = 0; k < 16; k++) histogram[16 * c + k] = values.filter(value => value >> 4 === k).length / count;
  }
  return { mean, deviation, histogram };
}

const shapes = [
  { width: 64, height: 48, size: 33 },
  { width: 7, height: 5, size: 32 },
  { width: 1, height: 1, size: 4 },
  { width: 3, height: 301, size: 17 },
  { width: 640, height: 3, size: 64 },
  { width: 32, height: 32, size: 32 },
  { width: 1920, height: 1080, size: 128 },
];

describe.each(acts)('a picture becomes the input of the network, $name', ({ gpu, act }) => {
  test.each(shapes)('within 2/255 of the assembly, $width x $height to $size', async ({ width, height, size }) => {
    const picture = noise(width, height);
    const expected = inAssembly(picture, size, 'none');
    const [got] = await onDevice(gpu, [picture], size, 'none', act);
    expectClose(got!.image, expected, { abs: 2 / 255 + 1e-6, rel: tolerance[act].rel });
    const off = got!.image.filter((x, i) => Math.abs(x - expected[i]!) > 0.5 / 255).length;
    expect(off / expected.length, "bytes that are not Pillow's own").toBeLessThan(0.05); // halves may be rounded either way
    expectClose(got!.mean, statisticsOf(expected.map(x => Math.round(x * 255))).mean, { abs: 0.1, rel: 0 });
  });

  test.each(['zscore', 'imagenet'] as const)('normalised by %s', async normalize => {
    for (const { width, height, size } of [shapes[0]!, shapes[1]!]) {
      const picture = noise(width, height);
      const expected = inAssembly(picture, size, normalize);
      const [got] = await onDevice(gpu, [picture], size, normalize, act);
      // the assembly's numbers for a difference of 2 bytes
      const { deviation } = statisticsOf(inAssembly(picture, size, 'none').map(x => Math.round(x * 255)));
      const step = normalize === 'zscore' ? 2 / Math.min(...deviation) : 2 / (255 * 0.224);
      expectClose(got!.image, expected, { abs: step, rel: tolerance[act].rel });
      const mean = expected.reduce((sum, x, i) => sum + Math.abs(x - got!.image[i]!), 0) / expected.length;
      expect(mean).toBeLessThan(step / 50);
    }
  });

  test('pictures of changing size follow one another', async () => {
    const pictures = [noise(40, 30), noise(30, 40), noise(9, 9), noise(40, 30)];
    const results = await onDevice(gpu, pictures, 24, 'none', act);
    for (const [i, { image }] of results.entries())
      expectClose(image, inAssembly(pictures[i]!, 24, 'none'), { abs: 2 / 255 + 1e-6, rel: tolerance[act].rel });
  });
});

describe('statistics of a picture', () => {
  test('are those of its bytes at the size of the network', async () => {
    const [got] = await onDevice(await getGpu(), [noise(77, 50)], 37, 'none', 'f32');
    const { mean, deviation, histogram } = statisticsOf(got!.image.map(x => Math.round(x * 255)));
    expectClose(got!.mean, mean, { abs: 1e-3, rel: 0 });
    expectClose(got!.deviation, deviation, { abs: 1e-3, rel: 1e-5 });
    expectClose(got!.histogram, histogram, { abs: 1e-6, rel: 0 });
  });

  test('a picture of one colour has no deviation, one of almost one colour has the little that it has', async () => {
    const flat: PixelData = { width: 50, height: 40, channels: 4, data: new Uint8Array(8000).fill(255) };
    for (let i = 0; i < 2000; i++) flat.data.set([251, 7, 128], 4 * i);
    const speck: PixelData = { ...flat, data: flat.data.slice() };
    speck.data.set([255, 7, 128], 4 * 1025);
    const [none, little] = await onDevice(await getGpu(), [flat, speck], 40, 'zscore', 'f32');
    expect([...none!.deviation]).toEqual([0, 0, 0]);
    expect([...none!.image].every(x => x === 0)).toBe(true);
    expect(little!.deviation[0]).toBeGreaterThan(0.02);
    expect(little!.deviation[0]).toBeLessThan(0.2);
    expect([...little!.deviation.subarray(1)]).toEqual([0, 0]);
  });

  test('are exact where sums of squares pass 32 bits', async () => {
    const white: PixelData = {
      width: 2,
      height: 1,
      channels: 4,
      data: new Uint8Array([255, 255, 255, 255, 255, 0, 0, 255]),
    };
    const [got] = await onDevice(await getGpu(), [white], 300, 'none', 'f32');
    const { mean, deviation } = statisticsOf(got!.image.map(x => Math.round(x * 255)));
    expectClose(got!.deviation, deviation, { abs: 1e-3, rel: 1e-5 });
    expectClose(got!.mean, mean, { abs: 1e-3, rel: 1e-5 });
    expect(got!.deviation[0]).toBe(0);
  });
});

describe.each(acts)('average-logits, $name', ({ gpu, act }) => {
  const count = 33;
  const x = asStored(normals(count, 3), act);
  const before = normals(count, 4);
  const averaged = async (share: number, average: ArrayLike<number>) => {
    const call = averageLogits({ count, share }, { x: 0, average: 1 }, { act });
    const [got] = await runKernel(gpu, call, [
      { data: x, storage: act },
      { data: average, storage: 'f32' },
    ]);
    return got!;
  };

  test('moves by its share towards the newest', async () => {
    const expected = before.map((b, i) => b + 0.3 * (x[i]! - b));
    expectClose(await averaged(0.3, before), expected, tolerance.f32);
  });

  test('with a share of 1 is the newest, bit for bit', async () => {
    expect(
      await averaged(
        1,
        before.map(b => b * 1e30),
      ),
    ).toEqual(x);
  });

  test('does not keep NaN or infinity of a frame that was refused', async () => {
    const spoilt = before.map((b, i) => [Number.NaN, Infinity, -Infinity, b][i % 4]!);
    const expected = before.map((b, i) => (i % 4 === 3 ? b + 0.3 * (x[i]! - b) : x[i]!));
    expectClose(await averaged(0.3, spoilt), expected, tolerance.f32);
  });
});
