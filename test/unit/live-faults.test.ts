// What may befall a stream on the page: videos that are paused, sought and unplugged, workers that die, memory that is out. By a clock that
// the test moves.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FAKE_INFO } from '../fixtures/fake-session.js';
import { build, FakeFrame, FakeVideo, frames, OVERLAY, settle } from './live-harness.js';

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

describe('a video', () => {
  test('is only looked at, and the newest frame is taken when its turn comes', async () => {
    const video = new FakeVideo();
    const { stream, calls } = build(video);
    await settle();
    expect(calls.map(call => [call.timestamp, call.request.still])).toEqual([[0, false]]);
    await video.present(0.01);
    await video.present(0.02);
    await calls[0]!.answer();
    expect(calls[1]!.timestamp).toBe(20_000);
    stream.stop();
    expect(video.watched).toBe(0);
  });

  test('paused: its mask stays, and is that of a still', async () => {
    const video = Object.assign(new FakeVideo(), { paused: true, currentTime: 2 });
    const { stream, calls, canvas } = build(video);
    await settle();
    expect(calls[0]!.request.still).toBe(true);
    await wait(500);
    await calls[0]!.answer();
    await wait(60_000);
    expect([canvas.seen, stream.state]).toEqual([OVERLAY, 'on']);
  });

  test('paused: another sentence, a failed frame and a dead worker all lead to a mask of what is there', async () => {
    const video = Object.assign(new FakeVideo(), { paused: true, currentTime: 2 });
    const { stream, calls, canvas } = build(video);
    await settle();
    await calls[0]!.answer();
    await stream.setPrompt('blue');
    await settle();
    expect([canvas.seen, calls[1]!.text, calls[1]!.timestamp]).toEqual([null, 'blue', 2_000_000]);
    await calls[1]!.fail('GPU_FAILED');
    await calls[2]!.fail('WORKER_DIED');
    await calls[3]!.answer();
    expect([canvas.seen, stream.state, calls.length]).toEqual([OVERLAY, 'on', 4]);
  });

  test('seeked: the mask of the picture before is hidden at once, and that in flight is not shown', async () => {
    const video = new FakeVideo();
    const { stream, calls, canvas } = build(video);
    await settle();
    await calls[0]!.answer();
    await video.present(0.04);
    expect(canvas.seen).toBe(OVERLAY);
    await video.fire('seeking');
    expect([canvas.seen, stream.state]).toEqual([null, 'starting']);
    await calls[1]!.answer();
    expect(canvas.seen).toBe(null);
    await video.present(9);
    expect(calls[2]!.request.reset).toBe(true);
    await calls[2]!.answer();
    expect([canvas.seen, stream.state]).toEqual([OVERLAY, 'on']);
  });

  test('looped: the average begins anew where the time steps back', async () => {
    const video = new FakeVideo();
    const { calls } = build(video);
    await settle();
    await calls[0]!.answer();
    for (const [i, time] of [1, 2, 0, 1].entries()) {
      await video.present(time);
      await calls[i + 1]!.answer();
    }
    expect(calls.map(call => call.request.reset)).toEqual([true, false, false, true, false]);
  });

  test('camera unplugged and back: said at once, without a mask, and on again with the next picture', async () => {
    const video = Object.assign(new FakeVideo(), { srcObject: {} });
    const { stream, calls, canvas } = build(video);
    await settle();
    await calls[0]!.answer();
    await video.fire('ended');
    expect([canvas.seen, stream.state, stream.reason]).toEqual([null, 'starting', "the camera's track has ended"]);
    await video.fire('loadeddata');
    await calls[1]!.answer();
    expect([canvas.seen, stream.state]).toEqual([OVERLAY, 'on']);
  });

  test('without a picture is waited for, and says so', async () => {
    const video = Object.assign(new FakeVideo(), { readyState: 0 });
    const { stream, calls } = build(video);
    await settle();
    expect([calls.length, stream.state, stream.reason]).toEqual([0, 'starting', 'the video has no picture yet']);
    video.readyState = 4;
    await video.fire('loadeddata');
    await calls[0]!.answer();
    expect(stream.state).toBe('on');
  });
});

