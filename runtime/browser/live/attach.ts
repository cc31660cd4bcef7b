// An overlay on a video: a stream whose canvas is kept over the picture.

import { requireOptions } from '../../../errors/arguments.js';
import { check } from '../../../errors/index.js';
import { kindOf } from '../../given.js';
import type { Attachment, AttachOptions, StreamOptions } from '../../live/types.js';
import type { Report } from '../../types.js';
import { isA } from '../worker/source.js';
import { Placement } from './place.js';
import type { LiveStream, StreamParts } from './stream.js';

/** Starts a stream. */
export type StartStream = (
  source: HTMLVideoElement,
  prompt: string | Report | null,
  options: StreamOptions,
  parts: StreamParts,
) => LiveStream;

/** Errors: those of `segmentStream`. */
export function attach(
  video: HTMLVideoElement,
  canvas: HTMLCanvasElement,
  options: AttachOptions,
  start: StartStream,
): Attachment {
  const where = 'attach';
  const must = (name: string, right: boolean, what: string, got: unknown) =>
    check(
      right,
      'BAD_ARGUMENT',
      () => `${where}: ${name} must be a ${what}, got ${kindOf(got)}; pass the element itself`,
    );
  must('the video', isA(video, 'HTMLVideoElement'), '<video>', video);
  must('the canvas', isA(canvas, 'HTMLCanvasElement'), '<canvas>', canvas);
  requireOptions(where, options, {});
  const { prompt = null, onResult, ...rest } = options;
  let placement: Placement | undefined;
  const stream = start(
    video,
    prompt,
    { ...rest, overlay: canvas },
    {
      where,
      overlaySize: picture => {
        placement?.place();
        return placement?.overlaySize(picture) ?? picture;
      },
      onResult,
      onEnd: () => placement?.release(),
    },
  );
  placement = new Placement(video, canvas);
  if (stream.state === 'off') placement.release();
  return {
    get state() {
      return stream.state;
    },
    get reason() {
      return stream.reason;
    },
    get stats() {
      return stream.stats;
    },
    setPrompt: given => stream.setPrompt(given),
    detach: () => stream.stop(),
  };
}
