// Files of a result. Each is stamped with the sentence, the hash of the model, and what it must not be used for.

import { encodeRle } from '../../assembly/index.js';
import { maskImageData } from '../../runtime/index.js';
import { COLOUR, drawLesions } from './draw.js';
import type { Run } from './record.js';

export type ExportKind = 'png' | 'json' | 'rle';

const NOTICE = 'Research use only. Not a medical device.';

/** What every file says of itself. */
export function stampOf({ picture, sentence, info, settings, date }: Run) {
  return {
    notice: NOTICE,
    image: picture.name,
    sentence,
    model: { name: info.model.name, hash: info.model.hash },
    device: info.device,
    dtype: info.dtype,
    threshold: settings.threshold,
    min_area: settings.minArea,
    date: date.toISOString(),
  };
}

export async function exported(run: Run, kind: ExportKind, dice: number | null): Promise<[Blob, name: string]> {
  const name = `${run.picture.name.replace(/\.[^.]*$/, '')}.${kind === 'rle' ? 'rle.json' : kind}`;
  if (kind === 'png') return [await pictureOf(run), name];
  const { width, height, lesions, omitted } = run.result;
  const rle = encodeRle(run.result.mask, width, height);
  const body =
    kind === 'rle'
      ? { ...stampOf(run), segmentation: rle }
      : {
          ...stampOf(run),
          ...{ width, height, dice },
          lesions: lesions.map(({ score, box, area, contour }) => ({
            ...{ mean_pixel_probability: score, box, area, share: area / (width * height) },
            contour: Array.from(contour),
          })),
          omitted,
          segmentation: rle,
        };
  return [new Blob([`${JSON.stringify(body, null, 1)}\n`], { type: 'application/json' }), name];
}

/** The picture at its own size with fill, contours and numbers, and the stamp under it. */
async function pictureOf(run: Run): Promise<Blob> {
  const { result, picture, sentence, info, date } = run;
  const { width, height } = result;
  const pen = Math.max(1, Math.min(width, height) / 600);
  const size = 13 * pen;
  const line = Math.round(1.5 * size);
  const lines = [
    sentence === null ? 'no sentence' : `“${sentence}”`,
    `${info.model.name} ${info.model.hash.slice(0, 16)} · ${picture.name} · ${date.toISOString().slice(0, 19)}Z`,
    NOTICE,
  ];
  const canvas = new OffscreenCanvas(width, height + line * lines.length + size);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#0b0d0f';
  context.fillRect(0, 0, canvas.width, canvas.height);
  const [image, mask] = await Promise.all([
    createImageBitmap(picture.file),
    createImageBitmap(maskImageData(result, { colour: COLOUR, opacity: 0.35 })),
  ]);
  context.drawImage(image, 0, 0, width, height);
  context.drawImage(mask, 0, 0);
  image.close();
  mask.close();
  drawLesions(context, result.lesions, { colour: COLOUR, scale: 1, width, pen });
  context.font = `${size}px system-ui, sans-serif`;
  context.textAlign = 'left';
  context.textBaseline = 'top';
  context.fillStyle = '#d7dde2';
  for (const [at, text] of lines.entries())
    context.fillText(text, size, height + size / 2 + at * line, width - 2 * size);
  return canvas.convertToBlob({ type: 'image/png' });
}
