// Lesions over frames: their numbers, when they appear and vanish; and where a scene is another.

import { describe, expect, test } from 'vitest';
import { componentsOf } from '../../runtime/live/components.js';
import { histogramDistance, isCut } from '../../runtime/live/cut.js';
import { Tracker } from '../../runtime/live/tracker.js';
import type { Smoothing } from '../../runtime/live/types.js';

const SIZE = 8;
const OFF = { share: 1, appear: 1, vanish: 1 };
const STEADY = { share: 1, appear: 2, vanish: 3 };

type Box = readonly [x: number, y: number, width: number, height: number];

/** Logits of 4 in boxes, and of -4 elsewhere. */
function map(...boxes: Box[]): Float32Array {
  const logits = new Float32Array(SIZE * SIZE).fill(-4);
  for (const [x, y, width, height] of boxes)
    for (let row = y; row < y + height; row++) logits.fill(4, row * SIZE + x, row * SIZE + x + width);
  return logits;
}

/** The numbers of the lesions that are shown after each frame, those that are held in brackets. */
function follow(
  smoothing: Required<Smoothing>,
  frames: readonly Float32Array[],
  everyMs = 10,
  maxAgeMs = 120,
): string[] {
  const tracker = new Tracker(SIZE);
  return frames.map((logits, i) => {
    const tracked = tracker.next(logits, 0, smoothing, i * everyMs, maxAgeMs);
    const ids = new Set(componentsOf(tracked.logits, SIZE, 0).map(cells => tracked.ids[cells[0]!]!));
    return [...ids].map(id => (tracked.held(id) ? `(${id})` : `${id}`)).join(' ');
  });
}

const LEFT: Box = [0, 0, 3, 3];
const RIGHT: Box = [5, 5, 3, 3];

describe('components', () => {
  test('join over corners and end at the sides', () => {
    const found = componentsOf(map([0, 0, 2, 2], [2, 2, 2, 2], [6, 0, 2, 1], [0, 1, 1, 1]), SIZE, 0);
    expect(found.map(cells => [...cells].sort((a, b) => a - b))).toEqual([
      [0, 1, 8, 9, 18, 19, 26, 27],
      [6, 7],
    ]);
  });

  test('are found at the threshold itself, and not in what is no number', () => {
    expect(componentsOf(Float32Array.of(0.5, Number.NaN, 0.4, 0.6), 2, 0.5)).toEqual([Int32Array.of(0, 3)]);
  });
});

describe('a lesion', () => {
  test('keeps its number while it overlaps itself, whatever the order', () => {
    const moved: Box = [1, 1, 3, 3];
    expect(follow(OFF, [map(LEFT, RIGHT), map(RIGHT), map(moved, RIGHT), map(moved)])).toEqual([
      '1 2',
      '2',
      '3 2',
      '3',
    ]);
  });

  test('that parts gives its number to the larger part', () => {
    const whole = map([0, 0, 7, 2]);
    expect(follow(OFF, [whole, map([0, 0, 2, 2], [3, 0, 4, 2])])).toEqual(['1', '2 1']);
  });

  test('appears after two frames and vanishes after three, and shows as it was until then', () => {
    const [here, gone] = [map(LEFT), map()];
    expect(follow(STEADY, [here, here, gone, gone, gone, here, here])).toEqual(['', '1', '(1)', '(1)', '', '', '2']);
  });

  test('that flickers is never shown, and one that is there all the time always', () => {
    const frames = [map(LEFT, RIGHT), map(LEFT), map(LEFT, RIGHT), map(LEFT), map(LEFT, RIGHT)];
    expect(follow(STEADY, frames)).toEqual(['', '1', '1', '1', '1']);
  });

  test('is not held for longer than a mask may be old', () => {
    const [here, gone] = [map(LEFT), map()];
    expect(follow(STEADY, [here, here, gone, gone], 70)).toEqual(['', '1', '(1)', '']);
  });

  test('is another after a reset, by a number that was never given', () => {
    const tracker = new Tracker(SIZE);
    const next = () => tracker.next(map(LEFT), 0, OFF, 0, 120).ids[0];
    expect([next(), next()]).toEqual([1, 1]);
    tracker.reset();
    expect(next()).toBe(2);
  });

  test('of several parts at the source’s size has a number for each, the same in every frame', () => {
    const tracker = new Tracker(SIZE);
    const parts = () => {
      const tracked = tracker.next(map(LEFT), 0, OFF, 0, 120);
      return [0, 1, 2].map(order => tracked.part(1, order));
    };
    expect(parts()).toEqual([1, 2, 3]);
    expect(parts()).toEqual([1, 2, 3]);
  });

  test('leaves the logits of a frame alone where nothing is hidden or held', () => {
    const logits = map(LEFT);
    const tracked = new Tracker(SIZE).next(logits, 0, OFF, 0, 120);
    expect(tracked.logits).toBe(logits);
    expect(tracked.holds).toBe(false);
  });
});

describe('a cut', () => {
  const all = (bin: number) => Float32Array.from({ length: 48 }, (_, i) => Number(i % 16 === bin));

  test('is where the colours of most pixels change', () => {
    expect(histogramDistance(all(3), all(3))).toBe(0);
    expect(histogramDistance(all(3), all(9))).toBe(1);
    expect(isCut(all(3), all(9))).toBe(true);
  });

  test('is where half of the pixels change', () => {
    const half = Float32Array.from(all(3), (value, i) => value / 2 + all(9)[i]! / 2);
    expect(histogramDistance(all(3), half)).toBe(0.5);
    expect(isCut(all(3), half)).toBe(true);
  });

  test('is not where the light changes in one channel', () => {
    const other = all(3);
    other[3] = 0;
    other[9] = 1;
    expect(histogramDistance(all(3), other)).toBeCloseTo(1 / 3);
    expect(isCut(all(3), other)).toBe(false);
  });
});
