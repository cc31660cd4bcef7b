// Lesions drawn on the device, pixel for pixel: which pixels they have, what is allowed, area, outline and halo.

import { afterAll, describe, expect, test } from 'vitest';
import { loadAssembly, upsampleMask } from '../../assembly/index.js';
import { TmcaError } from '../../errors/index.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';
import { Overlay } from '../../runtime/engines/webgpu/live/overlay.js';
import type { OverlayLook } from '../../runtime/live/live-engine.js';
import { normals } from '../numbers.js';
import { getGpu } from './harness.js';

const assembly = await loadAssembly();
const gpu = await getGpu();
const readback = new Readback(gpu);
afterAll(() => readback.dispose());

const look: OverlayLook = { threshold: 0.5, color: [1, 0.5, 0.25], fill: 0.4, outline: 0 };

interface Drawing {
  readonly size: number;
  readonly logits: Float32Array;
  readonly allowed?: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly look?: Partial<OverlayLook>;
}

/** RGBA bytes of each drawing, all by one overlay. */
async function draw(...drawings: readonly Drawing[]): Promise<Uint8Array[]> {
  const { size } = drawings[0]!;
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  const logits = await gpu.createBuffer({ label: 'logits', size: 4 * size * size, usage, kind: 'other' });
  const range = { buffer: logits, offset: 0, size: logits.size };
  const overlay = await Overlay.create(PipelineCache.of(gpu), size, range, 'rgba8unorm');
  const drawn: Uint8Array[] = [];
  for (const { width, height, allowed = new Uint8Array(size * size).fill(1), ...drawing } of drawings) {
    gpu.device.queue.writeBuffer(logits, 0, drawing.logits as Float32Array<ArrayBuffer>);
    let canvas: GPUTexture | undefined;
    const target = () => {
      canvas = gpu.device.createTexture({
        size: [width, height],
        format: 'rgba8unorm',
        usage: GPUTextureUsage.RENDER_ATTACHMENT | GPUTextureUsage.COPY_SRC,
      });
      return canvas;
    };
    await overlay.draw(allowed, width, height, { ...look, ...drawing.look }, target);
    drawn.push(await pixelsOf(canvas!));
    canvas!.destroy();
  }
  overlay.dispose();
  gpu.destroyBuffer(logits);
  gpu.check('draw');
  return drawn;
}

async function pixelsOf(texture: GPUTexture): Promise<Uint8Array> {
  const { width, height } = texture;
  const bytesPerRow = Math.ceil((4 * width) / 256) * 256;
  const size = bytesPerRow * height;
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = await gpu.createBuffer({ label: 'pixels', size, usage, kind: 'other' });
  const encoder = gpu.device.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, [width, height]);
  gpu.device.queue.submit([encoder.finish()]);
  const bytes = await readback.read({ buffer, offset: 0, size });
  gpu.destroyBuffer(buffer);
  const rows = Array.from({ length: height }, (_, y) => bytes.subarray(y * bytesPerRow, y * bytesPerRow + 4 * width));
  return Uint8Array.from(rows.flatMap(row => [...row]));
}

const alphaOf = (pixels: Uint8Array): Uint8Array => pixels.filter((_, i) => i % 4 === 3);

/** Blobs: noise, each value that of its surroundings too. */
function blobs(size: number, seed: number): Float32Array {
  const noise = normals(size * size, seed);
  const at = (x: number, y: number) =>
    noise[Math.min(Math.max(y, 0), size - 1) * size + Math.min(Math.max(x, 0), size - 1)]!;
  return Float32Array.from({ length: size * size }, (_, i) => {
    let sum = 0;
    for (let dy = -2; dy <= 2; dy++)
      for (let dx = -2; dx <= 2; dx++) sum += at((i % size) + dx, Math.floor(i / size) + dy);
    return sum;
  });
}

/** Logits of squares [x, y, side]: surely inside, surely outside. */
function squares(size: number, ...list: readonly (readonly [number, number, number])[]): Float32Array {
  const logits = new Float32Array(size * size).fill(-20);
  for (const [left, top, side] of list)
    for (let y = top; y < top + side; y++) logits.fill(20, y * size + left, y * size + left + side);
  return logits;
}