describe('faults', () => {
  test('the worker dies: it is started again with the newest frame, three times a minute at most', async () => {
    const feed = frames();
    const { stream, calls, canvas, revive, events } = build(feed.source);
    await settle();
    await feed.push(0);
    await calls[0]!.answer();
    await feed.push(10);
    await calls[1]!.fail('WORKER_DIED', 'killed');
    expect(revive).toHaveBeenCalledTimes(1);
    expect(events.find(event => event.error)).toMatchObject({
      state: 'degraded',
      reason: 'the worker is started again: killed',
      error: { code: 'WORKER_DIED' },
    });
    await feed.push(20);
    expect([calls[2]!.timestamp, calls[2]!.request.reset]).toEqual([20, true]);
    await calls[2]!.answer();
    expect([canvas.seen, stream.state, stream.stats.restarts]).toEqual([OVERLAY, 'on', 1]);
    for (const died of [3, 4]) {
      await feed.push(died * 10);
      await calls[died]!.fail('WORKER_DIED');
      await wait(1000);
    }
    expect(stream.stats.restarts).toBe(3);
    await feed.push(50);
    await calls[5]!.fail('WORKER_DIED', 'once more');
    expect([canvas.shows, stream.state]).toEqual([null, 'off']);
    expect(stream.reason).toBe('the worker died again and again: once more');
    await expect(stream.next()).rejects.toMatchObject({ code: 'WORKER_DIED' });
    expect(stream.stats).toMatchObject({ delivered: 6, shown: 2, dropped: 4, failed: 4 });
  });

  test('a worker that cannot be started is tried again, and then given up', async () => {
    const feed = frames();
    const { stream, calls, revive } = build(feed.source);
    await settle();
    const { TmcaError } = await import('../../errors/index.js');
    revive.mockRejectedValue(new TmcaError('WORKER_FAILED', 'no script'));
    await feed.push(0);
    await calls[0]!.fail('WORKER_DIED');
    await wait(5000);
    expect([revive.mock.calls.length, stream.state, stream.reason]).toEqual([
      3,
      'off',
      'the worker died again and again: no script',
    ]);
  });

  test('the worker loops: it is given up when it answers no ping', async () => {
    const feed = frames();
    const { ping, giveUp, calls } = build(feed.source);
    ping.mockImplementation(() => new Promise(() => {}));
    await settle();
    await feed.push(0);
    expect(calls).toHaveLength(1);
    await wait(30_000);
    expect(giveUp).not.toHaveBeenCalled();
    await wait(7500);
    expect(giveUp).toHaveBeenCalledWith(30_000);
  });

  test('out of memory: said at the first frame, and the end after three in a row', async () => {
    const feed = frames();
    const { stream, calls } = build(feed.source);
    await settle();
    for (const i of [0, 1]) {
      await feed.push(i);
      await calls[i]!.fail('GPU_OUT_OF_MEMORY', 'no memory');
      expect([stream.state, stream.reason]).toEqual(['starting', 'no memory']);
    }
    await feed.push(2);
    await calls[2]!.answer();
    expect(stream.state).toBe('on');
    for (const i of [3, 4, 5]) {
      await feed.push(i);
      await calls[i]!.fail('GPU_OUT_OF_MEMORY', 'no memory');
    }
    expect([stream.state, stream.reason]).toEqual(['off', 'no memory']);
    await expect(stream.next())
      .resolves.toMatchObject({ done: true })
      .catch(() => {});
  });

  test('a lost device that wasm replaces: degraded, and it says so', async () => {
    const feed = frames();
    const { stream, calls } = build(feed.source);
    await settle();
    await feed.push(0);
    const engine = { device: 'webgpu' as const, reason: 'wasm took over', recoveries: 2 };
    expect(FAKE_INFO.device).toBe('wasm');
    await calls[0]!.answer({ engine });
    expect([stream.state, stream.reason, stream.stats.recoveries]).toEqual(['degraded', 'wasm took over', 2]);
  });

  test('a signal ends it: the loop rejects with ABORTED, and the frame in flight is let go of', async () => {
    const feed = frames();
    const stop = new AbortController();
    const { stream, calls, canvas, events } = build(feed.source, { signal: stop.signal });
    await settle();
    await feed.push(0);
    expect(calls).toHaveLength(1);
    stop.abort();
    await expect(stream.next()).rejects.toMatchObject({ code: 'ABORTED' });
    expect(events.at(-1)).toMatchObject({ state: 'off', error: { code: 'ABORTED' } });
    expect([canvas.shows, stream.stats.delivered, stream.stats.dropped]).toEqual([null, 1, 1]);
    const never = build(frames().source, { signal: AbortSignal.abort() });
    await settle();
    expect(never.states()).toEqual(['starting', 'off']);
  });

  test('callbacks that throw disturb nothing', async () => {
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const feed = frames();
    const fail = () => {
      throw new Error('mine');
    };
    const { stream, calls } = build(feed.source, { onState: fail }, 'red', { onResult: fail });
    await settle();
    await feed.push(0);
    await calls[0]!.answer();
    expect(stream.state).toBe('on');
    expect(said).toHaveBeenCalledWith('segmentStream: onState threw', expect.any(Error));
    expect(said).toHaveBeenCalledWith('segmentStream: onResult threw', expect.any(Error));
    said.mockRestore();
  });

  test.each(['encoding', 'waiting', 'running', 'restarting'])(
    'stopped while %s: no frame is left open',
    async phase => {
      const feed = frames();
      const { stream, calls, canvas, disposed } = build(feed.source);
      if (phase !== 'encoding') await settle();
      if (phase === 'running' || phase === 'restarting') {
        await feed.push(0);
        await feed.push(1);
      }
      if (phase === 'restarting') await calls[0]!.fail('WORKER_DIED');
      stream.stop();
      await settle();
      await wait(2000);
      const late = new FakeFrame(9);
      await feed.push(9, late).catch(() => late.close());
      expect([canvas.shows, stream.state]).toEqual([null, 'off']);
      expect(disposed).toEqual(['red']);
      for (const frame of FakeFrame.made) expect(frame.closed).toBeGreaterThan(0);
      const { delivered, shown, dropped } = stream.stats;
      expect(shown + dropped).toBe(delivered);
    },
  );
});

test.each([
  [
    {},
    /^segmentStream: the source must be a video element, a video track or a ReadableStream of VideoFrames, got Object/,
  ],
  [null, /got null; of a MediaStream pass getVideoTracks\(\)\[0\]/],
])('a source that is none: %o', (source, message) => {
  expect(() => build(source as object)).toThrow(message);
});

test('a stream that somebody else reads is refused', () => {
  const { source } = frames();
  source.getReader();
  expect(() => build(source)).toThrow('the stream must be free to be read, got one that is locked');
});
