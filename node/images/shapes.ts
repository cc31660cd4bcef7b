// Masks that are no files: COCO's polygons and run lengths, drawn at the size of their image.

import { countsToMask, textToCounts } from '../../assembly/rle.js';

/** One of COCO's segmentations: rings of x, y, x, y, …, in pixels; or runs down the columns, in numbers or as pycocotools' text. */
export type Shape =
  | { readonly rings: readonly (readonly number[])[] }
  | { readonly counts: readonly number[] | string };

/** What a union of shapes covers. */
export interface ShapeMask {
  readonly width: number;
  readonly height: number;
  readonly shapes: readonly Shape[];
}

/**
 * [height, width], 1 in the shapes. A pixel belongs to a ring where its centre lies inside, by the even-odd rule; rings and shapes
 * are united, as pycocotools unites those of one annotation.
 *
 * Errors: BAD_ARGUMENT (counts that do not fit the size), IMAGE_TOO_LARGE.
 */
export function drawShapes({ width, height, shapes }: ShapeMask): Uint8Array<ArrayBuffer> {
  const mask = new Uint8Array(width * height);
  for (const shape of shapes) {
    if ('rings' in shape) for (const ring of shape.rings) fillRing(mask, width, height, ring);
    else {
      const counts = typeof shape.counts === 'string' ? textToCounts(shape.counts) : shape.counts;
      countsToMask(counts, width, height).forEach((set, i) => {
        if (set) mask[i] = 1;
      });
    }
  }
  return mask;
}

/** Row by row, between each pair of edges that the line through the centres of its pixels crosses. */
function fillRing(mask: Uint8Array, width: number, height: number, ring: readonly number[]): void {
  const corners = ring.length / 2;
  let [top, bottom] = [Infinity, -Infinity];
  for (let i = 1; i < ring.length; i += 2) {
    top = Math.min(top, ring[i]!);
    bottom = Math.max(bottom, ring[i]!);
  }
  const last = Math.min(height - 1, Math.ceil(bottom - 0.5));
  for (let row = Math.max(0, Math.floor(top - 0.5)); row <= last; row++) {
    const y = row + 0.5;
    const crossings: number[] = [];
    for (let i = 0; i < corners; i++) {
      const [x0, y0] = [ring[2 * i]!, ring[2 * i + 1]!];
      const j = (i + 1) % corners;
      const [x1, y1] = [ring[2 * j]!, ring[2 * j + 1]!];
      // half open, so that a corner on the line counts once
      if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    }
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i]! - 0.5));
      const to = Math.min(width, Math.ceil(crossings[i + 1]! - 0.5));
      if (from < to) mask.fill(1, row * width + from, row * width + to);
    }
  }
}

/** A `segmentation` of COCO's JSON for an image of this size, or what is wrong with it. */
export function readShape(value: unknown, width: number, height: number): Shape | { readonly fault: string } {
  if (Array.isArray(value)) {
    if (value.length === 0) return { fault: 'has no segmentation, only a box' };
    const whole = value.every(
      ring => Array.isArray(ring) && ring.length >= 6 && ring.length % 2 === 0 && ring.every(Number.isFinite),
    );
    return whole ? { rings: value } : { fault: 'has a polygon that is no list of three or more x, y in numbers' };
  }
  if (typeof value !== 'object' || value === null) return { fault: 'has no segmentation, only a box' };
  const { size, counts } = value as { size?: unknown; counts?: unknown };
  if (!Array.isArray(size) || size[0] !== height || size[1] !== width) {
    return {
      fault: `has run lengths of size ${JSON.stringify(size)} for an image of ${height} x ${width} (height x width)`,
    };
  }
  const shape = { counts: counts as string };
  try {
    // decoded to be checked: an evaluation of an hour must not end here
    const runs = Array.from(typeof counts === 'string' ? textToCounts(counts) : (counts as number[]));
    const sum = runs.reduce((all, run) => all + run, 0);
    const sound = runs.every(run => Number.isInteger(run) && run >= 0) && sum === width * height;
    return sound ? shape : { fault: `has run lengths that sum to ${sum}, not ${width * height}` };
  } catch {
    return { fault: 'has run lengths that cannot be read' };
  }
}
