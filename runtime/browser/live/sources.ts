// Where the frames of a stream come from. A video element is only looked at: it plays as it would alone.

import { check, TmcaError } from '../../../errors/index.js';
import { kindOf } from '../../given.js';
import type { LiveSource } from '../../live/live-engine.js';
import { isA } from '../worker/source.js';

/** What a stream can be made of. */
export type StreamSource = HTMLVideoElement | MediaStreamTrack | ReadableStream<VideoFrame>;

/** A frame that has come, and may or may not be run. */
export interface Picture {
  /** When it came on the screen, and when it was captured where that is known: milliseconds on the page's clock. */
  readonly at: number;
  readonly capturedAt: number;
  /** It stands still, as a paused video does. */
  readonly still: boolean;
  /** Its surface, the caller's own, and its time in microseconds. Errors: IMAGE_UNREADABLE. */
  take(): Promise<{ readonly surface: LiveSource; readonly timestamp: number }>;
  /** Lets go of it; after `take` this does nothing. */
  drop(): void;
}

/** Who is told of frames and of what befalls their source. */
export interface Sink {
  frame(picture: Picture): void;
  /** What comes now is another picture than what came: a seek, another file. */
  renewed(): void;
  /** @param reason null where it is over */
  trouble(reason: string | null): void;
  ended(reason: string): void;
  failed(error: TmcaError): void;
}

export interface Feed {
  /** Gives the picture that is there now once more, where no other will come by itself. */
  refresh(): void;
  stop(): void;
}

/** Errors: BAD_ARGUMENT. */
export function openSource(where: string, source: StreamSource, sink: Sink): Feed {
  if (isA(source, 'HTMLVideoElement')) return watchVideo(source, sink);
  if (isA(source, 'MediaStreamTrack')) return watchTrack(where, source, sink);
  const readable = typeof (source as ReadableStream | null)?.getReader === 'function';
  check(
    readable,
    'BAD_ARGUMENT',
    () =>
      `${where}: the source must be a video element, a video track or a ReadableStream of VideoFrames, got ${kindOf(source)}; ` +
      'of a MediaStream pass getVideoTracks()[0]',
  );
  check(
    !source.locked,
    'BAD_ARGUMENT',
    `${where}: the stream must be free to be read, got one that is locked; pass a stream that nobody reads`,
  );
  return readFrames(source, sink, 'the stream of frames has ended');
}

/** What of `requestVideoFrameCallback`'s metadata is used. */
type FrameTimes = { readonly captureTime?: number; readonly mediaTime?: number };

function watchVideo(video: HTMLVideoElement, sink: Sink): Feed {
  const stop = new AbortController();
  const { signal } = stop;
  const offer = (at: number, { captureTime, mediaTime }: FrameTimes = {}) => {
    const taken = () => takeFrom(video, mediaTime ?? video.currentTime);
    sink.frame({ at, capturedAt: captureTime ?? at, still: video.paused || video.ended, take: taken, drop() {} });
  };
  const now = () => {
    if (video.readyState >= 2 && video.videoWidth > 0) offer(performance.now());
  };
  const on = (event: string, act: () => void) => video.addEventListener(event, act, { signal });
  on('seeking', () => sink.renewed());
  on('emptied', () => {
    sink.renewed();
    sink.trouble('the video has no picture');
  });
  on('error', () => sink.trouble('the video could not be played'));
  on('ended', () => {
    if (!video.srcObject) return;
    sink.renewed();
    sink.trouble("the camera's track has ended");
  });
  on('loadeddata', () => {
    sink.trouble(null);
    now();
  });
  eachFrame(video, offer, signal);
  if (video.readyState < 2) sink.trouble('the video has no picture yet');
  // A paused one gives no sign of the frame that is there.
  now();
  return {
    refresh() {
      if (video.paused || video.ended) now();
    },
    stop: () => stop.abort(),
  };
}

