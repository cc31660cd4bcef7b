// From a network's logits to what a caller gets, whichever engine ran it.

import type { Assembly } from '../../assembly/index.js';
import { segmentRegions } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import { findSaturated } from '../../formats/safetensors/saturated.js';
import type { Segmentation, SegmentOptions } from '../types.js';

type Result = Omit<Segmentation, 'ms'>;
type Size = Pick<Segmentation, 'width' | 'height'>;

/** A twentieth of a percent: a lesion of 4 pixels in a picture of 100 x 100 is a lesion, in a photograph it is noise. */
const MIN_AREA = 0.0005;

/** The options that a result depends on, as they are where they are not given. */
export const settingsOf = ({ threshold = 0.5, minArea = MIN_AREA }: SegmentOptions) => ({ threshold, minArea });

/**
 * Sigmoid, then the map enlarged bilinearly to the source's size and thresholded, and the lesions of that mask.
 *
 * @param logits [size, size]
 * @throws TmcaError MODEL_NOT_FINITE where the network gave NaN or an infinity, which the sigmoid would take for certainty
 */
export function segmentationOf(
  assembly: Assembly,
  logits: Float32Array,
  size: number,
  { width, height }: Size,
  settings: SegmentOptions,
): Result {
  const stray = findSaturated(new Uint32Array(logits.buffer, logits.byteOffset, logits.length), 'F32');
  check(
    stray < 0,
    'MODEL_NOT_FINITE',
    () =>
      `segment: the network must compute numbers, got ${logits[stray]}; check the model's weights, or use dtype fp32`,
  );
  const probability = logits.map(logit => 1 / (1 + Math.exp(-logit)));
  const options = settingsOf(settings);
  const { mask, regions, omitted } = segmentRegions(assembly, probability, size, width, height, options);
  return { width, height, mask, lesions: regions, omitted, warnings: [], probability, size };
}

/**
 * The result for a picture in which nothing can be seen. The network must not be asked: normalisation would blow what
 * noise there is up to the contrast of a picture, and its mask would be that of a lesion.
 */
export function flatSegmentation(size: number, { width, height }: Size): Result {
  const message =
    'the picture has one colour all over (each channel varies by less than 2 of 255), so no lesion was looked for; check the camera';
  return {
    ...{ width, height, mask: new Uint8Array(width * height), lesions: [], omitted: { count: 0, area: 0 } },
    ...{ warnings: [{ code: 'IMAGE_FLAT', message }], probability: new Float32Array(size * size), size },
  };
}
