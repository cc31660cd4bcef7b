// Contours and numbers of an overlay, as SVG. Digits are strokes of our own, because a bare machine has no fonts.

import { simplify } from './contour.js';

export interface Mark {
  /** x0, y0, x1, y1, … in pixels of the drawing; a pixel's centre is at .5. */
  readonly contour: Float64Array;
  readonly colour: readonly [number, number, number];
}

/** Numbers beyond this many would hide the picture; contours are drawn for all. */
const MAX_LABELS = 20;
/** Clear of labels below this height: digits would be a few pixels tall. */
const MIN_SIDE = 96;
/** How far a drawn contour may leave the pixel steps of the mask, in pixels. */
const TOLERANCE = 0.5;

/** Paths in a box 6 wide and 10 high. */
const DIGITS = [
  'M3 0C1 0 .5 2.4.5 5S1 10 3 10 5.5 7.6 5.5 5 5 0 3 0Z',
  'M1.2 2 3.4 0V10',
  'M.6 2.6C.7.9 1.7 0 3.1 0 4.6 0 5.5 1 5.5 2.5 5.5 5 .6 7 .5 10H5.6',
  'M.7 1.6C1.1.6 1.9 0 3 0 4.5 0 5.4 1 5.4 2.4 5.4 3.9 4.4 4.8 2.6 4.8 4.6 4.8 5.6 5.8 5.6 7.3 5.6 9 4.5 10 2.9 10 1.7 10 .8 9.4.4 8.3',
  'M4.3 10V0L.3 7H5.9',
  'M5.2 0H1.3L.8 4.6C1.4 4.1 2.1 3.8 2.9 3.8 4.5 3.8 5.6 5 5.6 6.8 5.6 8.7 4.5 10 2.8 10 1.6 10 .8 9.5.3 8.6',
  'M5.1.8C4.6.2 4 0 3.4 0 1.4 0 .5 2.3.5 6 .5 8.6 1.4 10 3.1 10 4.6 10 5.6 8.8 5.6 7 5.6 5.2 4.7 4.1 3.2 4.1 1.8 4.1.6 5.1.5 6.8',
  'M.4 0H5.6C3.6 3 2.4 6.2 2.1 10',
  'M3 4.7C1.6 4.7.8 3.7.8 2.4.8 1 1.7 0 3 0S5.2 1 5.2 2.4C5.2 3.7 4.4 4.7 3 4.7 1.4 4.7.4 5.8.4 7.3.4 9 1.4 10 3 10S5.6 9 5.6 7.3C5.6 5.8 4.6 4.7 3 4.7Z',
  'M.9 9.2C1.4 9.8 2 10 2.6 10 4.6 10 5.5 7.7 5.5 4 5.5 1.4 4.6 0 2.9 0 1.4 0 .4 1.2.4 3 .4 4.8 1.3 5.9 2.8 5.9 4.2 5.9 5.4 4.9 5.5 3.2',
] as const;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Sizes in pixels, all from one: the weight of a contour that is crisp and thin on this picture. */
export function strokeWidth(width: number, height: number): number {
  return Math.min(10, Math.max(1, Math.min(width, height) / 260));
}

/** An SVG of the size of the drawing, or null where there is nothing to draw. */
export function drawMarks(marks: readonly Mark[], mask: Uint8Array, width: number, height: number): string | null {
  if (marks.length === 0) return null;
  const stroke = strokeWidth(width, height);
  const outlines = marks.map(mark => ({ path: pathOf(simplify(mark.contour, TOLERANCE)), colour: hex(mark.colour) }));
  const all = outlines.map(({ path }) => path).join('');
  const lines = outlines.map(({ path, colour }) => `<path d="${path}" stroke="${colour}" stroke-width="${stroke}"/>`);
  const labels = Math.min(width, height) < MIN_SIDE ? [] : placeLabels(marks, mask, width, height, stroke);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" fill="none" stroke-linejoin="round" stroke-linecap="round">` +
    // The halo lies under all contours: dark on both sides of each, so that it reads on bright and on dark tissue.
    `<path d="${all}" stroke="#000" stroke-opacity=".55" stroke-width="${stroke * 2.1}"/>${lines.join('')}${labels.join('')}</svg>`
  );
}

function pathOf(contour: Float64Array): string {
  let path = '';
  for (let i = 0; i < contour.length; i += 2) {
    path += `${i === 0 ? 'M' : 'L'}${round(contour[i]!)} ${round(contour[i + 1]!)}`;
  }
  return `${path}Z`;
}

const round = (x: number) => Math.round(x * 100) / 100;
const hex = (colour: readonly number[]) => `#${colour.map(c => c.toString(16).padStart(2, '0')).join('')}`;

