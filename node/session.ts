// Sessions of Node's API: what callers give is checked and copied here and nowhere after, as the page does it before its worker,
// and image files are read.

import { fileURLToPath } from 'node:url';
import { checkArgument, checkOptions } from '../errors/arguments.js';
import { check } from '../errors/index.js';
import { checkChoices, checkText, kindOf, takeOptions, takePixels } from '../runtime/given.js';
import { checkSentence, checkTakesText } from '../runtime/sentence.js';
import { openModel } from '../runtime/session/open.js';
import type { ReadingSession } from '../runtime/session/reading-session.js';
import type {
  Pixels,
  Report,
  Segmentation,
  SegmentOptions,
  Session,
  SessionInfo,
  SessionOptions,
  SessionStats,
  Warning,
} from '../runtime/types.js';
import { decodeImage } from './images/image-files.js';
import type { FileNote } from './notes.js';
import { nodePlatform } from './platform.js';

/** An encoded image: the path of a file, its `file:` address, or its bytes. */
export type ImageFile = string | URL | Uint8Array | ArrayBuffer | Blob;

/** A session that reads image files too. */
export interface NodeSession extends Session {
  /**
   * Segments one image: decoded pixels, or a file as `readImage` reads it. Pixels and bytes are copied at the call, so that their
   * memory may be used again at once; a path is read when its turn comes.
   *
   * Without a report, or with `null`, a network segments the image alone, where it takes images alone or its sentence is optional.
   *
   * Errors: BAD_ARGUMENT, TEXT_REQUIRED, TEXT_NOT_TAKEN, IMAGE_TOO_LARGE, IMAGE_UNREADABLE, FILE_NOT_FOUND, FILE_UNREADABLE, ABORTED, DISPOSED, DEVICE_LOST.
   */
  segment(image: Pixels | ImageFile, report?: Report | null, options?: SegmentOptions): Promise<Segmentation>;
}

interface Read {
  readonly pixels: Pixels;
  readonly notes: readonly FileNote[];
}

type Reader = (signal: AbortSignal | undefined) => Promise<Read>;

class CheckedSession implements NodeSession {
  constructor(private readonly session: ReadingSession) {}

  get info(): SessionInfo {
    return this.session.info;
  }

  async encodeReport(text: string, options: { readonly signal?: AbortSignal } = {}): Promise<Report> {
    checkText(text, options);
    checkTakesText('encodeReport', this.info.model);
    return this.session.encodeReport(text, options);
  }

  async segment(
    image: Pixels | ImageFile,
    report: Report | null = null,
    options: SegmentOptions = {},
  ): Promise<Segmentation> {
    const settings = takeOptions(options);
    const { signal } = options;
    const read = readerOf(image);
    checkSentence('segment', this.info.model, report);
    let told: readonly Warning[] = [];
    const inTurn = async () => {
      const { pixels, notes } = await read(signal);
      told = notes.map(({ file, text }) => ({ code: 'IMAGE_NOTE', message: `${file}: ${text}` }));
      return pixels;
    };
    const result = await this.session.segment(inTurn, report, { ...settings, ...(signal && { signal }) });
    return { ...result, warnings: [...result.warnings, ...told] };
  }

  stats(): SessionStats {
    return this.session.stats();
  }

  dispose(): void {
    this.session.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/**
 * Opens a model folder (a path or an address) on the GPU, or in wasm where there is none. See `openModel` for the errors.
 *
 * @example
 * const session = await openSession('models/nano');
 * const report = await session.encodeReport('one small pink polyp, located in center of the image');
 * const { mask, lesions, warnings } = await session.segment('colon.jpg', report);
 * session.dispose();
 */
export async function openSession(modelDir: string, options: SessionOptions = {}): Promise<NodeSession> {
  checkModel('openSession', modelDir, options);
  checkChoices(options, 'openSession');
  return new CheckedSession(await openModel(modelDir, nodePlatform, options));
}

/** Errors: BAD_ARGUMENT. */
export function checkModel(where: string, modelDir: unknown, options: unknown): void {
  checkArgument(where, 'the model', modelDir, 'string', 'give the path or the address of a model folder');
  checkOptions(where, options, { signal: 'AbortSignal', onProgress: 'function' });
}

/** Takes what is given at once, and decodes it when the reader is called. */
function readerOf(image: Pixels | ImageFile): Reader {
  if (image instanceof Blob)
    return async signal => decodeImage(new Uint8Array(await image.arrayBuffer()), signal && { signal });
  const file = fileOf(image);
  if (file !== null) return signal => decodeImage(file, signal && { signal });
  check(typeof image === 'object' && image !== null && 'data' in image, 'BAD_ARGUMENT', () => {
    return `segment: the image must be pixels, a path, a file: address or a file's bytes, got ${kindOf(image)}; see Pixels and ImageFile`;
  });
  const pixels = takePixels(image as Pixels);
  return async () => ({ pixels, notes: [] });
}

/** A path, or a copy of bytes; null where it is neither. Errors: BAD_ARGUMENT for an address that is no file's. */
function fileOf(image: Pixels | ImageFile): string | Uint8Array | null {
  if (image instanceof ArrayBuffer) return new Uint8Array(image.slice(0));
  if (image instanceof Uint8Array) return new Uint8Array(image);
  if (image instanceof URL || (typeof image === 'string' && /^\w{2,}:\/\//.test(image)))
    return pathOfAddress(String(image));
  return typeof image === 'string' ? image : null;
}

function pathOfAddress(address: string): string {
  check(
    /^file:/i.test(address),
    'BAD_ARGUMENT',
    () => `segment: an image's address must be of a file, got ${address.slice(0, 80)}; fetch it and pass its bytes`,
  );
  return fileURLToPath(address);
}
