// A first frame before the first: over a MessageChannel, with a session that has no network.

import type { Endpoint } from 'comlink';
import { afterEach, expect, test } from 'vitest';
import { Segmenter } from '../../runtime/browser/segmenter.js';
import { type SessionOpener, serve } from '../../runtime/browser/worker/host.js';
import type { WorkerLike } from '../../runtime/browser/worker/link.js';
import type { Pixels, Report, Segmentation, SessionInfo } from '../../runtime/types.js';
import { openFake } from '../fixtures/fake-session.js';

const made: Segmenter[] = [];
afterEach(async () => {
  for (const segmenter of made.splice(0)) await segmenter.dispose();
});

async function start(text: SessionInfo['model']['text'] = 'required') {
  const texts: (string | null)[] = [];
  let isFirst = true;
  const open: SessionOpener = async (model, options) => {
    const session = await openFake(model, options);
    const info = { ...session.info, model: { ...session.info.model, text } };
    const red = await session.encodeReport('red');
    const segment = async (image: unknown, report: Report | null): Promise<Segmentation> => {
      texts.push(report?.text ?? null);
      const pixels = typeof image === 'function' ? await image() : image;
      const result = await session.segment(pixels as Pixels, red);
      const warnings = isFirst ? [{ code: 'MODEL_UNCHECKED' as const, message: 'told once' }] : [];
      isFirst = false;
      return { ...result, warnings };
    };
    return {
      info,
      segment,
      encodeReport: (text, options) => session.encodeReport(text, options),
      stats: () => session.stats(),
      dispose: () => session.dispose(),
    } as Awaited<ReturnType<SessionOpener>>;
  };
  const { port1, port2 } = new MessageChannel();
  serve(open, port2 as unknown as Endpoint);
  const close = () => {
    port1.close();
    port2.close();
  };
  const worker = Object.assign(port1, { terminate: close }) as unknown as WorkerLike;
  const segmenter = await Segmenter.create({ model: 'http://localhost/models/fake', worker: () => worker });
  made.push(segmenter);
  return { segmenter, texts };
}

const image = { data: new Uint8Array(12), width: 2, height: 2, channels: 3 } as const;

test('a warm-up runs a frame with a text of the length that is asked for, and keeps no report', async () => {
  const { segmenter, texts } = await start();
  await segmenter.warmup({ text: 'one large red polyp' });
  expect(texts).toEqual(['one large red polyp']);
  // that of this test's session
  expect((await segmenter.stats()).reports).toBe(1);
});

test('of a model that may be given a text runs both ways, of one that reads none the only one', async () => {
  const both = await start('optional');
  await both.segmenter.warmup();
  expect(both.texts).toEqual(['one small polyp', null]);
  const none = await start('none');
  await none.segmenter.warmup();
  expect(none.texts).toEqual([null]);
});

test('what its frame was warned of is told with the first result that somebody sees, once', async () => {
  const { segmenter } = await start();
  await segmenter.warmup();
  const report = await segmenter.encodeReport('red');
  const codes = async () => (await segmenter.segment(image, report)).warnings.map(({ code }) => code);
  expect(await codes()).toEqual(['MODEL_UNCHECKED']);
  expect(await codes()).toEqual([]);
});

test('a warm-up that is stopped, or asked for in another way, says so', async () => {
  const { segmenter } = await start();
  await expect(segmenter.warmup({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'ABORTED' });
  await expect(segmenter.warmup({ text: 7 } as never)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
});
