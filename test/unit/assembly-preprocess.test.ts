import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, test } from 'vitest';
import { fromHalf, toHalf } from '../../assembly/half.js';
import { type Assembly, createAssembly, loadAssembly } from '../../assembly/instance.js';
import { type PixelData, Preprocessor, resizeNearest } from '../../assembly/preprocess.js';
import { TmcaError } from '../../errors/index.js';
import fixture from '../fixtures/resize.json';

let assembly: Assembly;
beforeAll(async () => {
  assembly = await loadAssembly();
});

const decode = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
const threeTimes = (grey: Uint8Array) =>
  Uint8Array.from({ length: grey.length * 3 }, (_, i) => grey[Math.floor(i / 3)]!);

/** The resized bytes, [size, size, 3]: `none` is x / 255 rounded to f32, which gives them back. */
function resized(image: PixelData, size: number): Uint8Array {
  using preprocessor = new Preprocessor(assembly, { size, normalize: 'none' });
  return Uint8Array.from(preprocessor.run(image), x => Math.round(x * 255));
}

/** As `toEqual`, whose report of a difference between long arrays takes minutes. */
function expectSame(got: Uint8Array, expected: Uint8Array): void {
  expect(got.length).toBe(expected.length);
  const at = got.findIndex((x, i) => x !== expected[i]);
  if (at >= 0) expect.fail(`byte ${at} is ${got[at]}, not ${expected[at]}`);
}

/** One pass of Pillow's `resize(BILINEAR)` in plain arithmetic: [outer, length, inner] to [outer, to, inner]. */
function pillowPass(source: Uint8Array, outer: number, length: number, inner: number, to: number): Uint8Array {
  const out = new Uint8Array(outer * to * inner);
  const scale = length / to;
  const widen = Math.max(1, scale);
  for (let o = 0; o < to; o++) {
    const center = (o + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - widen + 0.5));
    const last = Math.min(length, Math.trunc(center + widen + 0.5));
    const unit = 1 / widen;
    const weights = Array.from({ length: last - first }, (_, i) => {
      return Math.max(0, 1 - Math.abs((i + first - center + 0.5) * unit));
    });
    const sum = weights.reduce((a, b) => a + b, 0);
    const fixed = weights.map(w => Math.trunc(0.5 + (w / sum) * 2 ** 22));
    for (let i = 0; i < outer; i++) {
      for (let c = 0; c < inner; c++) {
        let total = 2 ** 21;
        for (const [k, w] of fixed.entries()) total += w * source[(i * length + first + k) * inner + c]!;
        out[(i * to + o) * inner + c] = Math.min(255, Math.floor(total / 2 ** 22));
      }
    }
  }
  return out;
}

function overBlack({ data, channels }: PixelData): Uint8Array {
  if (channels === 1) return threeTimes(Uint8Array.from(data));
  if (channels === 3) return Uint8Array.from(data);
  return Uint8Array.from({ length: (data.length / 4) * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3) * 4;
    return Math.round((data[pixel + (i % 3)]! * data[pixel + 3]!) / 255);
  });
}

function oracle(image: PixelData, size: number): Uint8Array {
  const across = pillowPass(overBlack(image), image.height, image.width, 3, size);
  return pillowPass(across, 1, image.height, size * 3, size);
}

const images = (side: number): fc.Arbitrary<PixelData> =>
  fc
    .record({
      width: fc.integer({ min: 1, max: side }),
      height: fc.integer({ min: 1, max: side }),
      channels: fc.constantFrom(1 as const, 3 as const, 4 as const),
    })
    .chain(shape => {
      const length = shape.width * shape.height * shape.channels;
      return fc.uint8Array({ minLength: length, maxLength: length }).map(data => ({ ...shape, data }));
    });

