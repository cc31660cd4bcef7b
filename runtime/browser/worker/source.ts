// Pictures on their way to the worker, page side. The page does as little as it can: it snapshots what only a page may read. The worker
// decodes and reads the pixels (rasterizer.ts), so that a large file never stops the page.
//
// Colours: the bytes of a file are taken as they are, its ICC profile ignored, as PIL and OpenCV do and as networks are trained;
// whatever is already a surface (canvas, video, wide-gamut ImageData) is converted to sRGB. Alpha is dropped over black.

import { check } from '../../../errors/index.js';
import { kindOf, takePixels } from '../../given.js';
import type { Pixels } from '../../types.js';
import { FROM_FILE, foreign, type Shipment } from './shipment.js';

/**
 * What can be segmented. A `Blob` is an encoded image (JPEG, PNG, WebP, …). A `VideoFrame` is consumed: it is closed whatever happens,
 * because a frame left open stops the camera. Everything else is copied and stays the caller's.
 */
export type ImageSource =
  | Pixels
  | ImageData
  | ImageBitmap
  | Blob
  | VideoFrame
  | HTMLImageElement
  | HTMLCanvasElement
  | HTMLVideoElement
  | OffscreenCanvas;

export interface Packed {
  readonly shipment: Shipment;
  readonly transfer: Transferable[];
}

/** Page side: a snapshot of the source that can be posted. Errors: BAD_ARGUMENT, IMAGE_UNREADABLE. */
export async function pack(source: ImageSource): Promise<Packed> {
  if (isA(source, 'Blob')) return { shipment: { kind: 'file', blob: source }, transfer: [] };
  if (isA(source, 'VideoFrame')) {
    check(
      source.codedWidth > 0,
      'BAD_ARGUMENT',
      'segment: a VideoFrame must be open, got a closed one; pass each frame once',
    );
    return { shipment: { kind: 'surface', surface: source }, transfer: [source] };
  }
  if (
    isA(source, 'ImageData') &&
    (source.colorSpace ?? 'srgb') === 'srgb' &&
    source.data instanceof Uint8ClampedArray
  ) {
    return packPixels({ data: source.data, width: source.width, height: source.height, channels: 4 });
  }
  if (isPixels(source)) return packPixels(source);
  const kind = SURFACES.find(name => isA(source, name));
  check(
    kind,
    'BAD_ARGUMENT',
    () => `segment: the source must be an ImageSource, got ${kindOf(source)}; see its list of types`,
  );
  const surface = await snapshot(source, kind);
  return { shipment: { kind: 'surface', surface }, transfer: [surface] };
}

/** What posting an image threw, in the caller's words: a picture of another origin is not cloneable. */
export function postingError(thrown: unknown): unknown {
  if (!(thrown instanceof DOMException) || thrown.name !== 'DataCloneError') return thrown;
  return foreign(thrown);
}

/** Is it a VideoFrame (absent where there is no WebCodecs)? */
export function isVideoFrame(source: ImageSource): source is VideoFrame {
  return isA(source, 'VideoFrame');
}

/** The time of a picture in microseconds: a VideoFrame's own, a video's, or else the page's. @param at milliseconds */
export function timestampOf(source: ImageSource, at: number): number {
  if (isVideoFrame(source)) return source.timestamp;
  return Math.round(isA(source, 'HTMLVideoElement') ? source.currentTime * 1e6 : at * 1000);
}

const SURFACES = [
  'ImageBitmap',
  'HTMLImageElement',
  'HTMLCanvasElement',
  'HTMLVideoElement',
  'OffscreenCanvas',
  'ImageData',
] as const;

interface Classes {
  Blob: Blob;
  VideoFrame: VideoFrame;
  ImageData: ImageData;
  ImageBitmap: ImageBitmap;
  HTMLImageElement: HTMLImageElement;
  HTMLCanvasElement: HTMLCanvasElement;
  HTMLVideoElement: HTMLVideoElement;
  OffscreenCanvas: OffscreenCanvas;
  MediaStreamTrack: MediaStreamTrack;
}

/** `instanceof` a class that this place may not have, and that the value may have from another frame of the page. */
export function isA<Name extends keyof Classes>(value: unknown, name: Name): value is Classes[Name] {
  const known = (globalThis as Record<string, unknown>)[name];
  if (typeof known === 'function' && value instanceof known) return true;
  return Object.prototype.toString.call(value) === `[object ${name}]`;
}

function isPixels(source: unknown): source is Pixels {
  return typeof source === 'object' && source !== null && 'channels' in source && 'data' in source;
}

function packPixels(source: Pixels): Packed {
  const pixels = takePixels(source);
  return { shipment: { kind: 'pixels', pixels }, transfer: [pixels.data.buffer as ArrayBuffer] };
}

async function snapshot(source: Exclude<ImageSource, Pixels | Blob | VideoFrame>, kind: string): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(source, kind === 'HTMLImageElement' ? FROM_FILE : { premultiplyAlpha: 'none' });
  } catch (cause) {
    throw (await import('./readiness.js')).unreadable(kind, source, cause);
  }
}
