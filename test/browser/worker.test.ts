// The worker API in a real browser: what a MessageChannel cannot show (test/unit/worker-link.test.ts has the rest).

import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openPage, openSite, type Site } from './chromium.js';
import type {} from './pages/lab.js';

let site: Site;
let page: Page;
let errors: string[];

beforeAll(async () => {
  site = await openSite({ configFile: false, root: fileURLToPath(new URL('../..', import.meta.url)) });
  ({ page, errors } = await openPage(site, '/test/browser/pages/lab.html'));
  await page.waitForFunction(() => 'lab' in window);
});
afterAll(() => site?.close());

// A rejection that nobody handles, or an error that escapes the package, is a failure of the test that it happens in.
afterEach(() => expect(errors.splice(0)).toEqual([]));

describe('a worker in the browser', () => {
  it('creates, segments a canvas, counts and disposes', async () => {
    const result = await page.evaluate(async () => {
      const steps: string[] = [];
      const segmenter = await lab.start('fake', {
        onProgress: ({ phase, loaded }) => steps.push(`${phase} ${loaded}`),
      });
      const report = await segmenter.encodeReport('one red polyp');
      const { mask, lesions, width, height } = await segmenter.segment(lab.canvas(), report);
      const stats = await segmenter.stats();
      await segmenter.dispose();
      const after = await lab.failure(segmenter.segment(lab.canvas(), report));
      await segmenter.dispose();
      return { steps, sum: mask.reduce((a, b) => a + b), lesions, width, height, stats, after };
    });
    expect(result.steps).toEqual(['download 0', 'download 50', 'download 100', 'ready 1']);
    expect(result).toMatchObject({ sum: 24, width: 20, height: 10, stats: { frames: 1, reports: 1 } });
    expect(result.lesions).toMatchObject([{ area: 24, box: [12, 3, 6, 4], score: 1 }]);
    expect(result.after).toMatchObject({ tmca: true, code: 'DISPOSED' });
  });

  it('keeps code, retryable and causes of an error', async () => {
    const lost = await page.evaluate(async () => {
      const segmenter = await lab.start();
      return lab.failure(segmenter.segment(lab.canvas(), await segmenter.encodeReport('lost')));
    });
    expect(lost).toEqual({
      tmca: true,
      name: 'TmcaError',
      code: 'DEVICE_LOST',
      retryable: true,
      message: 'segment: the device must be there, got lost; try again',
      cause: {
        tmca: true,
        name: 'TmcaError',
        code: 'GPU_FAILED',
        retryable: false,
        message: 'submit: must succeed, got an error; try again',
        cause: { tmca: false, name: 'OperationError', message: 'the GPU process ended' },
      },
    });
  });

  it('answers 1,000 calls at once, in order', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const report = await segmenter.encodeReport('red');
      const order: number[] = [];
      const frame = (red: number) => new ImageData(new Uint8ClampedArray([red, 0, 0, 255]), 1, 1);
      const masks = await Promise.all(
        Array.from({ length: 1000 }, async (_, call) => {
          const { mask } = await segmenter.segment(frame((call % 2) * 255), report);
          order.push(call);
          return mask[0];
        }),
      );
      return { masks, order, frames: (await segmenter.stats()).frames };
    });
    expect(result.frames).toBe(1000);
    expect(result.masks).toEqual(Array.from({ length: 1000 }, (_, call) => call % 2));
    expect(result.order).toEqual(Array.from({ length: 1000 }, (_, call) => call));
  });
});

