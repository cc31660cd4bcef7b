// What is drawn over a picture: the mask's fill, contours with their halo, numbers, the map of probabilities.

import type { Lesion } from '../../runtime/index.js';

export type Rgb = readonly [number, number, number];
export type Context = CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D;

/** Okabe and Ito's sky blue: told from mucosa by every kind of colour vision. */
export const COLOUR: Rgb = [86, 180, 233];
/** Their orange, for what a person has drawn. */
export const TRUTH: Rgb = [240, 190, 70];
/** For a mask whose sentence has changed since. */
export const STALE: Rgb = [170, 178, 184];

const BADGE = 10;
/** Side of the square that a lesion must fill on the screen to carry its number all the time; smaller ones are in the list. */
const SPECK = 8;

export interface Ink {
  readonly colour: Rgb;
  /** Pixels of the canvas for one of the picture. */
  readonly scale: number;
  /** The picture's on the canvas: no number is cut off at its edge. */
  readonly width: number;
  /** For a canvas that is looked at from further away than a screen. */
  readonly pen?: number;
  readonly dashed?: boolean;
  /** Index of the lesion that is emphasised; -1 for none. */
  readonly marked?: number;
}

/** Contours, and numbers over them: no contour may cross one. The context's origin is the picture's. */
export function drawLesions(context: Context, lesions: readonly Lesion[], ink: Ink): void {
  for (const [index, lesion] of lesions.entries()) drawContour(context, lesion, ink, index === ink.marked);
  for (const [index, lesion] of lesions.entries())
    if (index === ink.marked || Math.sqrt(lesion.area) * ink.scale >= SPECK) drawNumber(context, lesion, index, ink);
}

function drawContour(
  context: Context,
  { contour, holes }: Lesion,
  { colour, scale, pen = 1, dashed }: Ink,
  marked: boolean,
) {
  const path = new Path2D();
  for (const line of [contour, ...holes]) {
    for (let at = 0; at < line.length; at += 2) {
      const [x, y] = [(line[at]! + 0.5) * scale, (line[at + 1]! + 0.5) * scale];
      if (at === 0) path.moveTo(x, y);
      else path.lineTo(x, y);
    }
    path.closePath();
  }
  context.lineJoin = 'round';
  // A dark line under the bright one keeps it visible over glare.
  const width = (marked ? 3.5 : 2) * pen;
  for (const [lineWidth, strokeStyle, dash] of [
    [width + 2 * pen, 'rgb(0 0 0 / 0.6)', []],
    [width, `rgb(${colour.join(' ')})`, dashed ? [7 * pen, 5 * pen] : []],
  ] as const) {
    context.lineWidth = lineWidth;
    context.strokeStyle = strokeStyle;
    context.setLineDash([...dash]);
    context.stroke(path);
  }
  context.setLineDash([]);
}

function drawNumber(
  context: Context,
  { contour, box }: Lesion,
  index: number,
  { colour, scale, width, pen = 1 }: Ink,
): void {
  // On the topmost point of the contour, moved into the picture where it would be cut off.
  let top = 0;
  for (let at = 2; at < contour.length; at += 2) if (contour[at + 1]! < contour[top + 1]!) top = at;
  const radius = BADGE * pen;
  const x = Math.min(Math.max((contour[top] ?? box[0]) * scale, radius + 2), width - radius - 2);
  const y = Math.max((contour[top + 1] ?? box[1]) * scale, radius + 2);
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = '#0b0d0f';
  context.fill();
  context.lineWidth = 2 * pen;
  context.strokeStyle = `rgb(${colour.join(' ')})`;
  context.stroke();
  context.fillStyle = '#fff';
  context.font = `600 ${12 * pen}px system-ui, sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(String(index + 1), x, y + 0.5 * pen);
}

/** Anchors of the inferno colour map, from 0 to 1: evenly brighter, so that it reads without colours too. */
const INFERNO: readonly Rgb[] = [
  [0, 0, 4],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
];

export function heatColour(value: number): Rgb {
  const at = Math.min(1, Math.max(0, value)) * (INFERNO.length - 1);
  const low = Math.min(INFERNO.length - 2, Math.floor(at));
  const [from, to] = [INFERNO[low]!, INFERNO[low + 1]!];
  return [0, 1, 2].map(c => Math.round(from[c]! + (to[c]! - from[c]!) * (at - low))) as unknown as Rgb;
}

/** The network's map as a picture of its own size. */
export function heatMap(probability: Float32Array, size: number): ImageData {
  const image = new ImageData(size, size);
  for (const [at, value] of probability.entries()) image.data.set([...heatColour(value), 255], 4 * at);
  return image;
}
