// Pictures that have arrived in the worker: files are decoded, surfaces read.

import { check, TmcaError } from '../../../errors/index.js';
import { sizeOf } from '../../live/placement.js';
import type { Pixels } from '../../types.js';
import { checkSize, FROM_FILE, type Shipment } from './shipment.js';

/** Worker side: reads pixels. Keeps its canvas from frame to frame, as video has one size. */
export class Rasterizer {
  #canvas: OffscreenCanvas | undefined;

  /** Consumes the shipment. Errors: IMAGE_UNREADABLE, IMAGE_TOO_LARGE. */
  async read(shipment: Shipment): Promise<Pixels> {
    if (shipment.kind === 'pixels') return shipment.pixels;
    if (shipment.kind === 'surface') return this.#closing(shipment.surface);
    const { blob } = shipment;
    const bitmap = await createImageBitmap(blob, FROM_FILE).catch(cause => {
      const got = `${blob.size} bytes of type "${blob.type}"`;
      throw new TmcaError(
        'IMAGE_UNREADABLE',
        `segment: the file must be an image that this browser decodes, got ${got}; try PNG or JPEG`,
        { cause },
      );
    });
    return this.#closing(bitmap);
  }

  #closing(surface: ImageBitmap | VideoFrame): Pixels {
    try {
      return this.draw(surface);
    } finally {
      surface.close();
    }
  }

  /** Reads a surface, which stays open. Errors: IMAGE_UNREADABLE, IMAGE_TOO_LARGE. */
  draw(surface: ImageBitmap | VideoFrame): Pixels {
    const { width, height } = sizeOf(surface);
    check(
      width > 0 && height > 0,
      'IMAGE_UNREADABLE',
      `segment: the image must have pixels, got ${width}x${height}; was it closed already?`,
    );
    checkSize(width, height);
    if (this.#canvas?.width !== width || this.#canvas.height !== height)
      this.#canvas = new OffscreenCanvas(width, height);
    // alpha: false starts black and stays opaque: drawing over it is what drops alpha over black.
    const context = this.#canvas.getContext('2d', { alpha: false, colorSpace: 'srgb', willReadFrequently: true });
    check(
      context,
      'IMAGE_TOO_LARGE',
      `segment: a canvas of ${width}x${height} must be available, got none; make the image smaller`,
    );
    context.fillRect(0, 0, width, height);
    context.drawImage(surface, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height, { colorSpace: 'srgb' });
    return { data: data as Uint8ClampedArray, width, height, channels: 4 };
  }
}
