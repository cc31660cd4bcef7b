// One frame in flight, the newest wins, every frame accounted for; how often a worker is started again.

import { describe, expect, test } from 'vitest';
import { Newest } from '../../runtime/live/newest.js';
import { Restarts } from '../../runtime/live/restarts.js';

/** A scheduler whose runs end when the test says so. */
function build() {
  const begun: number[] = [];
  const dropped: number[] = [];
  const ends: ((shown: boolean) => void)[] = [];
  const newest = new Newest<number>(
    (item, show) => {
      begun.push(item);
      return new Promise(resolve => {
        ends.push(shown => {
          if (shown) show();
          resolve();
        });
      });
    },
    item => dropped.push(item),
  );
  const end = async (shown = true) => {
    ends.shift()!(shown);
    await new Promise(resolve => setImmediate(resolve));
  };
  return { newest, begun, dropped, end };
}

describe('the newest frame', () => {
  test('runs alone, and of those that wait the newest is next', async () => {
    const { newest, begun, dropped, end } = build();
    for (const frame of [1, 2, 3, 4]) newest.offer(frame);
    expect([begun, dropped]).toEqual([[1], [2, 3]]);
    await end();
    expect(begun).toEqual([1, 4]);
    await end();
    newest.offer(5);
    expect(begun).toEqual([1, 4, 5]);
    await end(false);
    expect(newest.counts).toEqual({ delivered: 5, shown: 2, dropped: 3 });
  });

  test('waits while it is held, and an older one is dropped meanwhile', async () => {
    const { newest, begun, dropped } = build();
    newest.hold();
    newest.offer(1);
    newest.offer(2);
    expect([begun, dropped]).toEqual([[], [1]]);
    newest.resume();
    expect(begun).toEqual([2]);
  });

  test('that waits is run before the end, and what comes after the end is dropped', async () => {
    const { newest, begun, dropped, end } = build();
    newest.offer(1);
    newest.offer(2);
    let finished = false;
    const done = newest.finish().then(() => {
      finished = true;
    });
    newest.offer(3);
    await end();
    expect([begun, finished]).toEqual([[1, 2], false]);
    await end();
    await done;
    expect(dropped).toEqual([3]);
    expect(newest.counts).toEqual({ delivered: 3, shown: 2, dropped: 1 });
  });

  test('of a closed line is dropped with what waits', async () => {
    const { newest, dropped, end } = build();
    newest.offer(1);
    newest.offer(2);
    newest.close();
    newest.offer(3);
    expect(dropped).toEqual([2, 3]);
    await end(false);
    expect(newest.counts).toEqual({ delivered: 3, shown: 0, dropped: 3 });
  });
});

test('a worker is started again three times a minute, later each time', () => {
  const restarts = new Restarts();
  expect([0, 1000, 2000, 3000].map(now => restarts.next(now))).toEqual([0, 500, 1000, null]);
  expect(restarts.next(60_000)).toBe(1000); // the first is forgotten
  expect(restarts.next(60_500)).toBe(null);
  expect(restarts.next(200_000)).toBe(0);
  expect(restarts.count).toBe(5);
});
