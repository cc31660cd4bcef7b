// Whether two frames show the same scene, by the distribution of their colours.

/**
 * The distance from which it is another scene. More than one channel must have changed by itself, as the light alone does that. A cut
 * that is none costs an average of some frames, one that is missed shows a lesion of the scene before.
 */
const CUT = 0.35;

/**
 * Half the sum of differences between two histograms [3, 16], averaged over the channels: the share of pixels that would have to
 * change, 0..1.
 */
export function histogramDistance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i]! - b[i]!);
  return sum / 6;
}

export const isCut = (a: Float32Array, b: Float32Array): boolean => histogramDistance(a, b) > CUT;
