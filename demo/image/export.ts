// Files of a result. Each is stamped with the sentence, the hash of the model, and what it must not be used for.

import { maskImageData, toJson, toRle } from '../../runtime/index.js';
import { COLOUR, drawLesions } from './draw.js';
import type { Run } from './record.js';

export type ExportKind = 'png' | 'json' | 'rle';

const NOTICE = 'Research use only. Not a medical device.';

/** What every file says of itself. */
function stampOf({ picture, sentence, info: { model, device, dtype }, settings, date }: Run) {
  return {
    notice: NOTICE,
    image: picture.name,
    date: date.toISOString(),
    text: sentence,
    ...settings,
    ...{ model: { name: model.name, hash: model.hash }, device, dtype },
  };
}

/** @param dice against a person's mask, if there is one */
export async function exported(run: Run, kind: ExportKind, dice: number | null): Promise<[Blob, name: string]> {
  const name = `${run.picture.name.replace(/\.[^.]*$/, '')}.${kind === 'rle' ? 'rle.json' : kind}`;
  if (kind === 'png') return [await pictureOf(run), name];
  const stamp = stampOf(run);
  const body =
    kind === 'rle'
      ? { ...stamp, segmentation: toRle(run.result) }
      : { ...toJson(run.result, stamp), ...(dice !== null && { dice }) };
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
