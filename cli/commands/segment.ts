// `tmca segment`: a mask and an overlay for each image. What can be known to fail is checked before the model is loaded.

import { rm } from 'node:fs/promises';
import { check, throwIfAborted } from '../../errors/index.js';
import { writeFileAtomic } from '../../runtime/node/files.js';
import { checkImageFile, decodeImage, encodeMask } from '../../runtime/node/images.js';
import { drawOverlay } from '../../runtime/node/overlay.js';
import type { AdapterSummary, DType, Pixels, Report, Segmentation, Session } from '../../runtime/types.js';
import type { Context } from '../context.js';
import type { NetworkOptions } from '../options.js';
import { type ImageOutputs, nameOutputs, prepareFolder } from '../outputs.js';
import { openSession } from '../session.js';

export interface SegmentOptions extends NetworkOptions {
  readonly text: string;
  readonly model: string;
  readonly out: string;
  readonly threshold: number;
  readonly json?: boolean;
}

/** One element of the JSON. */
export interface SegmentResult {
  /** As it was named on the command line. */
  readonly image: string;
  readonly width: number;
  readonly height: number;
  /** Paths of what was written. */
  readonly mask: string;
  readonly overlay: string;
  readonly lesions: readonly {
    readonly score: number;
    readonly box: readonly [number, number, number, number];
    readonly area: number;
  }[];
  readonly device: 'webgpu' | 'wasm';
  readonly dtype: DType;
  readonly adapter: AdapterSummary;
  /** From pixels to mask and lesions; files are not counted. */
  readonly ms: number;
}

/**
 * Segments images one after another. At the first that fails the command stops; the images before it stay, are listed (in
 * the JSON too), and the one that failed leaves no file.
 */
export async function segment(images: readonly string[], options: SegmentOptions, context: Context): Promise<void> {
  const { console, io } = context;
  const blank = options.text.trim() === '';
  check(
    !blank,
    'TEXT_EMPTY',
    'segment: --text must say what is to be seen, got an empty text; describe it in a sentence',
  );
  for (const image of images) await checkImageFile(image);
  const outputs = nameOutputs(images, options.out);
  await prepareFolder(options.out, 'segment');
  throwIfAborted(io.signal, 'segment');
  const session = await openSession(context, options);
  const results: SegmentResult[] = [];
  try {
    const report = await encodeText(session, options.text, context);
    const task = images.length > 1 ? await console.task('segment', images.length) : null;
    try {
      for (const [i, image] of images.entries()) {
        results.push(await segmentImage(session, report, image, outputs[i]!, options.threshold, context));
        task?.step(i + 1);
      }
    } finally {
      task?.end();
      report.dispose();
    }
  } finally {
    session.dispose();
    // With nothing to list there is nothing to print: the error line says it all.
    if (results.length > 0) await (options.json ? console.json(results) : console.print(summary(results, session)));
  }
}

async function encodeText(session: Session, text: string, { console, io }: Context): Promise<Report> {
  const report = await session.encodeReport(text, { signal: io.signal });
  if (report.truncated) {
    const { maxTextLength } = session.info.model;
    await console.warn(`the text is longer than the ${maxTextLength} tokens of the model; the rest is left out`);
  }
  return report;
}

async function segmentImage(
  session: Session,
  report: Report,
  image: string,
  outputs: ImageOutputs,
  threshold: number,
  { console, io }: Context,
): Promise<SegmentResult> {
  const { signal } = io;
  const { pixels, notes } = await decodeImage(image, { signal });
  for (const { file, text } of notes) await console.warn(`${file}: ${text}`);
  const result = await session.segment(pixels, report, { threshold, signal });
  await writeBoth(outputs, pixels, result, signal);
  const { device, dtype, adapter } = session.info;
  const lesions = result.lesions.map(({ score, box, area }) => ({ score, box, area }));
  const { width, height } = result;
  return { image, width, height, ...outputs, lesions, device, dtype, adapter, ms: result.ms.total };
}

/** Both files or none: a mask without its overlay would pass for a finished image. */
async function writeBoth({ mask, overlay }: ImageOutputs, pixels: Pixels, result: Segmentation, signal: AbortSignal) {
  const maskPng = await encodeMask(result.mask, result.width, result.height);
  const overlayPng = await drawOverlay({ pixels, mask: result.mask, lesions: result.lesions });
  throwIfAborted(signal, 'segment');
  await writeFileAtomic(mask, maskPng);
  try {
    await writeFileAtomic(overlay, overlayPng);
  } catch (error) {
    await rm(mask, { force: true });
    throw error;
  }
}

function summary(results: readonly SegmentResult[], { info }: Session): string {
  const lines = results.flatMap(({ image, width, height, lesions, mask, overlay, ms }) => {
    const found = lesions.map(({ score, area, box: [x, y, w, h] }, i) => {
      const share = ((100 * area) / (width * height)).toFixed(1);
      return `  ${i + 1}: score ${score.toFixed(2)}, ${area} pixels (${share} % of the image), ${w} x ${h} at (${x}, ${y})`;
    });
    const head = `${image}: ${width} x ${height}, ${ms.toFixed(0)} ms`;
    return [head, ...(found.length > 0 ? found : ['  no lesion found']), `  ${overlay}`, `  ${mask}`];
  });
  const { device, dtype, adapter, model } = info;
  return [...lines, `${model.name} on ${device}, ${dtype}: ${adapter.description || adapter.vendor}`].join('\n');
}
