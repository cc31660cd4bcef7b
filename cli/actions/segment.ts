// `tmca segment`: a mask and an overlay for each image, and its probabilities where asked for. What can be known to fail is checked before the model is loaded.

import { rm, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { check, throwIfAborted } from '../../errors/index.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { checkImageFile, decodeImage, encodeMask } from '../../node/images/image-files.js';
import { imagesIn } from '../../node/images/image-folder.js';
import { drawOverlay } from '../../node/images/overlay.js';
import { encodeProbability } from '../../node/images/probability-image.js';
import { keepInputs } from '../../node/keep-inputs.js';
import { NoteTally } from '../../node/notes.js';
import { readReportFile } from '../../node/report-file.js';
import type { EngineId } from '../../runtime/engines/names.js';
import { type CocoRle, toRle } from '../../runtime/results.js';
import { checkSentence } from '../../runtime/sentence.js';
import type { AdapterSummary, DType, Pixels, Report, Segmentation, Session, Warning } from '../../runtime/types.js';
import type { Context } from '../context.js';
import type { NetworkOptions } from '../options.js';
import { type ImageOutputs, isResult, nameOutputs, prepareFolder } from '../outputs.js';
import { openWithProgress } from '../session.js';

export interface SegmentOptions extends NetworkOptions {
  /** Left out for a model that takes images alone. */
  readonly text?: string;
  /** A routine report, in place of `text`: a result for each finding. */
  readonly report?: string;
  readonly model: string;
  readonly out: string;
  readonly threshold: number;
  readonly minArea: number;
  readonly probability?: boolean;
  readonly json?: boolean;
  readonly rle?: boolean;
}

/** One element of the JSON. */
export interface SegmentResult {
  /** As it was named on the command line, or in the folder that was. */
  readonly image: string;
  /** What was looked for, where a report told it. */
  readonly prompt?: string;
  readonly width: number;
  readonly height: number;
  /** Paths of what was written. */
  readonly mask: string;
  readonly overlay: string;
  /** Where it was asked for. */
  readonly probability?: string;
  readonly lesions: readonly {
    readonly score: number;
    readonly box: readonly [number, number, number, number];
    readonly area: number;
  }[];
  /** What is smaller than `--min-area`. */
  readonly omitted: { readonly count: number; readonly area: number };
  readonly warnings: readonly Warning[];
  /** The mask, where it was asked for. */
  readonly rle?: CocoRle;
  readonly device: EngineId;
  readonly dtype: DType;
  readonly adapter: AdapterSummary;
  /** From pixels to mask and lesions; files are not counted. */
  readonly ms: number;
}

/**
 * Segments images one after another, with a report each of them once for each finding; of a folder, all that are in it. At the first that fails the command stops; the images before it stay, are listed (in
 * the JSON too), and the one that failed leaves no file.
 */
export async function segment(named: readonly string[], options: SegmentOptions, context: Context): Promise<void> {
  const { console, io } = context;
  const blank = options.text?.trim() === '';
  check(
    !blank,
    'TEXT_EMPTY',
    'segment: --text must say what is to be seen, got an empty text; describe it in a sentence',
  );
  const prompts = options.report === undefined ? null : await promptsIn(options.report, io.signal);
  const texts = prompts ?? [options.text ?? null];
  const images = await expandFolders(named, options.out, context);
  for (const image of images) await checkImageFile(image);
  const outputs = nameOutputs(
    images.flatMap(image => texts.map(() => image)),
    options.out,
    options.probability,
  );
  const files = outputs.flatMap(({ mask, overlay, probability }) => [mask, overlay, probability]);
  await keepInputs('segment', { files }, [...images, options.model, ...(options.report ? [options.report] : [])]);
  await prepareFolder(options.out, 'segment');
  throwIfAborted(io.signal, 'segment');
  const session = await openWithProgress(context, options);
  const results: SegmentResult[] = [];
  const notes = new NoteTally('image');
  try {
    const reports: (Report | null)[] = [];
    const task = outputs.length > 1 ? await console.task('segment', outputs.length) : null;
    try {
      for (const text of texts) reports.push(await encodeText(session, text, context));
      for (const image of images) {
        for (const [i, report] of reports.entries()) {
          const files = outputs[results.length]!;
          const result = await segmentImage(session, report, image, files, notes, options, context);
          results.push(prompts ? { ...result, prompt: prompts[i]! } : result);
          task?.step(results.length);
        }
      }
    } finally {
      task?.end();
      for (const report of reports) report?.dispose();
    }
  } finally {
    session.dispose();
    for (const line of notes.lines()) await console.warn(line);
    // With nothing to list there is nothing to print: the error line says it all.
    if (results.length > 0) await (options.json ? console.json(results) : console.print(summary(results, session)));
  }
}

/** What the findings of a report are looked for with; what two of them share, once. Errors: those of reading; TEXT_EMPTY. */
async function promptsIn(path: string, signal: AbortSignal): Promise<readonly string[]> {
  const { prompts } = await readReportFile(path, 'segment', signal);
  check(prompts.length > 0, 'TEXT_EMPTY', () => {
    return `segment: the report must tell a finding to look for, got none in ${path}; see \`tmca read-report\`, or leave --report out`;
  });
  return [...new Set(prompts)];
}

/** Files as they are named, and in place of a folder its images. */
async function expandFolders(named: readonly string[], out: string, { console }: Context): Promise<readonly string[]> {
  const images: string[] = [];
  const others = new NoteTally('file');
  for (const path of named) {
    // what is not there is told with the other files
    const isFolder = await stat(path).then(
      status => status.isDirectory(),
      () => false,
    );
    if (!isFolder) {
      images.push(path);
      continue;
    }
    const found = await imagesIn(path);
    others.add(found.others);
    const own = resolve(path) === resolve(out) ? found.images.filter(image => !isResult(image)) : found.images;
    check(own.length > 0, 'IMAGE_UNREADABLE', () => {
      const ofThese = new NoteTally('file');
      ofThese.add(found.others);
      const what = found.others.length === 0 ? 'none' : `none (${ofThese.lines().join('; ')})`;
      return `segment: the folder ${path} must hold images, got ${what}; folders inside it are not looked into: name the one with the images`;
    });
    images.push(...own);
  }
  for (const line of others.lines()) await console.note(line);
  return images;
}

/** Null where the model reads no sentence. Errors: TEXT_REQUIRED, TEXT_NOT_TAKEN, those of encoding. */
async function encodeText(session: Session, text: string | null, { console, io }: Context): Promise<Report | null> {
  if (checkSentence('segment', session.info.model, text) === null) return null;
  const report = await session.encodeReport(text!, { signal: io.signal });
  if (report.truncated) {
    const { maxTextLength } = session.info.model;
    await console.warn(`the text is longer than the ${maxTextLength} tokens of the model; the rest is left out`);
  }
  return report;
}

async function segmentImage(
  session: Session,
  report: Report | null,
  image: string,
  outputs: ImageOutputs,
  tally: NoteTally,
  { threshold, minArea, rle }: SegmentOptions,
  { io: { signal } }: Context,
): Promise<SegmentResult> {
  const { pixels, notes } = await decodeImage(image, { signal });
  const result = await session.segment(pixels, report, { threshold, minArea, signal });
  const ofImage = result.warnings.filter(({ code }) => code !== 'MODEL_UNCHECKED');
  tally.add([...notes, ...ofImage.map(({ message }) => ({ file: image, text: message }))]);
  await writeAll(outputs, pixels, result, signal);
  const { device, dtype, adapter } = session.info;
  const lesions = result.lesions.map(({ score, box, area }) => ({ score, box, area }));
  const { width, height, omitted, warnings } = result;
  const coded = rle ? { rle: toRle(result) } : {};
  const ran = { device, dtype, adapter, ms: result.ms.total };
  return { image, width, height, ...outputs, lesions, omitted, warnings, ...coded, ...ran };
}

/** All files or none: a mask without its overlay would pass for a finished image. */
async function writeAll(outputs: ImageOutputs, pixels: Pixels, result: Segmentation, signal: AbortSignal) {
  const { mask, lesions, width, height, probability, size } = result;
  const files: [path: string, content: Uint8Array][] = [
    [outputs.mask, await encodeMask(mask, width, height)],
    [outputs.overlay, await drawOverlay({ pixels, mask, lesions })],
  ];
  if (outputs.probability !== undefined) {
    files.push([outputs.probability, await encodeProbability(probability, size, width, height)]);
  }
  throwIfAborted(signal, 'segment');
  const written: string[] = [];
  try {
    for (const [path, content] of files) {
      await writeFileAtomic(path, content);
      written.push(path);
    }
  } catch (error) {
    for (const path of written) await rm(path, { force: true });
    throw error;
  }
}

function summary(results: readonly SegmentResult[], { info }: Session): string[] {
  const lines = results.flatMap(result => {
    const { image, prompt, width, height, lesions, omitted, mask, overlay, probability, ms } = result;
    const found = lesions.map(({ score, area, box: [x, y, w, h] }, i) => {
      const share = ((100 * area) / (width * height)).toFixed(1);
      return `  ${i + 1}: score ${score.toFixed(2)}, ${area} pixels (${share} % of the image), ${w} x ${h} at (${x}, ${y})`;
    });
    const { count, area } = omitted;
    const left =
      count > 0
        ? [`  left out: ${count} smaller than --min-area, ${area} ${area === 1 ? 'pixel' : 'pixels'} in all`]
        : [];
    const head = `${image}${prompt === undefined ? '' : `, "${prompt}"`}: ${width} x ${height}, ${ms.toFixed(0)} ms`;
    return [
      head,
      ...(found.length > 0 ? found : ['  no lesion found']),
      ...left,
      `  ${overlay}`,
      `  ${mask}`,
      ...(probability ? [`  ${probability}`] : []),
    ];
  });
  const { device, dtype, adapter, model } = info;
  return [...lines, `${model.name} on ${device}, ${dtype}: ${adapter.description || adapter.vendor}`];
}
