// Files on disk, in Node: read as byte sources, written so that a reader never sees half a file.

import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TmcaError, throwIfAborted } from '../../errors/index.js';
import type { ByteSource } from '../../formats/safetensors/index.js';
import { cleanUp, temporaryIn } from '../temporary.js';
import { openToRead } from './read-file.js';

const CHUNK_BYTES = 1 << 20;
/** The most that is read at once into memory that a reader offers: hashed while a processor's caches hold it. */
const OFFER_BYTES = 4 << 20;

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? 'unknown';

const unreadable = (path: string, rule: string, got: string, cause?: unknown) =>
  new TmcaError('FILE_UNREADABLE', `diskSource: ${path} ${rule}, got ${got}; check the path and its rights`, { cause });

/**
 * A file on disk, or null where there is none. Its length is taken now: a file that changes length while it is read ends
 * in FILE_UNREADABLE.
 *
 * @throws TmcaError FILE_UNREADABLE: a folder, a device, no right to read.
 */
export async function diskSource(path: string): Promise<ByteSource | null> {
  const found = await stat(path).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
    throw unreadable(path, 'must be readable', codeOf(error), error);
  });
  if (!found) return null;
  if (!found.isFile()) throw unreadable(path, 'must be a file', found.isDirectory() ? 'a folder' : 'a special file');
  const size = found.size;
  return {
    name: path,
    size,
    stream: signal => streamFile(path, size, signal),
    read: (offset, length, signal) => readRange(path, offset, length, signal),
    close: async () => {},
  };
}

async function* streamFile(
  path: string,
  size: number,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array, void, Uint8Array | undefined> {
  throwIfAborted(signal, `diskSource: ${path}`);
  const handle = await openSource(path);
  try {
    let at = 0;
    let into: Uint8Array | undefined;
    while (at < size) {
      throwIfAborted(signal, `diskSource: ${path}`);
      const room =
        into?.subarray(0, Math.min(OFFER_BYTES, size - at)) ?? new Uint8Array(Math.min(CHUNK_BYTES, size - at));
      const chunk = await readInto(handle, path, at, room);
      at += chunk.length;
      into = yield chunk;
    }
    const now = (await handle.stat()).size;
    if (now !== size) throw unreadable(path, `must keep its ${size} bytes while it is read`, `${now}`);
  } finally {
    await handle.close();
  }
}

async function readRange(path: string, offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array> {
  throwIfAborted(signal, `diskSource: ${path}`);
  const handle = await openSource(path);
  try {
    return await readInto(handle, path, offset, new Uint8Array(length));
  } finally {
    await handle.close();
  }
}

const openSource = (path: string): Promise<FileHandle> =>
  openToRead(path).catch((error: unknown) => {
    throw unreadable(path, 'must be readable', codeOf(error), error);
  });

/** Fills `bytes` from `offset`. */
async function readInto(handle: FileHandle, path: string, offset: number, bytes: Uint8Array): Promise<Uint8Array> {
  const { length } = bytes;
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled).catch((error: unknown) => {
      throw unreadable(path, 'must be readable', codeOf(error), error);
    });
    if (bytesRead === 0) throw unreadable(path, `must have ${offset + length} bytes`, `${offset + filled}`);
    filled += bytesRead;
  }
  return bytes;
}

/**
 * Writes a file under a temporary name in the same folder, then renames it: whoever reads `path` sees the old file or the
 * new one, also after a crash. The folder is made if it is missing; nothing is left behind on failure.
 *
 * @param content One array, text (UTF-8), or chunks in order.
 * @throws TmcaError OUTPUT_NOT_WRITABLE; what an iterable throws is passed on.
 * @example
 * await writeFileAtomic('out/model.safetensors', safetensorsChunks(tensors));
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<void> {
  const file = await openAtomic(path);
  try {
    let at = 0;
    for await (const chunk of chunksOf(content)) {
      await file.write(at, chunk);
      at += chunk.length;
    }
    await file.commit();
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** A file in the making, under a temporary name beside its own. */
export interface AtomicFile {
  /** Errors: OUTPUT_NOT_WRITABLE. */
  write(offset: number, bytes: Uint8Array): Promise<void>;
  /** Gives it its name: whoever reads the path sees the old file or the new one, also after a crash. Errors: OUTPUT_NOT_WRITABLE. */
  commit(): Promise<void>;
  /** Leaves nothing behind; no effect after `commit`. */
  discard(): Promise<void>;
}

/**
 * A file that is written here and there before it gets its name. The folder is made if it is missing.
 *
 * @throws TmcaError OUTPUT_NOT_WRITABLE
 * @example
 * const file = await openAtomic('out/image.onnx');
 * await file.write(1 << 20, weights);
 * await file.write(0, header);
 * await file.commit();
 */
export async function openAtomic(path: string): Promise<AtomicFile> {
  const folder = dirname(path);
  await checkReplaceable(path);
  await disk(path, () => mkdir(folder, { recursive: true }));
  await cleanUp(folder);
  const temporary = temporaryIn(folder);
  const handle = await disk(path, () => open(temporary, 'wx'));
  return {
    write: (offset, bytes) => disk(path, () => writeFully(handle, bytes, offset)),
    async commit() {
      // before the rename, or a crash could leave the new name on an empty file
      await disk(path, () => handle.sync());
      await handle.close();
      await disk(path, () => rename(temporary, path));
      await syncFolder(folder);
    },
    async discard() {
      await handle.close();
      await rm(temporary, { force: true });
    },
  };
}

/** A rename would put a file in the place of a device for all, or of a pipe whose reader would wait on. */
async function checkReplaceable(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (!found || found.isFile()) return;
  const got = found.isDirectory() ? 'a folder' : 'a pipe or a device';
  throw new TmcaError('OUTPUT_NOT_WRITABLE', `writeFileAtomic: ${path} must be a file, got ${got}; name another one`);
}

function chunksOf(
  content: string | Uint8Array | Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
  if (typeof content === 'string') return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

async function writeFully(handle: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let at = 0; at < bytes.length; )
    at += (await handle.write(bytes, at, bytes.length - at, offset + at)).bytesWritten;
}

/** Makes the rename itself last. Windows cannot open a folder; there the rename is journalled. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => null);
  try {
    await handle?.sync().catch(() => {});
  } finally {
    await handle?.close();
  }
}

/** Runs a file operation for `path` and gives its failure a name. */
async function disk<T>(path: string, operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    throw new TmcaError(
      'OUTPUT_NOT_WRITABLE',
      `writeFileAtomic: ${path} must be writable, got ${codeOf(cause)}; check the path, its rights and the free space`,
      { cause },
    );
  }
}
