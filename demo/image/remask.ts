// Another threshold or least area, without the network: the mask is made anew from the probabilities, by the code that the engine
// uses itself. Also what is said of a mask that a person has drawn.

import { confusion, findRegions, loadAssembly, overlap, segmentRegions } from '../../assembly/index.js';
import { TmcaError } from '../../runtime/index.js';
import type { MaskSettings, Run, Truth } from './record.js';

/** From here on a pixel of a mask file is marked, as in training. */
const MARKED = 128;

export async function remasked(run: Run, settings: MaskSettings): Promise<Run> {
  const { result, settings: old } = run;
  if (settings.threshold === old.threshold && settings.minArea === old.minArea) return run;
  // In a flat picture no lesion is looked for, whatever the threshold.
  if (result.warnings.some(({ code }) => code === 'IMAGE_FLAT')) return { ...run, settings };
  const { probability, size, width, height } = result;
  const { mask, regions, omitted } = segmentRegions(await loadAssembly(), probability, size, width, height, settings);
  return { ...run, settings, result: { ...result, mask, lesions: regions, omitted } };
}

/** Reads a mask file. Errors: IMAGE_UNREADABLE. */
export async function readTruth(file: Blob, name: string): Promise<Truth> {
  const { data, width, height } = await pixelsOf(file, name);
  const mask = Uint8Array.from({ length: width * height }, (_, at) =>
    Number(Math.max(data[4 * at]!, data[4 * at + 1]!, data[4 * at + 2]!) >= MARKED),
  );
  const lesions = findRegions(await loadAssembly(), mask, width, height);
  return { name, mask, width, height, lesions };
}

export async function pixelsOf(file: Blob, name: string): Promise<ImageData> {
  const bitmap = await createImageBitmap(file).catch(cause => {
    throw new TmcaError(
      'IMAGE_UNREADABLE',
      `open: ${name} must be an image, got a file that does not decode; save it as PNG`,
      { cause },
    );
  });
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true })!;
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, context.canvas.width, context.canvas.height);
}

/** Dice of a mask against the truth, or null where their sizes differ. */
export async function diceOf({ result }: Run, truth: Truth): Promise<number | null> {
  if (result.width !== truth.width || result.height !== truth.height) return null;
  return overlap(confusion(await loadAssembly(), result.mask, truth.mask)).dice;
}
