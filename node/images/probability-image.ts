// A network's probability map as a picture of the image's size.

import { check } from '../../errors/index.js';
import { loadSharp } from './image-files.js';

/** White: probability 1. */
const FULL = 65535;

/**
 * PNG of one channel of 16 bits, 0 for probability 0 and 65535 for 1. The map is enlarged as the mask is: bilinear, corners not
 * aligned, in single precision, so that the mask of threshold t is where a value reaches 65535 t, to within rounding. Sixteen bits,
 * because eight would leave a step of 0.4 % where thresholds are chosen.
 *
 * @param map [size, size]
 */
export async function encodeProbability(
  map: Float32Array,
  size: number,
  width: number,
  height: number,
): Promise<Uint8Array> {
  const square = map.length === size * size;
  check(square, 'BAD_ARGUMENT', `encodeProbability: map must hold ${size} x ${size} values, got ${map.length}`);
  const sharp = await loadSharp();
  const values = enlarge(map, size, width, height);
  return sharp(values, { raw: { width, height, channels: 1 }, limitInputPixels: false })
    .toColourspace('grey16')
    .png()
    .toBuffer();
}

/** [height, width], 0..65535. */
function enlarge(map: Float32Array, size: number, width: number, height: number): Uint16Array {
  const [columns, rows] = [positions(size, width), positions(size, height)];
  const values = new Uint16Array(width * height);
  const stretch = (row: number) =>
    Float32Array.from(columns, ({ at, next, weight }) =>
      between(map[row * size + at]!, map[row * size + next]!, weight),
    );
  let [upper, lower] = [
    { row: -1, values: new Float32Array(0) },
    { row: -1, values: new Float32Array(0) },
  ];
  for (const [y, { at, next, weight }] of rows.entries()) {
    if (upper.row !== at) upper = lower.row === at ? lower : { row: at, values: stretch(at) };
    if (lower.row !== next) lower = { row: next, values: stretch(next) };
    for (let x = 0; x < width; x++) {
      values[y * width + x] = Math.round(between(upper.values[x]!, lower.values[x]!, weight) * FULL);
    }
  }
  return values;
}

/** In single precision, as the mask's map is. */
const between = (a: number, b: number, weight: number): number =>
  Math.fround(a + Math.fround(weight * Math.fround(b - a)));

interface Position {
  readonly at: number;
  readonly next: number;
  readonly weight: number;
}

/** Where each of `length` pixels lies among `size` values. */
const positions = (size: number, length: number): readonly Position[] =>
  Array.from({ length }, (_, i) => {
    const place = Math.max(((i + 0.5) * size) / length - 0.5, 0);
    const at = Math.floor(place);
    return { at, next: Math.min(at + 1, size - 1), weight: Math.fround(place - at) };
  });
