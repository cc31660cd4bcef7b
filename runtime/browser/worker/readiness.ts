// What each kind of picture must be before it can be read, in its own words: browsers say "The image source is not usable" of an
// image that is loading, a video without a frame and a closed bitmap alike.

import { TmcaError } from '../../../errors/index.js';
import { foreign } from './shipment.js';

/** What the kinds have, of which each has its own. */
interface Readable {
  readonly width: number;
  readonly height: number;
  readonly complete: boolean;
  readonly currentSrc: string;
  readonly naturalWidth: number;
  readonly naturalHeight: number;
  readonly readyState: number;
  readonly videoWidth: number;
  readonly error: unknown;
}

interface Rule {
  readonly must: string;
  /** What is wrong with it; undefined where nothing is. */
  wrong(source: Readable): string | undefined;
  readonly todo: string;
}

const CANVAS: Rule = {
  must: 'a canvas must have pixels',
  wrong: ({ width, height }) => (width > 0 && height > 0 ? undefined : `${width}x${height}`),
  todo: 'set its width and height and draw on it; one that was transferred is empty',
};

const RULES: Readonly<Record<string, Rule>> = {
  HTMLImageElement: {
    must: 'an <img> must have loaded',
    wrong({ complete, currentSrc, naturalWidth, naturalHeight }) {
      if (!complete) return 'one that is loading';
      if (naturalWidth > 0 && naturalHeight > 0) return undefined;
      return currentSrc ? 'one whose file could not be read' : 'one without a src';
    },
    todo: 'set src and await image.decode() first',
  },
  HTMLVideoElement: {
    must: 'a <video> must have a frame (readyState 2 or more)',
    wrong({ error, readyState, videoWidth }) {
      if (error) return 'one whose file could not be played';
      if (readyState < 2) return `readyState ${readyState}`;
      return videoWidth > 0 ? undefined : 'sound alone';
    },
    todo: "set its source and wait for the event 'loadeddata'",
  },
  HTMLCanvasElement: CANVAS,
  OffscreenCanvas: CANVAS,
  ImageBitmap: {
    must: 'an ImageBitmap must be open',
    wrong: ({ width }) => (width > 0 ? undefined : 'one that was closed or transferred'),
    todo: 'pass it before close(), or make another',
  },
};

/** Why a source of that kind could not be read, of which `cause` was thrown. */
export function unreadable(kind: string, source: unknown, cause: unknown): TmcaError {
  if (cause instanceof DOMException && cause.name === 'SecurityError') return foreign(cause);
  const rule = RULES[kind];
  const got = rule?.wrong(source as Readable) ?? `"${cause instanceof Error ? cause.message : cause}"`;
  const message = `segment: ${rule?.must ?? `the ${kind} must be readable`}, got ${got}; ${rule?.todo ?? 'pass another'}`;
  return new TmcaError('IMAGE_UNREADABLE', message, { cause });
}