/** Calls `visit` at each new frame of a video that is on the screen. */
function eachFrame(
  video: HTMLVideoElement,
  visit: (at: number, times?: FrameTimes) => void,
  signal: AbortSignal,
): void {
  let handle = 0;
  if ('requestVideoFrameCallback' in video) {
    const next = (now: number, metadata: FrameTimes) => {
      handle = video.requestVideoFrameCallback(next);
      visit(now, metadata);
    };
    handle = video.requestVideoFrameCallback(next);
    signal.addEventListener('abort', () => video.cancelVideoFrameCallback(handle));
    return;
  }
  // Browsers without it: whatever time the video shows that it did not show before.
  const old: HTMLVideoElement = video;
  let shown = -1;
  const poll = (now: number) => {
    handle = requestAnimationFrame(poll);
    if (old.readyState < 2 || old.currentTime === shown) return;
    shown = old.currentTime;
    visit(now);
  };
  handle = requestAnimationFrame(poll);
  signal.addEventListener('abort', () => cancelAnimationFrame(handle));
}

async function takeFrom(video: HTMLVideoElement, mediaTime: number): Promise<Awaited<ReturnType<Picture['take']>>> {
  const timestamp = Math.round(mediaTime * 1e6);
  try {
    if (typeof VideoFrame === 'undefined') return { surface: await createImageBitmap(video), timestamp };
    const surface = new VideoFrame(video);
    return { surface, timestamp: surface.timestamp };
  } catch (cause) {
    throw (await import('../worker/readiness.js')).unreadable('HTMLVideoElement', video, cause);
  }
}

/** Chromium's, and Safari's in workers. */
declare const MediaStreamTrackProcessor: (new (init: { track: MediaStreamTrack }) => TrackProcessor) | undefined;
type TrackProcessor = { readonly readable: ReadableStream<VideoFrame> };

function watchTrack(where: string, track: MediaStreamTrack, sink: Sink): Feed {
  check(
    track.kind === 'video',
    'BAD_ARGUMENT',
    `${where}: the track must be one of video, got ${track.kind}; pass getVideoTracks()[0]`,
  );
  const ended = "the camera's track has ended";
  if (track.readyState === 'ended') {
    sink.ended(ended);
    return { refresh() {}, stop() {} };
  }
  const listening = new AbortController();
  const on = (event: string, act: () => void) => track.addEventListener(event, act, { signal: listening.signal });
  on('mute', () => sink.trouble('the camera gives no frames for now'));
  on('unmute', () => sink.trouble(null));
  on('ended', () => sink.ended(ended));
  const feed =
    typeof MediaStreamTrackProcessor === 'undefined'
      ? watchHidden(track, sink)
      : readFrames(new MediaStreamTrackProcessor({ track }).readable, sink, ended);
  return {
    refresh: feed.refresh,
    stop() {
      listening.abort();
      feed.stop();
    },
  };
}

/** By a video element that nobody sees, where a track gives no frames by itself. */
function watchHidden(track: MediaStreamTrack, sink: Sink): Feed {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([track]);
  const feed = watchVideo(video, sink);
  video.play().catch(() => {
    sink.trouble('the track does not play');
  });
  return {
    refresh: feed.refresh,
    stop() {
      feed.stop();
      video.srcObject = null;
    },
  };
}

function readFrames(readable: ReadableStream<VideoFrame>, sink: Sink, ended: string): Feed {
  const reader = readable.getReader();
  let stopped = false;
  const read = async () => {
    for (;;) {
      const { value, done } = await reader.read();
      if (stopped) value?.close();
      if (stopped) return;
      if (done) return sink.ended(ended);
      sink.frame(pictureOf(value));
    }
  };
  read().catch(cause => {
    if (stopped) return;
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `segmentStream: the source must give frames, got "${why}"; start another stream`;
    sink.failed(new TmcaError('IMAGE_UNREADABLE', message, { cause }));
  });
  return {
    refresh() {},
    stop() {
      stopped = true;
      reader.cancel().catch(() => {});
    },
  };
}

function pictureOf(frame: VideoFrame): Picture {
  const at = performance.now();
  return {
    ...{ at, capturedAt: at, still: false },
    async take() {
      const bitmap = isA(frame, 'ImageBitmap');
      check(
        bitmap || isA(frame, 'VideoFrame'),
        'IMAGE_UNREADABLE',
        () => `segmentStream: the stream must be one of VideoFrames, got ${kindOf(frame)}; pass frames`,
      );
      check(
        bitmap ? frame.width > 0 : frame.codedWidth > 0,
        'IMAGE_UNREADABLE',
        'segmentStream: a VideoFrame must be open, got a closed one; pass each frame once',
      );
      return { surface: frame, timestamp: bitmap ? Math.round(at * 1000) : frame.timestamp };
    },
    drop() {
      frame?.close?.();
    },
  };
}
