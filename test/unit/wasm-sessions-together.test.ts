// Sessions in wasm that share a thread, the assembly module's memory and onnxruntime's.

import { afterAll, expect, test, vi } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { TmcaError } from '../../errors/index.js';
import { openSession } from '../../node/index.js';
import { nodePlatform } from '../../node/platform.js';

const sessions = await Promise.all([1, 2].map(() => openSession('models/nano', { device: 'wasm' })));
const text = 'one medium pink round polyp, located in right of the image';
const reports = await Promise.all(sessions.map(session => session.encodeReport(text)));
const [width, height] = [96, 80];
const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
  const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
  return (Math.hypot(x - 58, y - 40) < 20 ? [220, 110, 100] : [123, 62, 50])[i % 3]!;
});
const picture = { data, width, height, channels: 3 } as const;
const segment = (which: 0 | 1, signal?: AbortSignal) =>
  sessions[which]!.segment(picture, reports[which]!, signal && { signal });
const alone = await segment(0);

afterAll(() => {
  for (const session of sessions) session.dispose();
});

test('a picture outlives the growing of the memory that all sessions share', async () => {
  const shared = await loadAssembly();
  const before = shared.memoryBytes;
  const frame = segment(0);
  for (let step = 0; step < 20; step++) {
    // at each of the points where the frame waits
    await Promise.resolve();
    if (step < 4) shared.free(shared.alloc(shared.memoryBytes, 'test'));
  }
  expect(shared.memoryBytes).toBeGreaterThan(before);
  expect((await frame).probability).toEqual(alone.probability);
});

test('onnxruntime, whose memory has one stack, runs for one session at a time', async () => {
  type Run = (...given: unknown[]) => Promise<unknown>;
  const ort = await nodePlatform.ort(undefined);
  const { prototype } = ort.InferenceSession as unknown as { prototype: { run: Run } };
  const run = prototype.run;
  let running = 0;
  let most = 0;
  const watch = vi.spyOn(prototype, 'run').mockImplementation(async function (this: unknown, ...given) {
    most = Math.max(most, ++running);
    try {
      return await run.apply(this, given);
    } finally {
      running--;
    }
  });
  const results = await Promise.all([segment(0), segment(1), segment(0), segment(1)]);
  watch.mockRestore();
  expect(most).toBe(1);
  for (const { probability } of results) expect(probability).toEqual(alone.probability);
});

test('frames that are aborted while they wait leave at once, and the next one runs', async () => {
  const stop = new AbortController();
  const before = sessions[0]!.stats().frames;
  let seen = 0;
  const frames = Array.from({ length: 60 }, () =>
    segment(0, stop.signal).then(
      () => {
        if (++seen === 2) stop.abort();
        return 'done';
      },
      error => (error as TmcaError).code,
    ),
  );
  const results = await Promise.all(frames);
  expect(results).toEqual([...Array(2).fill('done'), ...Array(58).fill('ABORTED')]);
  expect(sessions[0]!.stats().frames).toBe(before + 2);
  expect((await segment(0)).probability).toEqual(alone.probability);
});

test('a timer that aborts has its turn between two frames', async () => {
  const stop = new AbortController();
  const frames = Array.from({ length: 1000 }, () => segment(0, stop.signal).catch(error => error.code));
  setTimeout(() => stop.abort());
  const results = await Promise.all(frames);
  expect(results.filter(result => result === 'ABORTED').length).toBeGreaterThan(900);
});

test('disposed of, all that wait reject', async () => {
  const session = await openSession('models/nano', { device: 'wasm' });
  const report = await session.encodeReport(text);
  const frames = Array.from({ length: 5 }, () => session.segment(picture, report));
  const others = [segment(0), segment(0)];
  session.dispose();
  for (const frame of frames)
    await expect(frame).rejects.toSatisfy(e => e instanceof TmcaError && e.code === 'DISPOSED');
  for (const { probability } of await Promise.all(others)) expect(probability).toEqual(alone.probability);
});
