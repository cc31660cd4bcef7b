// A stream on the page: newest frame, accounting, the overlay and sentences, by a clock that the test moves.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { build, FakeFrame, type FakeVideo, frames, OVERLAY, settle } from './live-harness.js';

const wait = async (ms: number) => {
  await vi.advanceTimersByTimeAsync(ms);
  await settle();
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
  FakeFrame.made = [];
  // What `new VideoFrame(video)` gives.
  vi.stubGlobal(
    'VideoFrame',
    class extends FakeFrame {
      constructor(video: FakeVideo) {
        super(Math.round(video.currentTime * 1e6));
      }
    },
  );
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('frames', () => {
  test('are run one at a time, the newest next, and every one is closed and accounted for', async () => {
    const feed = frames();
    const { stream, calls } = build(feed.source);
    await settle();
    for (const timestamp of [0, 10, 20, 30]) await feed.push(timestamp);
    expect(calls.map(call => call.timestamp)).toEqual([0]);
    await calls[0]!.answer();
    expect(calls.map(call => call.timestamp)).toEqual([0, 30]);
    await feed.push(40);
    await feed.close();
    await calls[1]!.answer();
    await calls[2]!.answer();
    const results = [];
    for await (const { timestamp, dropped, prompt } of stream) results.push([timestamp, dropped, prompt]);
    // The first results were not read before the next came.
    expect(results).toEqual([[40, 4, 'red']]);
    expect(stream.stats).toMatchObject({ delivered: 5, shown: 3, dropped: 2, failed: 0 });
    expect(stream.state).toBe('off');
    expect(stream.reason).toBe('the stream of frames has ended');
    for (const frame of FakeFrame.made) expect(frame.closed).toBeGreaterThan(0);
  });

  test('wait for the sentence, and the newest of them is the first', async () => {
    const feed = frames();
    let encoded: () => void = () => {};
    const { stream, calls } = build(feed.source, {}, 'red', {}, new Promise<void>(resolve => (encoded = resolve)));
    await feed.push(0);
    await feed.push(10);
    expect([calls, stream.state]).toEqual([[], 'starting']);
    encoded();
    await settle();
    expect(calls.map(call => [call.timestamp, call.text])).toEqual([[10, 'red']]);
  });

  test('give results to a loop, with age and frames dropped between', async () => {
    const feed = frames();
    const { stream, calls } = build(feed.source);
    await settle();
    await feed.push(5);
    await wait(30);
    await feed.push(15);
    await feed.push(25);
    const first = stream.next();
    const counted = first.then(() => stream.stats.shown);
    await calls[0]!.answer();
    expect(await counted).toBe(1); // its own result is counted when it comes
    const second = stream.next();
    await wait(20);
    await calls[1]!.answer();
    expect((await first).value).toMatchObject({ timestamp: 5, age: 30, dropped: 0, prompt: 'red', promptSince: 5 });
    expect((await second).value).toMatchObject({ timestamp: 25, age: 20, dropped: 1 });
    expect(stream.stats).toMatchObject({ delivered: 3, shown: 2, dropped: 1, age: 20 });
  });

  test('closed frame handed in: it is dropped, said, and the next one is run', async () => {
    const feed = frames();
    const { stream, calls, events } = build(feed.source);
    await settle();
    const closed = new FakeFrame(0);
    closed.close();
    await feed.push(0, closed);
    expect(events.at(-1)).toMatchObject({ state: 'starting', error: { code: 'IMAGE_UNREADABLE' } });
    expect(events.at(-1)!.reason).toContain('a VideoFrame must be open, got a closed one');
    await feed.push(10);
    await calls[0]!.answer();
    expect([calls[0]!.timestamp, stream.state]).toEqual([10, 'on']);
    expect(stream.stats).toMatchObject({ delivered: 2, shown: 1, dropped: 1, failed: 1 });
  });

  test('timestamps repeated or backward: repeated ones are run, and a step back begins the average anew', async () => {
    const feed = frames();
    const { calls } = build(feed.source);
    await settle();
    for (const [i, timestamp] of [0, 0, 10, 5, 6].entries()) {
      await feed.push(timestamp);
      await calls[i]!.answer();
    }
    expect(calls.map(call => [call.timestamp, call.request.reset])).toEqual([
      [0, true],
      [0, false],
      [10, false],
      [5, true],
      [6, false],
    ]);
  });

  test('after a gap begin the average anew', async () => {
    const feed = frames();
    const { calls } = build(feed.source);
    await settle();
    await feed.push(0);
    await calls[0]!.answer();
    await wait(900);
    await feed.push(10);
    await calls[1]!.answer();
    await wait(1100);
    await feed.push(20);
    expect(calls.map(call => call.request.reset)).toEqual([true, false, true]);
  });

  test('a source that fails ends the stream with what it said', async () => {
    const feed = frames();
    const { stream } = build(feed.source);
    await settle();
    const next = stream.next();
    next.catch(() => {});
    await feed.error(new Error('unplugged'));
    await expect(next).rejects.toMatchObject({
      code: 'IMAGE_UNREADABLE',
      message: expect.stringContaining('unplugged'),
    });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });
});

describe('the overlay', () => {
  test('shows masks while they are young, even where the engine is stalled', async () => {
    const feed = frames();
    const { stream, calls, canvas, states } = build(feed.source);
    await settle();
    await feed.push(0);
    await wait(20);
    await calls[0]!.answer();
    expect([canvas.seen, canvas.width, stream.state]).toEqual([OVERLAY, 8, 'on']);
    for (let time = 20; time < 120; time += 20) {
      await feed.push(time);
      expect(canvas.seen).toBe(OVERLAY);
      await wait(20);
    }
    // 120 ms old now, and nothing has answered.
    expect([canvas.seen, canvas.shows, stream.state]).toEqual([null, null, 'late']);
    await wait(1000);
    await calls[1]!.answer();
    expect([canvas.seen, stream.state]).toEqual([null, 'late']);
    await calls[2]!.answer();
    // Its frame came a second ago, but no newer one has come: it is what is on the screen.
    expect([canvas.seen, stream.state]).toEqual([OVERLAY, 'on']);
    expect(states()).toEqual(['starting', 'on', 'late', 'on']);
    expect(stream.stats.late).toBe(1);
  });

  test('is empty after a mask without a lesion, and after the end', async () => {
    const feed = frames();
    const { stream, calls, canvas, forgotten } = build(feed.source);
    await settle();
    await feed.push(0);
    await calls[0]!.answer();
    await feed.push(10);
    await calls[1]!.answer({ overlay: null });
    expect([canvas.seen, stream.state]).toEqual([null, 'on']);
    await feed.push(20);
    await calls[2]!.answer();
    expect(canvas.seen).toBe(OVERLAY);
    stream.stop();
    stream.stop();
    await settle();
    expect([canvas.shows, canvas.style.visibility, forgotten.length, feed.cancelled()]).toEqual([null, '', 1, true]);
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  test('says that a frame is flat, and shows nothing', async () => {
    const feed = frames();
    const { stream, calls } = build(feed.source);
    await settle();
    await feed.push(0);
    const message = 'the picture has one colour all over';
    await calls[0]!.answer({ overlay: null, warnings: [{ code: 'IMAGE_FLAT', message }] });
    expect([stream.state, stream.reason]).toEqual(['degraded', message]);
    await feed.push(10);
    await calls[1]!.answer();
    expect(stream.state).toBe('on');
  });
});

describe('a sentence', () => {
  test('in mid-stream takes effect at a frame that the results name', async () => {
    const feed = frames();
    const { stream, calls, canvas, disposed } = build(feed.source);
    await settle();
    await feed.push(1);
    await stream.setPrompt('blue');
    expect(disposed).toEqual([]); // the frame in flight needs it
    await calls[0]!.answer();
    expect(canvas.seen).toBe(null); // the answer to another question
    expect((await stream.next()).value).toMatchObject({ prompt: 'red', promptSince: 1 });
    expect(disposed).toEqual(['red']);
    for (const timestamp of [2, 3]) {
      await feed.push(timestamp);
      await calls[timestamp - 1]!.answer();
      expect((await stream.next()).value).toMatchObject({ timestamp, prompt: 'blue', promptSince: 2 });
    }
    expect(calls.map(call => [call.text, call.request.reset])).toEqual([
      ['red', true],
      ['blue', true],
      ['blue', false],
    ]);
  });

  test('that cannot be encoded leaves the one before; of two the last one counts', async () => {
    const feed = frames();
    const { stream, calls, encodeReport, disposed } = build(feed.source);
    await settle();
    await expect(stream.setPrompt(' ')).rejects.toMatchObject({ code: 'TEXT_EMPTY' });
    await expect(stream.setPrompt(null)).rejects.toMatchObject({ code: 'TEXT_REQUIRED' });
    const encode = encodeReport.getMockImplementation()!;
    const held: (() => void)[] = [];
    encodeReport.mockImplementation(async text => {
      await new Promise<void>(resolve => held.push(resolve));
      return encode(text);
    });
    const both = [stream.setPrompt('first'), stream.setPrompt('second')];
    await settle();
    held[1]!();
    await settle();
    held[0]!();
    await Promise.all(both);
    await feed.push(0);
    expect([calls[0]!.text, disposed]).toEqual(['second', ['first']]);
  });

  test('encoded by the caller stays the caller’s', async () => {
    const feed = frames();
    const report = { text: 'mine', ids: Int32Array.of(1), truncated: false, dispose: vi.fn() };
    const { stream, calls, encodeReport } = build(feed.source, {}, report);
    await settle();
    await feed.push(0);
    expect([calls[0]!.text, encodeReport.mock.calls.length]).toEqual(['mine', 0]);
    stream.stop();
    await settle();
    expect(report.dispose).not.toHaveBeenCalled();
    await expect(stream.setPrompt('red')).rejects.toMatchObject({ code: 'DISPOSED' });
  });

  test.each([
    [null, 'TEXT_REQUIRED'],
    ['', 'TEXT_EMPTY'],
    [3, 'BAD_ARGUMENT'],
  ])('%o is refused at once', (prompt, code) => {
    expect(() => build(frames().source, {}, prompt as never)).toThrowError(expect.objectContaining({ code }));
  });
});
