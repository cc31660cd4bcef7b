// The whole worker API over a MessageChannel: comlink, registry, watchdog and host, without a browser. What only a real worker can do
// (no script, throw at start, endless loop, terminate) is in test/browser.

import type { Endpoint } from 'comlink';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { Segmenter } from '../../runtime/browser/segmenter.js';
import type { SegmenterOptions } from '../../runtime/browser/segmenter-options.js';
import { type SessionOpener, serve } from '../../runtime/browser/worker/host.js';
import type { WorkerLike } from '../../runtime/browser/worker/link.js';
import type { Pixels, Progress, Report } from '../../runtime/types.js';
import { FAKE_INFO, openFake } from '../fixtures/fake-session.js';

/** One end of a channel, looking like a Worker; `serve` answers at the other. */
class PortWorker extends EventTarget implements WorkerLike {
  readonly #port: MessagePort;
  readonly #far: MessagePort;
  terminated = false;

  constructor(open: SessionOpener | undefined) {
    super();
    const { port1, port2 } = new MessageChannel();
    [this.#port, this.#far] = [port1, port2];
    port1.onmessage = event => this.dispatchEvent(new MessageEvent('message', { data: event.data }));
    if (open) serve(open, port2 as unknown as Endpoint);
  }

  postMessage(message: unknown, transfer?: unknown): void {
    this.#port.postMessage(message, transfer as Transferable[]);
  }

  terminate(): void {
    this.terminated = true;
    this.#port.close();
    this.#far.close();
  }
}

const opened: { segmenter?: Segmenter; worker: PortWorker }[] = [];

async function start(options: Partial<SegmenterOptions> = {}, open: SessionOpener | null = openFake) {
  const worker = new PortWorker(open ?? undefined);
  const entry: (typeof opened)[number] = { worker };
  opened.push(entry);
  const segmenter = await Segmenter.create({ model: 'http://localhost/models/fake', ...options, worker: () => worker });
  entry.segmenter = segmenter;
  return { segmenter, worker };
}

/** From here on timers fire where the test says so; the function waits for so many of them. Messages come by themselves. */
function fakeTimers(): (count: number) => Promise<void> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  return async count => {
    while (vi.getTimerCount() < count) await new Promise(resolve => setImmediate(resolve));
  };
}

afterEach(async () => {
  vi.useRealTimers();
  for (const { segmenter, worker } of opened.splice(0)) {
    await segmenter?.dispose();
    if (!worker.terminated) worker.terminate();
  }
});

