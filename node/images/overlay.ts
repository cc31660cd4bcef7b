// The picture with its lesions marked, for a person who decides something by it: the picture itself stays as it is, apart
// from a light fill, a contour that reads on any tissue, and a number beside each lesion.

import type { Sharp } from 'sharp';
import { check } from '../../errors/index.js';
import type { Lesion, Pixels } from '../../runtime/types.js';
import { loadSharp } from './image-files.js';
import { drawMarks, type Mark } from './overlay-marks.js';

/** Larger pictures are drawn smaller: an overlay is for looking at, and at 120 megapixels would take gigabytes. */
const MAX_SIDE = 4096;
/** Weight of the colour inside a lesion: seen at a glance, and the mucosal pattern still reads through it. */
const FILL = 0.22;

/**
 * Okabe and Ito's colours (jfly.uni-koeln.de/color), told apart by all common kinds of colour vision, without those near
 * mucosa and blood; lightened where they are darker than tissue. Given by number, largest lesion first; they mean nothing.
 */
const COLOURS = [
  [86, 190, 255],
  [240, 228, 66],
  [64, 214, 160],
  [240, 150, 205],
  [255, 255, 255],
] as const;

export interface OverlayInput {
  readonly pixels: Pixels;
  /** [height, width], 0 or 1. */
  readonly mask: Uint8Array;
  readonly lesions: readonly Lesion[];
}

/**
 * Draws the lesions over the picture; returns a PNG of the picture's size, or of at most 4096 pixels on the longer side.
 * Without lesions it is the picture alone.
 *
 * @example
 * const { mask, lesions } = await session.segment(pixels, report);
 * await writeFile('colon.overlay.png', await drawOverlay({ pixels, mask, lesions }));
 */
export async function drawOverlay(input: OverlayInput): Promise<Uint8Array> {
  const { pixels, mask, lesions } = input;
  const fits = mask.length === pixels.width * pixels.height;
  check(
    fits,
    'BAD_ARGUMENT',
    `drawOverlay: mask must hold ${pixels.width} x ${pixels.height} bytes, got ${mask.length}`,
  );
  const scale = Math.min(1, MAX_SIDE / Math.max(pixels.width, pixels.height));
  const width = Math.max(1, Math.round(pixels.width * scale));
  const height = Math.max(1, Math.round(pixels.height * scale));
  const picture = (await open(pixels)).toColourspace('srgb').removeAlpha();
  const resized = scale < 1 ? picture.resize(width, height, { fit: 'fill' }) : picture;
  const rgb = await resized.raw().toBuffer();
  const small = scale < 1 ? shrink(mask, pixels.width, pixels.height, width, height) : mask;
  const marks = lesions.map((lesion, i) => {
    const contour = Float64Array.from(
      lesion.contour,
      (v, axis) => (v + 0.5) * (axis % 2 ? height / pixels.height : width / pixels.width),
    );
    return { contour, colour: COLOURS[i % COLOURS.length]! };
  });
  fill(rgb, small, width, marks);
  const sharp = await loadSharp();
  const filled = sharp(rgb, { raw: { width, height, channels: 3 } });
  const svg = drawMarks(marks, small, width, height);
  const drawn = svg === null ? filled : filled.composite([{ input: Buffer.from(svg) }]).removeAlpha();
  return drawn.png().toBuffer();
}

async function open({ data, width, height, channels }: Pixels): Promise<Sharp> {
  const sharp = await loadSharp();
  const image = sharp(data, { raw: { width, height, channels }, limitInputPixels: false });
  return channels === 4 ? image.flatten({ background: '#000' }) : image;
}

/** A pixel of the small mask is set where any of its source pixels is: thin lesions must not vanish. */
function shrink(mask: Uint8Array, fromWidth: number, fromHeight: number, width: number, height: number): Uint8Array {
  const out = new Uint8Array(width * height);
  for (let y = 0; y < fromHeight; y++) {
    const row = Math.floor(((y + 0.5) * height) / fromHeight) * width;
    for (let x = 0; x < fromWidth; x++) {
      if (mask[y * fromWidth + x]) out[row + Math.floor(((x + 0.5) * width) / fromWidth)] = 1;
    }
  }
  return out;
}

/** Blends each lesion's colour into its pixels of `rgb`. Pixels outside the mask, and holes within, keep their bytes. */
function fill(rgb: Uint8Array, mask: Uint8Array, width: number, marks: readonly Mark[]): void {
  const todo = Uint8Array.from(mask);
  const stack: number[] = [];
  for (const { contour, colour } of marks) {
    const start = Math.floor(contour[1] ?? 0) * width + Math.floor(contour[0] ?? 0);
    stack.push(start);
    // Lesions are 8-connected, and their contours run on their own pixels.
    while (stack.length > 0) {
      const i = stack.pop()!;
      if (!todo[i]) continue;
      todo[i] = 0;
      for (let c = 0; c < 3; c++) rgb[i * 3 + c] = Math.round(rgb[i * 3 + c]! * (1 - FILL) + colour[c]! * FILL);
      pushNeighbours(stack, todo, i, width);
    }
  }
}

function pushNeighbours(stack: number[], todo: Uint8Array, i: number, width: number): void {
  const x = i % width;
  const left = x > 0 ? -1 : 0;
  const right = x < width - 1 ? 1 : 0;
  for (let row = i - width; row <= i + width; row += width) {
    if (row < 0 || row >= todo.length) continue;
    for (let step = left; step <= right; step++) if (todo[row + step]) stack.push(row + step);
  }
}
