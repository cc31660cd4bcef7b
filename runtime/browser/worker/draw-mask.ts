// An overlay drawn on the host, where the device does not draw it.

import type { OverlayLook } from '../../live/live-engine.js';
import type { Segmentation } from '../../types.js';

/** A lesion's area and outline, in the canvas's own 2D context; the canvas takes the size of the mask. */
export function drawMask(
  canvas: OffscreenCanvas,
  { mask, width, height, lesions }: Pick<Segmentation, 'mask' | 'width' | 'height' | 'lesions'>,
  { color, fill, outline }: OverlayLook,
): void {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d')!;
  const [red, green, blue] = color.map(part => Math.round(part * 255)) as [number, number, number];
  const image = context.createImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const [word] = new Uint32Array(new Uint8Array([red, green, blue, Math.round(fill * 255)]).buffer);
  for (let i = 0; i < mask.length; i++) if (mask[i]) pixels[i] = word!;
  context.putImageData(image, 0, 0);
  if (outline === 0) return;
  context.strokeStyle = `rgb(${red} ${green} ${blue})`;
  context.lineWidth = outline;
  for (const line of lesions.flatMap(({ contour, holes }) => [contour, ...holes])) {
    context.beginPath();
    // Along pixel centres.
    for (let i = 0; i < line.length; i += 2) context.lineTo(line[i]! + 0.5, line[i + 1]! + 0.5);
    context.closePath();
    context.stroke();
  }
}