describe('resize', () => {
  test.each(fixture.bilinear)('is Pillow $width x $height x $channels -> $size, bit for bit', c => {
    const image = { ...c, channels: c.channels as 1 | 3 | 4, data: decode(c.source) };
    const expected = decode(c.expected);
    expectSame(resized(image, c.size), c.channels === 1 ? threeTimes(expected) : expected);
  });

  test("equals Pillow's arithmetic for any small image", () => {
    fc.assert(
      fc.property(images(40), fc.integer({ min: 1, max: 24 }), (image, size) => {
        expectSame(resized(image, size), oracle(image, size));
      }),
      { numRuns: 150 },
    );
  });

  test('bands of any height give the same result', () => {
    const data = Uint8Array.from({ length: 50 * 37 * 4 }, (_, i) => (i * 37) % 251);
    const image = { data, width: 50, height: 37, channels: 4 } as const;
    using preprocessor = new Preprocessor(assembly, { size: 9, normalize: 'zscore' });
    const whole = preprocessor.run(image).slice();
    for (const rows of [1, 2, 36]) {
      preprocessor.begin(50, 37, 4);
      for (let y = 0; y < 37; y += rows) {
        const band = data.subarray(y * 200, Math.min(37, y + rows) * 200);
        preprocessor.push(band);
      }
      expect(preprocessor.finish()).toEqual(whole);
    }
  });

  test('wide and tall images', () => {
    let seed = 1;
    const noise = () => {
      seed = (seed * 1664525 + 1013904223) >>> 0;
      return seed >>> 24;
    };
    for (const [width, size] of [
      [3001, 37],
      [640, 224],
      [5000, 2],
      [225, 224],
    ] as const) {
      const image = { width, height: 3, channels: 3, data: Uint8Array.from({ length: width * 9 }, noise) } as const;
      expectSame(resized(image, size), oracle(image, size));
      // windows of many rows, the ring gone round many times; of colour and of grey
      const tall = { ...image, width: 3, height: width };
      expectSame(resized(tall, size), oracle(tall, size));
      const grey = { ...tall, channels: 1, data: tall.data.subarray(0, 3 * width) } as const;
      expectSame(resized(grey, size), oracle(grey, size));
    }
  });

  test('opaque RGBA is RGB', () => {
    const rgb = Uint8Array.from({ length: 31 * 7 * 3 }, (_, i) => (i * 53) % 256);
    const rgba = Uint8Array.from({ length: 31 * 7 * 4 }, (_, i) => (i % 4 === 3 ? 255 : rgb[(i >> 2) * 3 + (i % 4)]!));
    const shape = { width: 31, height: 7 };
    expectSame(resized({ ...shape, data: rgba, channels: 4 }, 9), resized({ ...shape, data: rgb, channels: 3 }, 9));
  });

  test('a white image stays white however long the window', () => {
    const data = new Uint8Array(100_000 * 3).fill(255);
    expect(resized({ data, width: 100_000, height: 1, channels: 3 }, 1)).toEqual(new Uint8Array(3).fill(255));
    expect(resized({ data, width: 1, height: 100_000, channels: 3 }, 2)).toEqual(new Uint8Array(12).fill(255));
  });

  test('100 megapixels in bands take under 4 MiB of memory', async () => {
    const own = await createAssembly();
    using preprocessor = new Preprocessor(own, { size: 32, normalize: 'zscore' });
    // Every row the same, so 10,000 of them need no source of 300 MB.
    const rows = preprocessor.begin(10_000, 10_000, 3);
    const band = new Uint8Array(rows * 30_000);
    for (let y = 0; y < 10_000; y += rows) preprocessor.push(band.subarray(0, (10_000 - y) * 30_000));
    preprocessor.finish();
    expect(own.memoryBytes).toBeLessThan(4 * 2 ** 20);
  });
});

describe('normalise', () => {
  const data = Uint8Array.from({ length: 20 * 30 * 3 }, (_, i) => (i * i * 7 + (i % 3) * 50) % 256);
  const image = { data, width: 20, height: 30, channels: 3 } as const;

  /** Values [size, size, 3] by the definition, in f64. */
  function expected(normalize: 'zscore' | 'imagenet', size: number): number[] {
    const bytes = [...resized(image, size)];
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ] as const;
    if (normalize === 'imagenet') return bytes.map((x, i) => (x / 255 - mean[i % 3]!) / std[i % 3]!);
    const moments = [0, 1, 2].map(c => {
      const plane = bytes.filter((_, i) => i % 3 === c);
      const m = plane.reduce((a, b) => a + b, 0) / plane.length;
      return [m, Math.sqrt(plane.reduce((a, b) => a + (b - m) ** 2, 0) / plane.length)] as const;
    });
    return bytes.map((x, i) => (x - moments[i % 3]![0]) / (moments[i % 3]![1] + 1e-6));
  }

  test.each(['zscore', 'imagenet'] as const)('%s by its definition, to the last bit but one', normalize => {
    using preprocessor = new Preprocessor(assembly, { size: 11, normalize });
    const got = preprocessor.run(image);
    for (const [i, x] of expected(normalize, 11).entries()) {
      expect(Math.abs(got[i]! - x)).toBeLessThanOrEqual(Math.abs(x) * 2 ** -23 + 1e-7);
    }
  });

  test('a constant image has deviation 0 and becomes zeros', () => {
    using preprocessor = new Preprocessor(assembly, { size: 5, normalize: 'zscore' });
    const grey = new Uint8Array(64).fill(131);
    expect(preprocessor.run({ data: grey, width: 8, height: 8, channels: 1 })).toEqual(new Float32Array(75));
  });

  test('nchw is nhwc transposed, f16 is f32 rounded', () => {
    using nhwc = new Preprocessor(assembly, { size: 6, normalize: 'imagenet' });
    const base = Float32Array.from(nhwc.run(image));
    using nchw = new Preprocessor(assembly, { size: 6, normalize: 'imagenet', layout: 'nchw' });
    expect(Array.from(nchw.run(image))).toEqual(Array.from(base, (_, i) => base[(i % 36) * 3 + Math.floor(i / 36)]));
    using half = new Preprocessor(assembly, { size: 6, normalize: 'imagenet', dtype: 'f16' });
    const bits = half.run(image).slice();
    expect(bits).toBeInstanceOf(Uint16Array);
    expect(bits).toEqual(toHalf(assembly, base));
    expect(fromHalf(assembly, bits as Uint16Array)[0]).toBeCloseTo(base[0]!, 2);
  });
});