/** Which pixels of a mask are within `reach` of one that is set. */
function grown(mask: ArrayLike<number>, width: number, height: number, reach: number): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let dy = -reach; dy <= reach; dy++)
        for (let dx = -reach; dx <= reach; dx++) {
          const inside = x + dx >= 0 && x + dx < width && y + dy >= 0 && y + dy < height;
          if (inside && mask[(y + dy) * width + x + dx]) out[y * width + x] = 1;
        }
  return out;
}

describe('the area of a lesion', () => {
  test.each([
    { size: 32, width: 211, height: 97, threshold: 0.5 },
    { size: 33, width: 33, height: 33, threshold: 0.3 },
    { size: 48, width: 31, height: 17, threshold: 0.9 },
    { size: 16, width: 400, height: 3, threshold: 0.5 },
  ])('is the mask of segment: $size to $width x $height at $threshold', async ({ size, width, height, threshold }) => {
    const logits = blobs(size, size);
    const [pixels] = await draw({ size, logits, width, height, look: { threshold } });
    const expected = upsampleMask(assembly, logits, size, width, height, { threshold, logits: true });
    const drawn = alphaOf(pixels!).map(alpha => Number(alpha > 0));
    expect(expected.some(x => x === 1) && expected.some(x => x === 0)).toBe(true);
    const off = drawn.filter((x, i) => x !== expected[i]).length;
    expect(off / drawn.length).toBeLessThanOrEqual(0.001);
  });

  test('has colour and opacity, premultiplied; outside of it there is nothing', async () => {
    const [pixels] = await draw({ size: 8, logits: squares(8, [2, 2, 3]), width: 64, height: 64 });
    const at = (x: number, y: number) => [...pixels!.subarray(4 * (64 * y + x), 4 * (64 * y + x) + 4)];
    expect(at(28, 28)).toEqual([102, 51, expect.closeTo(25.5, -0.3), 102]);
    expect(at(50, 50)).toEqual([0, 0, 0, 0]);
    const strange = pixels!.findIndex((value, i) => value > pixels![4 * Math.floor(i / 4) + 3]!);
    expect(strange, 'a channel above its alpha').toBe(-1);
  });
});

describe('what may be shown', () => {
  test('a lesion that is not allowed leaves no trace; the others stay whole', async () => {
    const [size, width, height] = [16, 160, 112];
    const shown = squares(size, [2, 2, 4]);
    const both = squares(size, [2, 2, 4], [9, 9, 4]);
    const allowed = Uint8Array.from(shown, x => Number(x > 0));
    const common = { size, width, height, look: { outline: 3 } };
    const [alone, restricted, all, none] = await draw(
      { ...common, logits: shown },
      { ...common, logits: both, allowed },
      { ...common, logits: both },
      { ...common, logits: both, allowed: new Uint8Array(size * size) },
    );
    expect(restricted).toEqual(alone);
    expect(all).not.toEqual(alone);
    expect(none!.every(x => x === 0)).toBe(true);
  });

  test('nothing is drawn beyond the allowed lesions but their outline', async () => {
    const [size, width, height] = [32, 96, 128];
    const logits = blobs(size, 5);
    const mask = upsampleMask(assembly, logits, size, size, size, { logits: true });
    // the left half is allowed, cut through lesions as no host would
    const allowed = mask.map((x, i) => Number(x === 1 && i % size < size / 2));
    const outline = 2;
    const [pixels] = await draw({ size, logits, allowed, width, height, look: { outline } });
    const enlarged = Uint8Array.from({ length: width * height }, (_, i) => {
      const [x, y] = [i % width, Math.floor(i / width)];
      return allowed[Math.floor((y * size) / height) * size + Math.floor((x * size) / width)]!;
    });
    // enlarged bilinearly, a pixel of the network reaches as far as the centre of the next one
    const near = grown(enlarged, width, height, Math.ceil(width / size) + outline + 1);
    expect(alphaOf(pixels!).filter((alpha, i) => alpha > 0 && !near[i])).toEqual(new Uint8Array());
    expect(alphaOf(pixels!).filter(alpha => alpha > 0).length).toBeGreaterThan(100);
  });
});