function placeLabels(
  marks: readonly Mark[],
  mask: Uint8Array,
  width: number,
  height: number,
  stroke: number,
): string[] {
  const digit = Math.max(10, stroke * 5.5);
  const taken: Box[] = [];
  return marks.slice(0, MAX_LABELS).flatMap((mark, i) => {
    // A speck is drawn, but its number would be larger than itself; the list of lesions has it.
    if (extent(mark.contour) < digit * 0.6) return [];
    const text = String(i + 1);
    const size = { width: digit * (0.6 * text.length + 0.2 * (text.length - 1) + 0.8), height: digit * 1.6 };
    const box = place(mark.contour, size, mask, width, height, taken, stroke);
    taken.push(box);
    return drawLabel(text, box, digit, hex(mark.colour));
  });
}

/** The longer side of a contour's box. */
function extent(contour: Float64Array): number {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < contour.length; i += 2) {
    [left, right] = [Math.min(left, contour[i]!), Math.max(right, contour[i]!)];
    [top, bottom] = [Math.min(top, contour[i + 1]!), Math.max(bottom, contour[i + 1]!)];
  }
  return Math.max(right - left, bottom - top);
}

/**
 * Beside the lesion, in one of 16 directions at a growing distance: the first place inside the picture that covers no
 * lesion and no label. Where there is none, the place that covers least.
 */
function place(
  contour: Float64Array,
  size: { readonly width: number; readonly height: number },
  mask: Uint8Array,
  width: number,
  height: number,
  taken: readonly Box[],
  stroke: number,
): Box {
  let best: Box | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const gap of [2, 5, 9, 15]) {
    for (let i = 0; i < 16; i++) {
      // From the upper right, where a reader looks first, alternately both ways round.
      const turn = Math.PI * (-0.25 + (Math.ceil(i / 2) * (i % 2 ? 1 : -1)) / 8);
      const box = beside(contour, turn, gap * stroke, size);
      const inside =
        box.x >= stroke &&
        box.y >= stroke &&
        box.x + box.width <= width - stroke &&
        box.y + box.height <= height - stroke;
      if (!inside) continue;
      const covered = coveredBy(box, mask, width) + taken.reduce((sum, other) => sum + 4 * overlap(box, other), 0);
      if (covered < least) {
        least = covered;
        best = box;
      }
      if (covered === 0) return box;
    }
  }
  return best ?? { x: stroke, y: stroke, ...size };
}

/** The box that touches, at a distance of `gap`, the lesion's furthest point in a direction. */
function beside(
  contour: Float64Array,
  turn: number,
  gap: number,
  size: { readonly width: number; readonly height: number },
): Box {
  const [dx, dy] = [Math.cos(turn), Math.sin(turn)];
  let [px, py, furthest] = [0, 0, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < contour.length; i += 2) {
    const distance = contour[i]! * dx + contour[i + 1]! * dy;
    if (distance > furthest) [px, py, furthest] = [contour[i]!, contour[i + 1]!, distance];
  }
  // The box's own extent towards the lesion.
  const reach = gap + (Math.abs(dx) * size.width + Math.abs(dy) * size.height) / 2;
  return { x: px + dx * reach - size.width / 2, y: py + dy * reach - size.height / 2, ...size };
}

function coveredBy(box: Box, mask: Uint8Array, width: number): number {
  let count = 0;
  for (let y = Math.floor(box.y); y < box.y + box.height; y++) {
    for (let x = Math.floor(box.x); x < box.x + box.width; x++) count += mask[y * width + x] ? 1 : 0;
  }
  return count;
}

function overlap(a: Box, b: Box): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return Math.max(0, width) * Math.max(0, height);
}

function drawLabel(text: string, box: Box, digit: number, colour: string): string {
  const scale = digit / 10;
  const radius = box.height * 0.28;
  const left = box.x + digit * 0.4;
  const top = box.y + digit * 0.3;
  const digits = [...text].map((d, i) => `<path transform="translate(${i * 8} 0)" d="${DIGITS[Number(d)]}"/>`);
  return (
    `<rect x="${round(box.x)}" y="${round(box.y)}" width="${round(box.width)}" height="${round(box.height)}" rx="${round(radius)}" ` +
    `fill="#0b0f14" fill-opacity=".82" stroke="${colour}" stroke-width="${round(digit * 0.1)}"/>` +
    `<g transform="translate(${round(left)} ${round(top)}) scale(${round(scale)})" stroke="#fff" stroke-width="1.5">${digits.join('')}</g>`
  );
}
