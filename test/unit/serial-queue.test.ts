// The one kind of queue of the package: sessions, pages, onnxruntime and the trainer put their calls into one.

import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { SerialQueue } from '../../runtime/serial-queue.js';

const settled = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    value => value,
    error => (error instanceof TmcaError ? error.code : error),
  );

test('calls run one at a time in their order, and one that fails spoils no other', async () => {
  const queue = new SerialQueue();
  const told: string[] = [];
  const work =
    (name: string, fail = false) =>
    async () => {
      told.push(`${name} begins`);
      await Promise.resolve();
      told.push(`${name} ends`);
      if (fail) throw new RangeError(name);
      return name;
    };
  const [a, b, c] = [queue.run(work('a'), 'a'), queue.run(work('b', true), 'b'), queue.run(work('c'), 'c')];
  expect(await a).toBe('a');
  await expect(b).rejects.toThrow(RangeError);
  expect(await c).toBe('c');
  expect(told).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  const thrown = queue.run(() => {
    throw new RangeError('at once');
  }, 'd');
  await expect(thrown).rejects.toThrow('at once');
  expect(await queue.run(work('e'), 'e')).toBe('e');
});

test('a call whose signal fires leaves at once, and what it held is let go', async () => {
  const queue = new SerialQueue();
  let end = () => {};
  const first = queue.run(() => new Promise<void>(resolve => (end = resolve)), 'first');
  const stop = new AbortController();
  const ran: string[] = [];
  const waiting = queue.run(async () => ran.push('waiting'), 'segment', stop.signal);
  const last = queue.run(async () => ran.push('last'), 'last');
  stop.abort();
  // The first one has not ended.
  expect(await settled(waiting)).toBe('ABORTED');
  end();
  await Promise.all([first, last]);
  expect(ran).toEqual(['last']);
  expect(await settled(queue.run(async () => ran.push('late'), 'late', stop.signal))).toBe('ABORTED');
  expect(ran).toEqual(['last']);
});

test('work that never waits leaves the event loop a turn between two calls', async () => {
  const queue = new SerialQueue();
  const stop = new AbortController();
  let ran = 0;
  const calls = Array.from({ length: 60 }, () => settled(queue.run(async () => ++ran, 'frame', stop.signal)));
  // A message or a timer, which a chain of promises alone would keep waiting until its end.
  setTimeout(() => stop.abort());
  // The same of a caller that awaits each of its calls.
  let rounds = 0;
  const alone = new SerialQueue();
  while (!stop.signal.aborted) {
    await alone.run(async () => rounds++, 'alone');
    if (rounds > 1e5) break;
  }
  expect(rounds).toBeLessThan(1e5);
  const results = await Promise.all(calls);
  expect(results.filter(result => result === 'ABORTED').length + ran).toBe(60);
  expect(stop.signal.aborted).toBe(true);
});

test('a result that aborts the rest leaves none of them to run', async () => {
  const queue = new SerialQueue();
  const stop = new AbortController();
  let ran = 0;
  const calls = Array.from({ length: 60 }, () =>
    settled(
      queue
        .run(async () => ++ran, 'frame', stop.signal)
        .then(count => {
          if (count === 6) stop.abort();
          return count;
        }),
    ),
  );
  const results = await Promise.all(calls);
  expect(ran).toBe(6);
  expect(results.slice(6)).toEqual(Array.from({ length: 54 }, () => 'ABORTED'));
});

test('cleared, all that wait reject at once, and the queue works on', async () => {
  const queue = new SerialQueue();
  let end = () => {};
  const first = queue.run(() => new Promise<string>(resolve => (end = () => resolve('first'))), 'first');
  const waiting = [1, 2, 3].map(n => settled(queue.run(async () => n, 'waiting')));
  queue.clear(new TmcaError('DISPOSED', 'test'));
  expect(await Promise.all(waiting)).toEqual(['DISPOSED', 'DISPOSED', 'DISPOSED']);
  end();
  expect(await first).toBe('first');
  expect(await queue.run(async () => 'again', 'again')).toBe('again');
});

test('one signal for many calls makes Node warn of no leak, and is let go with the last of them', async () => {
  const warned: Error[] = [];
  const listen = (warning: Error) => void warned.push(warning);
  process.on('warning', listen);
  const stop = new AbortController();
  const queue = new SerialQueue();
  await Promise.all(Array.from({ length: 30 }, (_, n) => queue.run(async () => n, 'frame', stop.signal)));
  await new Promise(resolve => setImmediate(resolve));
  process.off('warning', listen);
  expect(warned).toEqual([]);
  expect(getEventListeners(stop.signal, 'abort')).toEqual([]);
});
