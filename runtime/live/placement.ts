// Where an overlay lies over a video, and how many pixels it has. The canvas takes the place of the element's content box and its
// object-fit and object-position, so that the browser fits the mask as it fits the picture; what is left are boxes and sizes.

import type { LiveSource } from './live-engine.js';

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Size of a picture as it is shown; 0 of one that is closed. */
export const sizeOf = (source: LiveSource): Size =>
  'displayWidth' in source
    ? { width: source.displayWidth, height: source.displayHeight }
    : { width: source.width, height: source.height };

/** A video element as it is laid out, in CSS pixels before any transform. */
export interface VideoBox extends Size {
  /** The border box, from the origin of the canvas's own position. `width` and `height` are those of the border box too. */
  readonly left: number;
  readonly top: number;
  /** Border and padding together: top, right, bottom, left. */
  readonly edges: readonly [number, number, number, number];
}

export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** The content box, in which the picture is fitted. */
export function contentBox({ left, top, width, height, edges: [above, right, below, before] }: VideoBox): Box {
  return {
    left: left + before,
    top: top + above,
    width: Math.max(0, width - before - right),
    height: Math.max(0, height - above - below),
  };
}

/** Sides and pixels of an overlay beyond which it would cost more than it shows. */
const MAX_SIDE = 4096;
const MAX_PIXELS = 2 ** 22;

/**
 * Pixels of an overlay for a picture that is fitted into a box: as many as the screen has there, in the picture's proportions, and no
 * more than twice the picture's own, as a mask has no finer detail.
 *
 * @param fit the computed `object-fit`
 * @param ratio `devicePixelRatio`
 */
export function overlaySize(box: Size, picture: Size, fit: string, ratio: number): Size {
  const [x, y] = [box.width / picture.width, box.height / picture.height];
  const contain = Math.min(x, y);
  // Fitted by its own size, the overlay must have that of the picture.
  if (fit === 'none' || (fit === 'scale-down' && contain >= 1)) return { ...picture };
  const [across, down] =
    fit === 'fill' ? [x, y] : fit === 'cover' ? [Math.max(x, y), Math.max(x, y)] : [contain, contain];
  const scale = (value: number) => (value > 0 ? Math.min(2, value * ratio) : 1);
  return limited({ width: picture.width * scale(across), height: picture.height * scale(down) });
}

function limited({ width, height }: Size): Size {
  const shrink = Math.min(1, MAX_SIDE / width, MAX_SIDE / height, Math.sqrt(MAX_PIXELS / (width * height)));
  return { width: Math.max(1, Math.round(width * shrink)), height: Math.max(1, Math.round(height * shrink)) };
}

/** A transform's origin, given for the border box, for the content box: "x y [z]" in pixels. */
export function contentOrigin(origin: string, [above, , , before]: VideoBox['edges']): string {
  const [x = 0, y = 0, z = 0] = origin.split(' ').map(Number.parseFloat);
  return `${x - before}px ${y - above}px ${z}px`;
}
