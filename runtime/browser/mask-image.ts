// A mask as a picture: one colour where there is a lesion, transparent elsewhere.

import { checkOptions, requireOptions } from '../../errors/arguments.js';
import type { Segmentation } from '../types.js';

/** Colour and opacity of a mask picture. */
export interface MaskPaint {
  /** sRGB, 0..255 each. Default: a sky blue that mucosa never has and that colour-blind people see. */
  readonly colour?: readonly [red: number, green: number, blue: number];
  /** 0..1. Default 0.5. */
  readonly opacity?: number;
}

type Mask = Pick<Segmentation, 'mask' | 'width' | 'height'>;

/**
 * The mask as RGBA pixels of the source's size.
 *
 * @example
 * context.putImageData(maskImageData(await segmenter.segment(image, report)), 0, 0);
 */
export function maskImageData(result: Mask, paint: MaskPaint = {}): ImageData {
  requireOptions('maskImageData', result, { mask: 'bytes', width: 'number', height: 'number' });
  checkOptions('maskImageData', paint, { colour: 'array', opacity: 'number' });
  const { mask, width, height } = result;
  const { colour = [86, 180, 233], opacity = 0.5 } = paint;
  const image = new ImageData(width, height);
  const [red, green, blue] = colour;
  const alpha = Math.round(opacity * 255);
  for (let pixel = 0, at = 0; pixel < mask.length; pixel++, at += 4) {
    if (!mask[pixel]) continue;
    image.data[at] = red;
    image.data[at + 1] = green;
    image.data[at + 2] = blue;
    image.data[at + 3] = alpha;
  }
  return image;
}

/**
 * The mask as a bitmap: can be drawn scaled, and transferred. Close it when done.
 *
 * @example
 * const bitmap = await maskImageBitmap(await segmenter.segment(image, report), { opacity: 0.4 });
 * context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
 * bitmap.close();
 */
export async function maskImageBitmap(mask: Mask, paint?: MaskPaint): Promise<ImageBitmap> {
  return createImageBitmap(maskImageData(mask, paint));
}
