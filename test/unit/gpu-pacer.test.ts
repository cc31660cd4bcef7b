// While something waits the event loop turns slowly, and only then.

import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest';
import { Pacer } from '../../gpu/software/pacer.js';
import { softwareExtras } from '../../gpu/software/trusted-tuning.js';

let sleep: MockInstance<typeof Atomics.wait>;
beforeEach(() => {
  sleep = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
});
afterEach(() => vi.restoreAllMocks());

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve));
}

test('a pause at every turn after the first ones, until nothing waits any more', async () => {
  const pacer = new Pacer();
  pacer.begin();
  pacer.begin();
  await turns(30);
  expect(sleep).not.toHaveBeenCalled();
  await turns(30);
  const paused = sleep.mock.calls.length;
  expect(paused).toBeGreaterThanOrEqual(27);
  expect(paused).toBeLessThanOrEqual(29);
  expect(sleep.mock.lastCall!.slice(1), 'milliseconds').toEqual([0, 0, 2]);
  pacer.end();
  await turns(5);
  expect(sleep.mock.calls.length, 'one still waits').toBe(paused + 5);
  pacer.end();
  await turns(5);
  expect(sleep.mock.calls.length).toBeLessThanOrEqual(paused + 5);
});

test('what begins anew is answered without a pause', async () => {
  const pacer = new Pacer();
  for (let i = 0; i < 50; i++) {
    pacer.begin();
    await turns(2);
    pacer.end();
  }
  expect(sleep).not.toHaveBeenCalled();
});

test('a software device in Node is paced', () => {
  expect(softwareExtras().pacer).toBeInstanceOf(Pacer);
});