describe('a worker that dies', () => {
  it('has no script: WORKER_FAILED', async () => {
    const error = await page.evaluate(() => lab.failure(lab.start('missing')));
    expect(error).toMatchObject({ tmca: true, code: 'WORKER_FAILED' });
    expect(error?.message).toMatch(
      /^Segmenter.create: the worker script must load and start, got no script; check its address/,
    );
  });

  it('throws at start: WORKER_FAILED with its words', async () => {
    const error = await page.evaluate(() => lab.failure(lab.start('throwing')));
    expect(error).toMatchObject({ tmca: true, code: 'WORKER_FAILED' });
    expect(error?.message).toContain('thrown at start');
  });

  it('is refused by the factory: WORKER_FAILED with the cause', async () => {
    const error = await page.evaluate(() => {
      const worker = () => new Worker('https://elsewhere.invalid/worker.js');
      return lab.failure(lab.Segmenter.create({ model: '/models/fake', worker }));
    });
    expect(error).toMatchObject({ tmca: true, code: 'WORKER_FAILED', cause: { name: 'SecurityError' } });
  });

  it('is none: WORKER_FAILED', async () => {
    const error = await page.evaluate(() =>
      lab.failure(lab.Segmenter.create({ model: '/models/fake', worker: () => undefined as unknown as Worker })),
    );
    expect(error).toMatchObject({ code: 'WORKER_FAILED', cause: { message: 'the factory returned undefined' } });
  });

  // Neither fires an event on the page: the lock that the worker held tells. The watchdog would take minutes.
  it.each(['terminate', 'close'] as const)('ends in mid-call by %s: every pending call rejects', async how => {
    const { pending, later } = await page.evaluate(async how => {
      const segmenter = await lab.start();
      const report = await segmenter.encodeReport(how === 'close' ? 'close' : 'deaf');
      const calls = [1, 2, 3].map(() => lab.failure(segmenter.segment(lab.canvas(), report)));
      if (how === 'terminate') setTimeout(() => lab.worker?.terminate(), 50);
      return { pending: await Promise.all(calls), later: await lab.failure(segmenter.stats()) };
    }, how);
    expect(pending.map(error => error?.code)).toEqual(['WORKER_DIED', 'WORKER_DIED', 'WORKER_DIED']);
    expect(pending[0]?.message).toBe(
      'Segmenter: the worker must stay alive, got its termination; create a new Segmenter',
    );
    expect(later).toMatchObject({ code: 'WORKER_DIED', message: expect.stringContaining('stats:') });
  });

  it('throws outside every call: WORKER_DIED with its words', async () => {
    const error = await page.evaluate(async () => {
      const segmenter = await lab.start();
      return lab.failure(segmenter.segment(lab.canvas(), await segmenter.encodeReport('crash')));
    });
    expect(error?.code).toBe('WORKER_DIED');
    expect(error?.message).toContain('crashed in a timer');
  });

  it('loops for ever: given up by the watchdog', async () => {
    const error = await page.evaluate(async () => {
      const segmenter = await lab.start('fake', { watchdog: { unresponsiveMs: 10_000 } });
      return lab.failure(segmenter.segment(lab.canvas(), await segmenter.encodeReport('loop')));
    });
    expect(error?.code).toBe('WORKER_DIED');
    expect(error?.message).toContain('no sign of life in 10000 ms');
  });

  it('can be followed by another', async () => {
    const lesions = await page.evaluate(async () => {
      const first = await lab.start();
      lab.worker?.terminate();
      await lab.failure(first.encodeReport('red'));
      const second = await lab.start();
      return (await second.segment(lab.canvas(), await second.encodeReport('red'))).lesions.length;
    });
    expect(lesions).toBe(1);
  });
});

describe('aborting', () => {
  it('rejects before, during and while loading, and the worker works on', async () => {
    const result = await page.evaluate(async () => {
      const segmenter = await lab.start();
      const [never, red] = [await segmenter.encodeReport('never'), await segmenter.encodeReport('red')];
      const before = await lab.failure(segmenter.segment(lab.canvas(), red, { signal: AbortSignal.abort() }));
      const during = lab.failure(segmenter.segment(lab.canvas(), never, { signal: AbortSignal.timeout(50) }));
      const behind = segmenter.segment(lab.canvas(), red);
      const loading = await lab.failure(lab.start('fake', { model: '/models/hang', signal: AbortSignal.timeout(200) }));
      return { before, during: await during, lesions: (await behind).lesions.length, loading };
    });
    expect([result.before?.code, result.during?.code, result.loading?.code]).toEqual(['ABORTED', 'ABORTED', 'ABORTED']);
    expect(result.during?.cause?.name).toBe('TimeoutError');
    expect(result.lesions).toBe(1);
  });
});
