// Small files, read whole: lists, settings, tables, scores. Whatever path a user or another file names goes through here, so
// that a pipe, a device or a file of another kind ends in an error at once, and never in a wait or a full memory.

import { constants, readFileSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { type ErrorCode, TmcaError, throwIfAborted } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { parseJson } from '../../formats/json.js';

/** What is read, as errors tell it: `RULE, got … at PATH; ADVICE`. */
export interface FileKind {
  /** Who reads, and what must hold: "readGrid: --grid must name a JSON file". */
  readonly rule: string;
  readonly advice: string;
  /** Code for a file that can be read and holds something else: it is too large, no UTF-8, no JSON. FILE_UNREADABLE if not given. */
  readonly invalid?: ErrorCode;
  /** The most bytes that a file of the kind may have; 16 MiB if not given. */
  readonly limit?: number;
  readonly signal?: AbortSignal | undefined;
}

const LIMIT = 16 * 2 ** 20;
/** Lists and tables of a data set: some hundred bytes a record. */
export const LIST_BYTES = 128 * 2 ** 20;
/** vocab.txt, as in a model folder. */
export const VOCABULARY = { invalid: 'VOCABULARY_INVALID', limit: 64 * 2 ** 20 } as const;
const CHUNK_BYTES = 2 ** 20;

type Fail = (code: ErrorCode, got: string, cause?: unknown) => TmcaError;

const failure =
  (path: string, { rule, advice }: FileKind): Fail =>
  (code, got, cause) =>
    new TmcaError(code, `${rule}, got ${got} at ${path}; ${advice}`, { cause });

/**
 * The bytes of a regular file, or of one that a link leads to.
 *
 * Errors: FILE_NOT_FOUND; FILE_UNREADABLE (a folder, a pipe, a device, no right to read); the kind's own code, where it is too
 * large; ABORTED.
 */
export async function readBytes(path: string, kind: FileKind): Promise<Uint8Array> {
  const { limit = LIMIT, invalid = 'FILE_UNREADABLE', signal } = kind;
  const fail = failure(path, kind);
  throwIfAborted(signal, kind.rule);
  const file = await openRegular(path, fail);
  try {
    const { size } = await file.stat();
    const tooLarge = (bytes: string) => fail(invalid, `${bytes} bytes, where ${limit} are the most,`);
    if (size > limit) throw tooLarge(`${size}`);
    const chunks: Uint8Array[] = [];
    for (let at = 0; ; ) {
      throwIfAborted(signal, kind.rule);
      // to the end, wherever that is by now: some file systems tell no size
      const { bytesRead, buffer } = await file.read(new Uint8Array(CHUNK_BYTES), 0, CHUNK_BYTES, at);
      if (bytesRead === 0) return new Uint8Array(Buffer.concat(chunks));
      at += bytesRead;
      if (at > limit) throw tooLarge('more');
      chunks.push(buffer.subarray(0, bytesRead));
    }
  } catch (cause) {
    throw cause instanceof TmcaError ? cause : fail('FILE_UNREADABLE', codeOf(cause), cause);
  } finally {
    await file.close();
  }
}

/** As `readBytes`, as text; a byte order mark is left out. Errors: also the kind's own code, where the bytes are no UTF-8. */
export async function readText(path: string, kind: FileKind): Promise<string> {
  const bytes = await readBytes(path, kind);
  const text = decode(bytes);
  if (text !== null) return text;
  throw failure(path, kind)(kind.invalid ?? 'FILE_UNREADABLE', `${encodingOf(bytes)}, where UTF-8 is read,`);
}

/** As `readText`, parsed. Errors: also the kind's own code, where it is no JSON, has a key twice, or nests without end. */
export async function readJson(path: string, kind: FileKind): Promise<unknown> {
  const result = parseJson(await readText(path, kind));
  if ('value' in result) return result.value;
  const { problem, detail } = result;
  const got = { syntax: `no JSON (${show(detail)})`, duplicate: `the key ${show(detail)} twice`, excess: detail };
  throw failure(path, kind)(kind.invalid ?? 'FILE_UNREADABLE', got[problem]);
}

/** What a reader gives, or undefined where there is no such file. */
export async function ifThere<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof TmcaError && error.code === 'FILE_NOT_FOUND') return undefined;
    throw error;
  }
}

/** A file that belongs to this installation or to the system (/proc), and is there or not. */
export const readOwnFile = (path: string | URL): string => readFileSync(path, 'utf8');

/**
 * Opens for reading without waiting for anything: a pipe that nobody writes to would block a thread of Node's for ever, and
 * with it the end of the process. Look at `stat` before reading.
 */
export const openToRead = (path: string): Promise<FileHandle> =>
  // Windows has no such flag, and no such pipes among its files
  open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));

async function openRegular(path: string, fail: Fail): Promise<FileHandle> {
  const named = (cause: unknown) => {
    const code = codeOf(cause);
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    return missing ? fail('FILE_NOT_FOUND', 'no file', cause) : fail('FILE_UNREADABLE', code, cause);
  };
  const check = (found: Awaited<ReturnType<typeof stat>>) => {
    if (found.isFile()) return;
    throw fail('FILE_UNREADABLE', found.isDirectory() ? 'a folder' : 'a pipe or a device');
  };
  // before it is opened, since opening alone does something to some devices; and after, since the path may have changed
  check(
    await stat(path).catch(cause => {
      throw named(cause);
    }),
  );
  const file = await openToRead(path).catch(cause => {
    throw named(cause);
  });
  try {
    check(await file.stat());
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

const codeOf = (cause: unknown): string => (cause as NodeJS.ErrnoException | undefined)?.code ?? String(cause);

/** Null for bytes that are no UTF-8; and for those with a zero, which is how UTF-16 without its mark would pass. */
function decode(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.includes('\0') ? null : text;
  } catch {
    return null;
  }
}

/** What bytes that are no UTF-8 seem to be. */
function encodingOf(bytes: Uint8Array): string {
  const starts = (...head: number[]) => head.every((byte, i) => bytes[i] === byte);
  if (starts(0xff, 0xfe, 0, 0) || starts(0, 0, 0xfe, 0xff)) return 'UTF-32';
  if (starts(0xff, 0xfe) || starts(0xfe, 0xff)) return 'UTF-16';
  const head = bytes.subarray(0, 4096);
  const zeros = head.reduce((count, byte) => count + (byte === 0 ? 1 : 0), 0);
  if (zeros > head.length / 4) return 'UTF-16 or another encoding with zero bytes';
  return zeros > 0 ? 'bytes that are no text' : 'text in another encoding (perhaps Windows-1252)';
}