describe('the outline', () => {
  test('lies on the edge of the mask, half of it to each side, in a dark halo', async () => {
    const [size, width, height, outline] = [8, 80, 80, 4];
    const logits = squares(size, [2, 2, 3]);
    const [pixels] = await draw({ size, logits, width, height, look: { outline } });
    const mask = upsampleMask(assembly, logits, size, width, height, { logits: true });
    const row = 34; // through the middle of the square
    const edge = mask.subarray(row * width).indexOf(1);
    const at = (x: number) => [...pixels!.subarray(4 * (row * width + x), 4 * (row * width + x) + 4)];
    const line = [255, expect.closeTo(127.5, -0.3), expect.closeTo(64, -0.3), 255];
    for (const x of [edge - 2, edge - 1, edge, edge + 1]) expect(at(x), `pixel ${x - edge}`).toEqual(line);
    for (const x of [edge - 4, edge - 3]) expect(at(x), `pixel ${x - edge}`).toEqual([0, 0, 0, 153]);
    expect(at(edge - 5)).toEqual([0, 0, 0, 0]);
    const inside = at(edge + 3); // colour under the halo
    expect(inside[3]).toBeGreaterThan(153);
    expect(inside[0]).toBeLessThan(102);
    expect(at(edge + 5)[3]).toBe(102);
  });

  test('follows every edge and nothing else', async () => {
    const [size, width, height] = [24, 100, 75];
    const logits = blobs(size, 9);
    const [pixels] = await draw({ size, logits, width, height, look: { outline: 2, fill: 0 } });
    const [plain] = await draw({ size, logits, width, height, look: { fill: 1 } });
    const mask = alphaOf(plain!).map(alpha => Number(alpha > 0));
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const here = mask[y * width + x]!;
        const beside = [
          [x - 1, y],
          [x + 1, y],
          [x, y - 1],
          [x, y + 1],
        ] as const;
        const other = ([a, b]: readonly [number, number]) =>
          (a < 0 || a >= width || b < 0 || b >= height ? 0 : mask[b * width + a]!) !== here;
        const alpha = pixels![4 * (y * width + x) + 3]!;
        if (beside.some(other)) expect(alpha, `edge at ${x}, ${y}`).toBe(255);
      }
    const near = grown(
      mask.map((x, i) => Number(i % width > 0 && x !== mask[i - 1])),
      width,
      height,
      3,
    );
    const above = grown(
      mask.map((x, i) => Number(i >= width && x !== mask[i - width])),
      width,
      height,
      3,
    );
    const border = (i: number) =>
      Math.min(i % width, width - 1 - (i % width), Math.floor(i / width), height - 1 - Math.floor(i / width)) < 3;
    const far = alphaOf(pixels!).filter((alpha, i) => alpha > 0 && !near[i] && !above[i] && !border(i));
    expect(far).toEqual(new Uint8Array());
  });

  test('a lesion at the border of the canvas has one there', async () => {
    const [pixels] = await draw({
      size: 4,
      logits: new Float32Array(16).fill(20),
      width: 20,
      height: 20,
      look: { outline: 2 },
    });
    const alpha = alphaOf(pixels!);
    for (const i of [0, 10, 19, 20 * 10, 20 * 10 + 19, 399]) expect(alpha[i]).toBe(255);
    expect(alpha[20 * 10 + 10]).toBe(102);
  });
});

describe('an overlay', () => {
  test('draws canvases of changing size, and the newest logits each time', async () => {
    const drawings = [
      { size: 8, logits: squares(8, [1, 1, 3]), width: 40, height: 24 },
      { size: 8, logits: squares(8, [4, 2, 3]), width: 24, height: 40 },
      { size: 8, logits: squares(8, [1, 1, 3]), width: 40, height: 24 },
    ];
    const drawn = await draw(...drawings);
    expect(drawn[2]).toEqual(drawn[0]);
    for (const [i, drawing] of drawings.entries()) expect(drawn[i]).toEqual((await draw(drawing))[0]);
  });

  test.each([
    ['a map of another size', { allowed: new Uint8Array(3) }, 'allowed must have 64 bytes, got 3'],
    ['a canvas without pixels', { width: 0 }, 'width and height must be integers in 1..'],
    ['an outline without end', { look: { outline: 1e6 } }, 'outline must be in 0..64'],
  ])('refuses %s', async (_, wrong, message) => {
    const failed = await draw({ size: 8, logits: squares(8), width: 8, height: 8, ...wrong }).catch(error => error);
    expect(failed).toBeInstanceOf(TmcaError);
    expect(failed).toMatchObject({ code: 'BAD_ARGUMENT', message: expect.stringContaining(message) });
  });
});
