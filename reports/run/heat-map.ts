// LTEM's map of a picture as colour: what it strengthens in orange, what it weakens in blue, and clear where it leaves the
// features as they are, so that the photo shows through.

import { loadSharp } from '../../node/images/image-files.js';

export interface HeatMap {
  /** data: address of a PNG with alpha, a pixel a cell. */
  readonly png: string;
  /** Least and greatest value, as multiples of the map's mean. */
  readonly low: number;
  readonly high: number;
}

export const MORE = [255, 166, 0] as const;
export const LESS = [40, 90, 255] as const;
/** Opacity where the map is strongest. */
const OPACITY = 0.8;
/** A map that is flatter than this factor is drawn as faint as it is, and not stretched to full colour. */
const LEAST_REACH = 1.25;

/** `data` [height, width], all above 0. */
export async function heatMap(data: Float32Array, width: number, height: number): Promise<HeatMap> {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const ratios = Float64Array.from(data, value => (mean > 0 ? value / mean : 1));
  const [low, high] = [ratios.reduce((a, b) => Math.min(a, b)), ratios.reduce((a, b) => Math.max(a, b))];
  // by factors: half as much is as far from the mean as twice as much
  const reach = Math.log(Math.max(LEAST_REACH, high, 1 / Math.max(low, 1e-6)));
  const rgba = new Uint8Array(4 * ratios.length);
  for (const [i, ratio] of ratios.entries()) {
    const part = Math.log(Math.max(ratio, 1e-6)) / reach;
    rgba.set(part > 0 ? MORE : LESS, 4 * i);
    rgba[4 * i + 3] = Math.round(255 * OPACITY * Math.min(1, Math.abs(part)));
  }
  const sharp = await loadSharp();
  const png = await sharp(rgba, { raw: { width, height, channels: 4 } })
    .png()
    .toBuffer();
  return { png: `data:image/png;base64,${png.toString('base64')}`, low, high };
}