/** The TmcaError that a promise rejects with. */
async function failure(promise: Promise<unknown>): Promise<TmcaError> {
  const error = await promise.then(
    () => expect.unreachable('must reject'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(TmcaError);
  return error as TmcaError;
}

/** 4x3, red where x > 1. */
const image = (): Pixels => ({
  data: Uint8Array.from({ length: 36 }, (_, at) => (at % 3 === 0 && Math.floor(at / 3) % 4 > 1 ? 255 : 0)),
  width: 4,
  height: 3,
  channels: 3,
});

describe('Segmenter over a worker', () => {
  it('creates, reports progress, encodes, segments, counts and disposes', async () => {
    const steps: Progress[] = [];
    const { segmenter, worker } = await start({ onProgress: step => steps.push(step) });
    expect(segmenter.info).toEqual(FAKE_INFO);
    expect(steps.map(({ phase, loaded }) => [phase, loaded])).toEqual([
      ['download', 0],
      ['download', 50],
      ['download', 100],
      ['ready', 1],
    ]);
    const report = await segmenter.encodeReport('one red polyp');
    expect([report.text, [...report.ids], report.truncated]).toEqual(['one red polyp', [101, 3, 3, 5, 102], false]);
    const source = image();
    const result = await segmenter.segment(source, report);
    expect([...result.mask]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
    expect(result.lesions).toMatchObject([{ score: 1, area: 6, box: [2, 0, 2, 3] }]);
    expect(source.data.length, 'the source stays the caller’s').toBe(36);
    expect(await segmenter.stats()).toMatchObject({ frames: 1, reports: 1 });
    report.dispose();
    report.dispose();
    expect(await segmenter.stats()).toMatchObject({ reports: 0 });
    await segmenter.dispose();
    expect(worker.terminated).toBe(true);
  });

  it('sends a view without the buffer behind it', async () => {
    const { segmenter } = await start();
    const report = await segmenter.encodeReport('red');
    const { data, ...rest } = image();
    const wide = new Uint8Array(100);
    wide.set(data, 10);
    const { lesions } = await segmenter.segment({ ...rest, data: wide.subarray(10, 46) }, report);
    expect(lesions[0]?.area).toBe(6);
    expect(wide.length).toBe(100);
  });

  it('answers 1,000 calls at once, each with its own result', async () => {
    const { segmenter } = await start();
    const report = await segmenter.encodeReport('red');
    const frame = (red: number): Pixels => ({ data: Uint8Array.of(red, 0, 0), width: 1, height: 1, channels: 3 });
    const results = await Promise.all(
      Array.from({ length: 1000 }, (_, call) => segmenter.segment(frame((call % 2) * 255), report)),
    );
    expect(results.every(({ mask }, call) => mask[0] === call % 2)).toBe(true);
    expect((await segmenter.stats()).frames).toBe(1000);
  });

  it('keeps code, retryable and causes of an error, and works on after it', async () => {
    const { segmenter } = await start();
    const lost = await failure(segmenter.segment(image(), await segmenter.encodeReport('lost')));
    expect([lost.code, lost.retryable, lost.message]).toEqual([
      'DEVICE_LOST',
      true,
      'segment: the device must be there, got lost; try again',
    ]);
    const inner = lost.cause as TmcaError;
    expect([inner.code, inner.retryable, (inner.cause as Error).name]).toEqual(['GPU_FAILED', false, 'OperationError']);
    const plain = await failure(segmenter.segment(image(), await segmenter.encodeReport('plain')));
    expect([plain.code, (plain.cause as Error).name]).toEqual(['INTERNAL', 'RangeError']);
    const thing = await failure(segmenter.segment(image(), await segmenter.encodeReport('object')));
    expect([thing.code, thing.cause]).toEqual(['INTERNAL', 'not an Error']);
    expect((await failure(segmenter.encodeReport('  '))).code).toBe('TEXT_EMPTY');
    expect((await segmenter.segment(image(), await segmenter.encodeReport('red'))).lesions).toHaveLength(1);
  });

  it('rejects creation with the error of the opener and ends the worker', async () => {
    const error = await failure(start({ model: 'http://localhost/missing' }));
    expect([error.code, error.retryable, (error.cause as Error).message]).toEqual([
      'DOWNLOAD_FAILED',
      true,
      'Failed to fetch',
    ]);
    expect(opened[0]?.worker.terminated).toBe(true);
  });

  it.each([
    [
      'device',
      { device: 'gpu' },
      'Segmenter.create: device must be auto, webgpu or wasm, got gpu; leave it out for auto',
    ],
    [
      'dtype',
      { dtype: 'f16' },
      'Segmenter.create: dtype must be auto, fp32, fp16 or int8, got f16; leave it out for auto',
    ],
    [
      'model',
      { model: '' },
      'Segmenter.create: model must be an address, got ""; name a model folder by its whole address (https://…): there is no page that it could be relative to',
    ],
    [
      'model',
      { model: 'nano' },
      'Segmenter.create: model must be an address, got "nano"; name a model folder by its whole address (https://…): there is no page that it could be relative to',
    ],
  ])('refuses a bad %s: %o', async (_name, options, message) => {
    const error = await failure(start(options as Partial<SegmenterOptions>));
    expect([error.code, error.message]).toEqual(['BAD_ARGUMENT', message]);
  });

  it.each([
    [
      'no pixels',
      { width: 0 },
      'segment: width and height must be positive integers, got 0x3; pass an image with pixels',
    ],
    [
      'missing rows',
      { height: 4 },
      'segment: data must hold width x height x channels = 48 bytes, got 36; pass whole rows',
    ],
    ['two channels', { channels: 2 }, 'segment: channels must be 1, 3 or 4, got 2; pass grey, RGB or RGBA'],
    [
      'floats',
      { data: new Float32Array(36) },
      'segment: data must be 8-bit pixels, got Float32Array; convert them to Uint8Array',
    ],
  ])('refuses pixels with %s', async (_name, change, message) => {
    const { segmenter } = await start();
    const report = await segmenter.encodeReport('red');
    const error = await failure(segmenter.segment({ ...image(), ...change } as Pixels, report));
    expect([error.code, error.message]).toEqual(['BAD_ARGUMENT', message]);
    expect((await segmenter.segment(image(), report)).lesions).toHaveLength(1);
  });

  it('refuses a threshold, a source and a report that are none', async () => {
    const { segmenter } = await start();
    const report = await segmenter.encodeReport('red');
    expect((await failure(segmenter.segment(image(), report, { threshold: 1.5 }))).code).toBe('BAD_ARGUMENT');
    expect((await failure(segmenter.segment('image.png' as never, report))).message).toContain('got string');
    expect((await failure(segmenter.segment(image(), { ...report }))).message).toContain('of this Segmenter');
    const { segmenter: other } = await start();
    expect((await failure(other.segment(image(), report))).code).toBe('BAD_ARGUMENT');
    report.dispose();
    expect((await failure(segmenter.segment(image(), report))).code).toBe('DISPOSED');
  });
});

describe('the policy latest', () => {
  it('runs one call, lets the newest wait and refuses the older ones', async () => {
    const { segmenter } = await start();
    const report = await segmenter.encodeReport('slow');
    const calls = [1, 2, 3, 4].map(() => segmenter.segment(image(), report, { policy: 'latest' }));
    const [second, third] = await Promise.all([failure(calls[1]!), failure(calls[2]!)]);
    expect([second.code, third.code]).toEqual(['SUPERSEDED', 'SUPERSEDED']);
    expect(third.message).toBe(
      'segment: with policy latest the newest image alone waits, got a newer one; use its result',
    );
    const [first, last] = await Promise.all([calls[0]!, calls[3]!]);
    expect([first.lesions.length, last.lesions.length]).toEqual([1, 1]);
    expect(last.timestamp).toBeGreaterThanOrEqual(first.timestamp);
    expect(last.age).toBeGreaterThan(first.age);
    expect(await segmenter.stats()).toMatchObject({ frames: 2 });
  });

  it('lets a call go that is aborted while it waits, and runs the next ones', async () => {
    const { segmenter } = await start();
    const report = await segmenter.encodeReport('slow');
    const stop = new AbortController();
    const first = segmenter.segment(image(), report, { policy: 'latest' });
    const waiting = failure(segmenter.segment(image(), report, { policy: 'latest', signal: stop.signal }));
    stop.abort();
    expect((await waiting).code).toBe('ABORTED');
    const next = segmenter.segment(image(), report, { policy: 'latest' });
    expect((await Promise.all([first, next])).map(({ lesions }) => lesions.length)).toEqual([1, 1]);
    const bad = await failure(segmenter.segment(image(), report, { policy: 'all' as never }));
    expect([bad.code, bad.message]).toEqual([
      'BAD_ARGUMENT',
      'segment: policy must be latest, got all; leave it out for the usual one',
    ]);
  });
});

describe('aborting', () => {
  it('before a call: the worker never hears of it', async () => {
    const { segmenter } = await start();
    const report = await segmenter.encodeReport('red');
    const signal = AbortSignal.abort('changed my mind');
    const error = await failure(segmenter.segment(image(), report, { signal }));
    expect([error.code, error.cause]).toEqual(['ABORTED', 'changed my mind']);
    expect((await failure(segmenter.encodeReport('red', { signal }))).code).toBe('ABORTED');
    expect((await failure(start({ signal }))).code).toBe('ABORTED');
    expect(await segmenter.stats()).toMatchObject({ frames: 0, reports: 1 });
  });

  it('in mid-call: rejects at once, stops the work and spoils no other call', async () => {
    const { segmenter } = await start();
    const stop = new AbortController();
    const never = await segmenter.encodeReport('never');
    const report = await segmenter.encodeReport('red');
    const stuck = failure(segmenter.segment(image(), never, { signal: stop.signal }));
    const behind = segmenter.segment(image(), report);
    setTimeout(() => stop.abort(), 20);
    expect((await stuck).code).toBe('ABORTED');
    // It can only run if the abort reached the frame before it.
    expect((await behind).lesions).toHaveLength(1);
  });

  it('while creating: ends the worker', async () => {
    const error = await failure(start({ model: 'http://localhost/hang', signal: AbortSignal.timeout(20) }));
    expect([error.code, (error.cause as Error).name]).toEqual(['ABORTED', 'TimeoutError']);
    expect(opened[0]?.worker.terminated).toBe(true);
  });

  it('frees a report that is encoded all the same', async () => {
    const stop = new AbortController();
    let encoded: Promise<Report> | undefined;
    const { segmenter } = await start({}, async (...asked) => {
      const session = await openFake(...asked);
      const encode = session.encodeReport.bind(session);
      // without its signal: one that does not hear of the abort in time
      session.encodeReport = text => {
        encoded = encode(text);
        return encoded;
      };
      return session;
    });
    const pending = failure(segmenter.encodeReport('slow text', { signal: stop.signal }));
    await vi.waitUntil(() => encoded, { timeout: 300_000 });
    stop.abort();
    expect((await pending).code).toBe('ABORTED');
    expect((await encoded)?.text).toBe('slow text');
    await expect.poll(async () => (await segmenter.stats()).reports).toBe(0);
  });
});

describe('disposal', () => {
  it('rejects what is pending, refuses what comes later, and may be repeated', async () => {
    const { segmenter } = await start();
    const report = await segmenter.encodeReport('never');
    const pending = failure(segmenter.segment(image(), report));
    const disposals = [segmenter.dispose(), segmenter.dispose()];
    expect((await pending).code).toBe('DISPOSED');
    await Promise.all(disposals);
    const after = await failure(segmenter.segment(image(), report));
    expect([after.code, after.message]).toEqual([
      'DISPOSED',
      'segment: the Segmenter must be open, got one that ended with DISPOSED; create a new one',
    ]);
    expect((await failure(segmenter.stats())).code).toBe('DISPOSED');
    expect((await failure(segmenter.encodeReport('red'))).code).toBe('DISPOSED');
    report.dispose();
    await segmenter[Symbol.asyncDispose]();
  });

  it('disposes of the session in the worker', async () => {
    const disposed = vi.fn();
    const { segmenter } = await start({}, async (model, options) => {
      const session = await openFake(model, options);
      return Object.assign(session, { dispose: disposed });
    });
    await segmenter.dispose();
    expect(disposed).toHaveBeenCalledOnce();
  });
});

describe('a worker that fails', () => {
  it('rejects every pending call with WORKER_DIED on an uncaught error, and later ones at once', async () => {
    const { segmenter, worker } = await start();
    const report = await segmenter.encodeReport('never');
    const pending = [segmenter.segment(image(), report), segmenter.segment(image(), report)].map(failure);
    worker.dispatchEvent(
      Object.assign(new Event('error'), { message: 'Uncaught Error: x', filename: 'worker.js', lineno: 3 }),
    );
    for (const error of await Promise.all(pending)) {
      expect(error.code).toBe('WORKER_DIED');
      expect(error.message).toContain('"Uncaught Error: x" at worker.js:3');
    }
    expect(worker.terminated).toBe(true);
    const later = await failure(segmenter.stats());
    expect([later.code, (later.cause as TmcaError).code]).toEqual(['WORKER_DIED', 'WORKER_DIED']);
  });

  it('rejects with WORKER_FAILED on a message that cannot be read', async () => {
    const { segmenter, worker } = await start();
    const pending = failure(segmenter.segment(image(), await segmenter.encodeReport('never')));
    worker.dispatchEvent(new Event('messageerror'));
    expect((await pending).code).toBe('WORKER_FAILED');
  });

  it('gives up a worker whose script answers nothing', async () => {
    const error = await failure(start({ watchdog: { unresponsiveMs: 40 } }, null));
    expect([error.code, error.message]).toEqual([
      'WORKER_FAILED',
      'Segmenter.create: the worker script must answer within 40 ms, got nothing; is it tmca-edge/worker?',
    ]);
  });

  it('gives up a call that never settles though the worker answers', async () => {
    const { segmenter } = await start({ watchdog: { stallMs: 60_000 } });
    const deaf = await segmenter.encodeReport('deaf');
    const timers = fakeTimers();
    const given = failure(segmenter.segment(image(), deaf));
    await timers(1);
    await vi.advanceTimersByTimeAsync(60_000);
    const error = await given;
    expect([error.code, error.message]).toEqual([
      'WORKER_DIED',
      'Segmenter: the worker must stay alive, got no settled call in 60000 ms; create a new Segmenter',
    ]);
  });

  it('does not give up work that takes long as a whole but settles call by call', async () => {
    const { segmenter } = await start({ watchdog: { stallMs: 400_000, unresponsiveMs: 400_000 } });
    const slower = await segmenter.encodeReport('slower');
    const timers = fakeTimers();
    const results = [1, 2, 3, 4, 5].map(() => segmenter.segment(image(), slower));
    for (const result of results) {
      // the watchdog's and the frame's
      await timers(2);
      await vi.advanceTimersByTimeAsync(150_000);
      expect((await result).lesions).toHaveLength(1);
    }
  });
});