describe('bad input', () => {
  const failure = (call: () => unknown) => {
    try {
      call();
    } catch (error) {
      if (error instanceof TmcaError) return [error.code, error.message];
      throw error;
    }
    throw new Error('nothing was thrown');
  };
  const make = () => new Preprocessor(assembly, { size: 4, normalize: 'none' });

  test('is named', () => {
    using p = make();
    expect(failure(() => p.begin(0, 5, 3))).toEqual([
      'BAD_ARGUMENT',
      'Preprocessor: an image must be at least 1 x 1, got 0 x 5',
    ]);
    expect(failure(() => p.begin(2 ** 21, 5, 3))[0]).toBe('IMAGE_TOO_LARGE');
    expect(failure(() => p.begin(5, 5, 2 as 1))[1]).toMatch('channels must be 1, 3 or 4, got 2');
    expect(failure(() => p.run({ data: new Uint8Array(5), width: 2, height: 1, channels: 3 }))).toEqual([
      'BAD_ARGUMENT',
      'Preprocessor.run: data must hold 2 x 1 x 3 bytes, got 5',
    ]);
    expect(failure(() => new Preprocessor(assembly, { size: 0.5, normalize: 'none' }))[0]).toBe('BAD_ARGUMENT');
    expect(failure(() => new Preprocessor(assembly, { size: 5, normalize: 'x' as 'none' }))[0]).toBe('BAD_ARGUMENT');
  });

  test('rows too many or too few, and calls out of turn', () => {
    using p = make();
    const rows = (count: number) => new Uint8Array(3 * count);
    expect(failure(() => p.push(rows(1)))[1]).toMatch('call begin() first');
    p.begin(3, 4, 1);
    expect(failure(() => p.push(rows(5)))[1]).toMatch('rows must be whole and at most 4, got 5');
    expect(failure(() => p.push(new Uint8Array(4)))[1]).toMatch('rows must be whole');
    p.push(rows(3));
    expect(failure(() => p.finish())[1]).toMatch('all 4 rows must be pushed, got 3');
    p.push(rows(1));
    p.finish();
    expect(failure(() => p.finish())[1]).toMatch('call begin() first');
  });

  test('use after dispose; dispose twice; memory comes back', async () => {
    const own = await createAssembly();
    const image = { data: new Uint8Array(400 * 400 * 3), width: 400, height: 400, channels: 3 } as const;
    const once = () => {
      const p = new Preprocessor(own, { size: 64, normalize: 'zscore' });
      p.run(image);
      p.dispose();
      p.dispose();
      return failure(() => p.run(image))[0];
    };
    expect(once()).toBe('DISPOSED');
    const before = own.memoryBytes;
    for (let i = 0; i < 50; i++) once();
    expect(own.memoryBytes).toBe(before);
  });
});

describe('resizeNearest', () => {
  test.each(fixture.nearest)('is Pillow $width x $height -> $toWidth x $toHeight', c => {
    expect(resizeNearest(decode(c.source), c.width, c.height, c.toWidth, c.toHeight)).toEqual(decode(c.expected));
  });
});

const pictures = '../shared/data/kvasir-seg-original';
const pythons = ['python3', '/usr/bin/python3'];
const withPillow = pythons.find(python => {
  try {
    execFileSync(python, ['-c', 'import PIL'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
});

describe.skipIf(!existsSync(pictures) || !withPillow)('photographs (skipped without ../shared or python3-pil)', () => {
  const script = `
import sys
from PIL import Image
w, h, s = map(int, sys.argv[1:])
sys.stdout.buffer.write(Image.frombytes("RGB", (w, h), sys.stdin.buffer.read()).resize((s, s), Image.BILINEAR).tobytes())`;

  test('224 x 224 is Pillow bit for bit on the same decoded pixels', async () => {
    const files = readdirSync(pictures, { recursive: true, encoding: 'utf8' }).filter(f => /images.*\.jpg$/.test(f));
    expect(files.length).toBeGreaterThanOrEqual(16);
    for (const file of files.slice(0, 16)) {
      const { data, info } = await sharp(join(pictures, file))
        .removeAlpha()
        .raw()
        .toBuffer({ resolveWithObject: true });
      const { width, height } = info;
      const args = ['-c', script, `${width}`, `${height}`, '224'];
      const expected = execFileSync(withPillow!, args, { input: data, maxBuffer: 2 ** 24 });
      expect(Buffer.compare(resized({ data, width, height, channels: 3 }, 224), expected), file).toBe(0);
    }
  });
});
