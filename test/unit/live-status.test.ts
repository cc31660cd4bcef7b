// How long a mask is on the screen, and what a stream says of itself, by a clock that the test moves.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { MaskClock } from '../../runtime/live/mask-clock.js';
import { LiveStatus } from '../../runtime/live/status.js';
import type { LiveEvent } from '../../runtime/live/types.js';

describe('a mask', () => {
  let hidden: number[];
  let clock: MaskClock;
  const wait = (ms: number) => vi.advanceTimersByTime(ms);
  const frame = (serial: number, at = performance.now()) => ({ serial, at });

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    hidden = [];
    clock = new MaskClock({ maxAgeMs: 120, hide: () => hidden.push(performance.now()) });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('is hidden by the timer once it is too old and a newer frame is on the screen', () => {
    const first = frame(0);
    clock.delivered(first);
    wait(30);
    expect(clock.mayShow(first)).toBe(true);
    wait(20);
    clock.delivered(frame(1));
    wait(69);
    expect(hidden).toEqual([]);
    wait(1);
    expect(hidden).toEqual([120]);
  });

  test('stays while its own frame is on the screen, and goes with the next one', () => {
    const paused = frame(0);
    clock.delivered(paused);
    expect(clock.mayShow(paused)).toBe(true);
    wait(10_000);
    expect(hidden).toEqual([]);
    clock.delivered(frame(1));
    expect(hidden).toEqual([10_000]);
  });

  test('stays past a newer frame while it is young', () => {
    const first = frame(0);
    clock.delivered(first);
    clock.mayShow(first);
    wait(100);
    clock.delivered(frame(1));
    expect(hidden).toEqual([]);
  });

  test('that comes too late is not shown, and hides the one before', () => {
    const [first, second] = [frame(0), frame(1, 10)];
    clock.delivered(first);
    clock.mayShow(first);
    wait(10);
    clock.delivered(second);
    wait(105);
    clock.delivered(frame(2));
    wait(20);
    expect(hidden).toEqual([120]);
    expect(clock.mayShow(second)).toBe(false);
    expect(hidden).toEqual([120, 135]);
  });

  test('that comes late is shown where its frame is on the screen still', () => {
    const paused = frame(0);
    clock.delivered(paused);
    wait(5000);
    expect(clock.mayShow(paused)).toBe(true);
    expect(hidden).toEqual([]);
  });

  test('that follows another is watched in its place', () => {
    clock.delivered(frame(0));
    clock.mayShow(frame(0));
    wait(60);
    clock.delivered(frame(1));
    clock.mayShow(frame(1));
    clock.delivered(frame(2));
    wait(119);
    expect(hidden).toEqual([]);
    wait(1);
    expect(hidden).toEqual([180]);
  });
});

describe('the state of a stream', () => {
  function build() {
    const events: LiveEvent[] = [];
    const status = new LiveStatus(120, event => events.push(event));
    return { status, events, states: () => events.map(event => event.state) };
  }

  test('is starting, on, late and off, each told once with its reason', () => {
    const { status, events } = build();
    status.begin();
    status.masks('young');
    status.masks('young');
    status.masks('old');
    status.masks('young');
    status.end('the stream was stopped');
    status.masks('old');
    expect(events).toEqual([
      { state: 'starting', reason: 'no frame has a mask yet' },
      { state: 'on', reason: 'masks are young' },
      { state: 'late', reason: 'the newest mask is older than 120 ms, so none is shown' },
      { state: 'on', reason: 'masks are young' },
      { state: 'off', reason: 'the stream was stopped' },
    ]);
    expect([status.state, status.reason]).toEqual(['off', 'the stream was stopped']);
  });

  test('is degraded while something is wrong, and says what', () => {
    const { status, events, states } = build();
    const error = new TmcaError('DEVICE_LOST', 'gone');
    status.trouble('worker', 'the worker died', error);
    status.masks('young');
    status.trouble('engine', 'wasm took over');
    status.trouble('worker', null);
    status.trouble('engine', null);
    expect(states()).toEqual(['starting', 'degraded', 'degraded', 'on']);
    expect(events[0]).toEqual({ state: 'starting', reason: 'the worker died', error });
    expect(events.map(event => event.reason)).toEqual([
      'the worker died',
      'the worker died',
      'wasm took over',
      'masks are young',
    ]);
  });

  test('that is late says why, where that is known', () => {
    const { status, events } = build();
    status.masks('young');
    status.trouble('worker', 'the worker died');
    status.masks('old');
    expect(events.at(-1)).toMatchObject({
      state: 'late',
      reason: 'the newest mask is older than 120 ms, so none is shown: the worker died',
    });
  });
});
