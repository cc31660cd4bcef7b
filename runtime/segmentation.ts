// From a network's logits to what a caller gets, whichever engine ran it.

import type { Assembly } from '../assembly/index.js';
import { segmentRegions } from '../assembly/index.js';
import type { Segmentation } from './types.js';

/**
 * Sigmoid, then the map enlarged bilinearly to the source's size and thresholded, and the lesions of that mask.
 *
 * @param logits [size, size]
 * @throws TmcaError MODEL_NOT_FINITE where the network gave NaN: never a mask of it
 */
export function segmentationOf(
  assembly: Assembly,
  logits: Float32Array,
  size: number,
  { width, height }: { readonly width: number; readonly height: number },
  threshold: number,
): Omit<Segmentation, 'ms'> {
  const probability = logits.map(logit => 1 / (1 + Math.exp(-logit)));
  const { mask, regions } = segmentRegions(assembly, probability, size, width, height, { threshold });
  return { width, height, mask, lesions: regions, probability, size };
}
