// The frames of a stream after the network, with an engine whose logits the test writes: averages that begin anew, lesions with
// numbers, flat pictures, and which way an overlay is drawn.

import { describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { Preprocessor } from '../../assembly/preprocess.js';
import { TmcaError } from '../../errors/index.js';
import type { NetworkEngine } from '../../runtime/engines/network-engine.js';
import { type FrameRequest, LiveFrames, type OverlaySurface } from '../../runtime/live/frames.js';
import { HostLive, histogramOf } from '../../runtime/live/host-engine.js';
import type { LiveFrame, LiveRunOptions, LiveSource } from '../../runtime/live/live-engine.js';
import type { LiveDrawing, LiveTurn } from '../../runtime/live/live-session.js';
import { takeLiveOptions } from '../../runtime/live/settings.js';
import type { Pixels } from '../../runtime/types.js';

const SIZE = 4;
const assembly = await loadAssembly();
const source = (width = 8, height = 8) => ({ width, height }) as LiveSource;

/** A lesion in the upper left quarter. */
const LESION = Float32Array.from({ length: 16 }, (_, i) => (i % 4 < 2 && i < 8 ? 5 : -5));
const NOTHING = new Float32Array(16).fill(-5);
const scene = (bin: number) => Float32Array.from({ length: 48 }, (_, i) => Number(i % 16 === bin));

interface Shot {
  readonly logits?: Float32Array;
  readonly deviation?: number;
  readonly bin?: number;
}

function build(options: Parameters<typeof takeLiveOptions>[1] = {}, onDevice = false) {
  const runs: LiveRunOptions[] = [];
  const drawn: string[] = [];
  const allowed: number[][] = [];
  let shot: Shot = {};
  let losses = 0;
  const drawing: LiveDrawing = {
    setOverlay: () => drawn.push('set'),
    draw: async (map, width, height) => {
      if (losses > 0) {
        losses--;
        throw new TmcaError('DEVICE_LOST', 'draw: lost');
      }
      allowed.push([...map]);
      drawn.push(`device ${width}x${height}`);
    },
    clear: () => drawn.push('clear'),
  };
  const surface = {
    canvas: { transferToImageBitmap: () => 'from the device' },
    drawMask: ({ mask }: { mask: Uint8Array }) => `from ${mask.reduce((a, b) => a + b)} pixels`,
  } as unknown as OverlaySurface;
  const turn = (engine: object): LiveTurn => ({
    ...{ engine, drawing: onDevice ? drawing : null, assembly, size: SIZE },
    run: async (_, asked): Promise<LiveFrame> => {
      runs.push(asked);
      const { logits = LESION, deviation = 40, bin = 3 } = shot;
      return { logits, deviation: [deviation, 0, 0], histogram: scene(bin) };
    },
  });
  const engine = {};
  const frames = new LiveFrames(() => surface);
  const settings = takeLiveOptions('test', options);
  const next = (given: Shot = {}, request: Partial<FrameRequest> = {}, size = source(), of: object = engine) => {
    shot = given;
    const asked = { ...settings, reset: false, still: false, at: 0, overlay: null, ...request };
    return frames.next(turn(of), size, asked);
  };
  const lose = (count: number) => {
    losses = count;
  };
  return { next, runs, drawn, allowed, frames, turn, settings, lose, resets: () => runs.map(run => run.reset) };
}

describe('the average over time', () => {
  test('begins with the first frame, and anew at a seek, another size, another engine and after an error', async () => {
    const { next, resets, frames, turn, settings } = build({ smoothing: { share: 0.5 } });
    await next();
    await next();
    await next({}, { reset: true });
    await next();
    await next({}, {}, source(8, 6));
    await next({}, {}, source(8, 6), { another: 'engine' });
    const failing = { ...turn({}), run: () => Promise.reject(new Error('lost')) };
    const request = { ...settings, reset: false, still: false, at: 0, overlay: null };
    await expect(frames.next(failing, source(8, 6), request)).rejects.toThrow('lost');
    const after = await next({}, {}, source(8, 6));
    expect(resets()).toEqual([true, false, true, false, true, true, true]);
    expect(after.fresh).toBe(true);
  });

  test('begins anew at a cut, with the same frame once more', async () => {
    const { next, runs } = build({ smoothing: { share: 0.5 } });
    await next();
    expect((await next()).fresh).toBe(false);
    expect((await next({ bin: 12 })).fresh).toBe(true);
    expect(runs.map(({ share, reset }) => [share, reset])).toEqual([
      [0.5, true],
      [0.5, false],
      [0.5, false],
      [0.5, true],
    ]);
  });

  test('is not there by default, nor on a paused video', async () => {
    const { next, runs } = build();
    const paused = build({ smoothing: true });
    await next({ bin: 1 });
    await next({ bin: 12 });
    const { lesions } = await paused.next({}, { still: true });
    expect([...runs, ...paused.runs].map(({ share }) => share)).toEqual([1, 1, 1]);
    expect(lesions).toHaveLength(1);
  });

  test('of one stream is not that of another on the same engine', async () => {
    const [a, b] = [build({ smoothing: true }), build({ smoothing: true })];
    const engine = {};
    await a.next({}, {}, source(), engine);
    await a.next({}, {}, source(), engine);
    await b.next({}, {}, source(), engine);
    await a.next({}, {}, source(), engine);
    expect([a.resets(), b.resets()]).toEqual([[true, false, true], [true]]);
  });
});

describe('a result', () => {
  test('has the mask of the source’s size and lesions that keep their numbers', async () => {
    const { next } = build();
    const first = await next({}, {}, source(16, 8));
    expect([first.width, first.height, first.mask.length, first.size]).toEqual([16, 8, 128, SIZE]);
    expect(first.lesions).toMatchObject([{ id: 1, held: false }]);
    expect(first.mask.reduce((a, b) => a + b)).toBe(first.lesions[0]!.area);
    expect((await next({}, {}, source(16, 8))).lesions[0]!.id).toBe(1);
    await next({ logits: NOTHING }, {}, source(16, 8));
    expect((await next({}, {}, source(16, 8))).lesions[0]!.id).toBe(2);
  });

  test('has no lesion before it appears, and one that is held after it was seen', async () => {
    const { next } = build({ smoothing: { share: 1, appear: 2, vanish: 2 } });
    const lesions = [];
    for (const logits of [LESION, LESION, NOTHING, NOTHING]) {
      const result = await next({ logits });
      lesions.push(result.lesions.map(({ id, held, area }) => [id, held, area]));
      expect(result.mask.some(Boolean)).toBe(result.lesions.length > 0);
    }
    expect([lesions[0], lesions[3]]).toEqual([[], []]);
    expect(lesions[1]).toMatchObject([[1, false, expect.any(Number)]]);
    expect(lesions[2]).toEqual([[1, true, lesions[1]![0]![2]]]);
  });

  test('of a flat frame has no lesion and says so, and none is held over it', async () => {
    const { next, resets } = build({ smoothing: true });
    await next();
    await next();
    const flat = await next({ deviation: 1.9, logits: new Float32Array(0) });
    expect([flat.lesions, flat.warnings.map(({ code }) => code)]).toEqual([[], ['IMAGE_FLAT']]);
    expect(flat.mask.some(Boolean)).toBe(false);
    await next();
    expect(resets()).toEqual([true, false, false, true]);
  });

  test('of numbers that are none is an error', async () => {
    const { next } = build();
    await expect(next({ logits: NOTHING.slice().fill(Number.NaN, 3, 4) })).rejects.toMatchObject({
      code: 'MODEL_NOT_FINITE',
    });
    expect((await next()).lesions).toHaveLength(1);
  });

  test.each([0, 1, 0.3])('has a number for each lesion at a threshold of %d', async threshold => {
    const { next } = build({ threshold });
    const sure = Float32Array.from(LESION, logit => logit * 20);
    const { lesions } = await next({ logits: sure });
    expect(lesions.map(({ id }) => id)).toEqual([1]);
  });
});

describe('an overlay', () => {
  const overlay = { width: 32, height: 16 };

  test('is drawn by the device, of the lesions alone that the result has', async () => {
    const { next, drawn, allowed } = build({ minArea: 0.2 }, true);
    const speck = LESION.slice();
    speck[15] = 5;
    expect((await next({ logits: speck }, { overlay })).overlay).toBe('from the device');
    expect(drawn).toEqual(['set', 'device 32x16']);
    // the upper left quarter and the pixels next to it; not the speck in the lower right corner
    expect(allowed[0]).toEqual([1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0, 0]);
  });

  test('is drawn on the host where the device does not, or where a lesion is held', async () => {
    const host = build();
    const { overlay: drawn, lesions } = await host.next({}, { overlay });
    expect(drawn).toBe(`from ${lesions[0]!.area} pixels`);
    const device = build({ smoothing: { share: 1, appear: 1, vanish: 3 } }, true);
    await device.next({}, { overlay });
    expect((await device.next({ logits: NOTHING }, { overlay })).overlay).toMatch(/^from \d+ pixels$/);
  });

  test('is none where there is no lesion, and where none was asked for', async () => {
    const { next, drawn } = build({}, true);
    expect((await next({ logits: NOTHING }, { overlay })).overlay).toBe(null);
    expect((await next()).overlay).toBe(null);
    expect(drawn).toEqual([]);
  });
});

describe('the way of a frame on the host', () => {
  /** Brighter from row to row. */
  const pixels = (mean: number, spread = 20): Pixels => ({
    data: Uint8Array.from({ length: 8 * 8 * 4 }, (_, i) => mean + Math.floor(i / 32) * spread),
    ...{ width: 8, height: 8, channels: 4 },
  });

  test('averages logits, gives its own copies, and does not ask the network about a flat picture', async () => {
    const answers = [4, 0, 8].map(value => new Float32Array(16).fill(value));
    let asked = 0;
    const engine = {
      input: { dtype: 'f32', layout: 'nchw' },
      run: async () => answers[asked++]!.slice(),
    } as unknown as NetworkEngine;
    using preprocessor = new Preprocessor(assembly, { size: SIZE, normalize: 'zscore' });
    let shown = pixels(20);
    const live = new HostLive(preprocessor, engine, () => shown);
    const run = (reset: boolean) => live.run(source(), { dispose() {} }, { share: 0.25, reset });
    const first = await run(true);
    expect([first.logits[0], first.deviation[0] > 2]).toEqual([4, true]);
    first.logits.fill(100);
    expect((await run(false)).logits[0]).toBe(3);
    shown = pixels(20, 0);
    expect((await run(false)).deviation).toEqual([0, 0, 0]);
    expect(asked).toBe(2);
    shown = pixels(20);
    expect((await run(true)).logits[0]).toBe(8);
  });

  test('counts colours in sixteen ranges of each channel', () => {
    const data = Uint8Array.from([0, 255, 16, 255, 15, 255, 31, 0]);
    const histogram = histogramOf({ data, width: 2, height: 1, channels: 4 });
    expect([histogram[0], histogram[16 + 15], histogram[32 + 1]]).toEqual([1, 1, 1]);
    expect(histogram.reduce((a, b) => a + b)).toBe(3);
  });
});

describe('options of a stream', () => {
  test.each([
    [{ policy: 'all' as never }, 'test: policy must be latest, got all; leave it out for the usual one'],
    [{ maxAgeMs: 0 }, 'test: maxAgeMs must be milliseconds above 0, got 0; leave it out for 120'],
    [
      { maxAgeMs: Number.POSITIVE_INFINITY },
      'test: maxAgeMs must be milliseconds above 0, got Infinity; leave it out for 120',
    ],
    [{ threshold: 2 }, 'test: threshold must be a number within 0 and 1, got 2; leave it out for the usual one'],
    [
      { smoothing: { appear: 0 } },
      /^test: smoothing must have a share within 0 and 1 and whole numbers from 1 of frames, got \{/,
    ],
    [{ smoothing: 3 as never }, /^test: smoothing: the options must be an object, got 3/],
    [{ paint: { colour: [1, 2] as never } }, /^test: paint must have a colour of three numbers to 255/],
    [{ onState: 1 as never }, /^test: onState must be a function, got 1/],
  ])('%o are refused', (options, message) => {
    expect(() => takeLiveOptions('test', options)).toThrow(message);
  });

  test('have defaults', () => {
    expect(takeLiveOptions('test', {})).toEqual({
      ...{ threshold: 0.5, maxAgeMs: 120, smoothing: { share: 1, appear: 1, vanish: 1 } },
      look: { threshold: 0.5, color: [86 / 255, 180 / 255, 233 / 255], fill: 0.5, outline: 2 },
    });
    expect(takeLiveOptions('test', { smoothing: true }).smoothing).toEqual({ share: 0.6, appear: 2, vanish: 3 });
  });
});

test('the host draws where one device after another is lost while it draws', async () => {
  const { next, drawn, lose } = build({}, true);
  const overlay = { width: 8, height: 8 };
  lose(1);
  await expect(next({}, { overlay })).rejects.toMatchObject({ code: 'DEVICE_LOST' });
  expect((await next({}, { overlay })).overlay).toBe('from the device');
  lose(2);
  for (let i = 0; i < 2; i++) await expect(next({}, { overlay })).rejects.toMatchObject({ code: 'DEVICE_LOST' });
  drawn.length = 0;
  expect((await next({}, { overlay })).overlay).toBe('from 16 pixels');
  expect(drawn).toEqual([]);
});
