// A stream without a browser: frames that the test makes, a worker that answers when the test says so, and a clock that it moves.

import { vi } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import type { StreamOwner } from '../../runtime/browser/live/owner.js';
import type { StreamSource } from '../../runtime/browser/live/sources.js';
import { LiveStream, type StreamParts } from '../../runtime/browser/live/stream.js';
import type { FrameAnswer } from '../../runtime/browser/worker/protocol.js';
import type { FrameRequest } from '../../runtime/live/frames.js';
import type { LiveEvent, StreamOptions } from '../../runtime/live/types.js';
import type { Report } from '../../runtime/types.js';
import { FAKE_INFO } from '../fixtures/fake-session.js';

/** A VideoFrame as far as a stream looks at one. */
export class FakeFrame {
  readonly [Symbol.toStringTag] = 'VideoFrame';
  codedWidth = 8;
  readonly displayWidth = 8;
  readonly displayHeight = 6;
  closed = 0;
  static made: FakeFrame[] = [];

  constructor(readonly timestamp: number) {
    FakeFrame.made.push(this);
  }

  close(): void {
    this.codedWidth = 0;
    this.closed++;
  }
}

/** A canvas that says what it shows. */
export class FakeCanvas {
  readonly style = { visibility: '' };
  width = 0;
  height = 0;
  shows: unknown = null;

  getContext(kind: string) {
    return kind === 'bitmaprenderer'
      ? {
          transferFromImageBitmap: (bitmap: unknown) => {
            this.shows = bitmap;
          },
        }
      : null;
  }

  /** What a user sees. */
  get seen(): unknown {
    return this.style.visibility === 'hidden' ? null : this.shows;
  }
}

export const OVERLAY = { width: 8, height: 6, close: vi.fn() };

/** What a worker answers with. */
export function answerOf(change: Partial<FrameAnswer> = {}): FrameAnswer {
  return {
    ...{ width: 8, height: 6, mask: new Uint8Array(48), lesions: [], omitted: { count: 0, area: 0 }, warnings: [] },
    ...{ probability: new Float32Array(64), size: 8, ms: { preprocess: 0, network: 1, postprocess: 1, total: 2 } },
    ...{ fresh: false, overlay: OVERLAY as unknown as ImageBitmap },
    engine: { device: 'wasm', reason: 'a test', recoveries: 0 },
    ...change,
  } as FrameAnswer;
}

interface Call {
  readonly timestamp: number;
  readonly text: string | undefined;
  readonly request: FrameRequest;
  answer(change?: Partial<FrameAnswer>): Promise<void>;
  fail(code: TmcaError['code'], message?: string): Promise<void>;
}

/** All that is settled has been followed up. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

export function build(
  source: StreamSource | object,
  options: StreamOptions = {},
  prompt: string | Report | null = 'red',
  parts: Partial<StreamParts> = {},
  /** Sentences are encoded when it resolves. */
  gate: Promise<void> = Promise.resolve(),
) {
  const calls: Call[] = [];
  const events: LiveEvent[] = [];
  const canvas = new FakeCanvas();
  const disposed: string[] = [];
  const forgotten: number[] = [];
  const revive = vi.fn(async () => {});
  const encodeReport = vi.fn(async (text: string): Promise<Report> => {
    await gate;
    return { text, ids: Int32Array.of(1), truncated: false, dispose: () => disposed.push(text) };
  });
  const ping = vi.fn(async () => true);
  const giveUp = vi.fn();
  const owner: StreamOwner = {
    ...{ info: FAKE_INFO, unresponsiveMs: undefined, encodeReport, revive, ping, giveUp },
    forget: stream => forgotten.push(stream),
    frame: (_stream, surface, report, request, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(new TmcaError('ABORTED', 'stopped')));
        calls.push({
          ...{ timestamp: (surface as unknown as FakeFrame).timestamp, text: report?.text, request },
          answer: async change => {
            resolve(answerOf(change));
            await settle();
          },
          fail: async (code, message = code) => {
            reject(new TmcaError(code, message));
            await settle();
          },
        });
      }),
  };
  const asked = { overlay: canvas as unknown as HTMLCanvasElement, onState: (event: LiveEvent) => events.push(event) };
  const stream = new LiveStream(
    owner,
    source as StreamSource,
    prompt,
    { ...asked, ...options },
    {
      where: 'segmentStream',
      ...parts,
    },
  );
  return {
    stream,
    calls,
    events,
    canvas,
    disposed,
    forgotten,
    revive,
    encodeReport,
    ping,
    giveUp,
    states: () => events.map(({ state }) => state),
  };
}

/** A stream of frames that the test pushes. */
export function frames() {
  let controller!: ReadableStreamDefaultController<FakeFrame>;
  let cancelled = false;
  const readable = new ReadableStream<FakeFrame>({
    start(given) {
      controller = given;
    },
    cancel() {
      cancelled = true;
    },
  });
  return {
    source: readable,
    cancelled: () => cancelled,
    push: async (timestamp: number, frame = new FakeFrame(timestamp)) => {
      controller.enqueue(frame);
      await settle();
      return frame;
    },
    close: async () => {
      controller.close();
      await settle();
    },
    error: async (error: Error) => {
      controller.error(error);
      await settle();
    },
  };
}

/** A video element whose frames the test presents. */
export class FakeVideo extends EventTarget {
  readonly [Symbol.toStringTag] = 'HTMLVideoElement';
  readyState = 4;
  videoWidth = 8;
  videoHeight = 6;
  paused = false;
  ended = false;
  currentTime = 0;
  srcObject: object | null = null;
  touched: string[] = [];
  #callbacks = new Map<number, (now: number, metadata: object) => void>();
  #handles = 0;

  requestVideoFrameCallback(callback: (now: number, metadata: object) => void): number {
    this.#callbacks.set(++this.#handles, callback);
    return this.#handles;
  }

  cancelVideoFrameCallback(handle: number): void {
    this.#callbacks.delete(handle);
  }

  /** A frame comes on the screen. */
  async present(mediaTime: number): Promise<void> {
    this.currentTime = mediaTime;
    const due = [...this.#callbacks.values()];
    this.#callbacks.clear();
    for (const callback of due) callback(performance.now(), { mediaTime });
    await settle();
  }

  async fire(event: string): Promise<void> {
    this.dispatchEvent(new Event(event));
    await settle();
  }

  get watched(): number {
    return this.#callbacks.size;
  }
}
