// Opens a safetensors file as a stream: the header first, then tensor after tensor, only the one in hand in memory.

import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import type { Progress } from '../loading.js';
import { ByteCursor } from './cursor.js';
import type { SafetensorsTensor } from './dtypes.js';
import { PREFIX_BYTES, parseHeader, readHeaderLength, type SafetensorsHeader, type TensorInfo } from './header.js';
import { type ByteSource, concatenate } from './source.js';

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with phase 'weights' after each tensor. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** An open file. */
export interface SafetensorsFile {
  readonly header: SafetensorsHeader;
  /**
   * All tensors in file order. May be called again: the file is then read again from its source.
   * @param borrowed the reader has done with each tensor when it asks for the next: their memory is used again
   */
  tensors(borrowed?: boolean): AsyncGenerator<SafetensorsTensor, void, undefined>;
  /** Lets go of the source. Needed only where `tensors` is not run to its end; twice is fine. */
  close(): Promise<void>;
}

/**
 * Reads and checks the header; tensors follow on demand.
 *
 * @throws TmcaError SAFETENSORS_INVALID, ABORTED, and what the source throws (DOWNLOAD_FAILED, FILE_UNREADABLE). The
 *   iteration throws the same.
 * @example
 * const file = await openSafetensors(memorySource(bytes, 'model.safetensors'));
 * for await (const tensor of file.tensors()) weights.set(tensor.name, toFloat32(tensor));
 */
export async function openSafetensors(source: ByteSource, options: ReadOptions = {}): Promise<SafetensorsFile> {
  const begin = () => new ByteCursor(source.stream(options.signal));
  let opened: ByteCursor | null = begin();
  const close = async () => {
    const cursor = opened;
    opened = null;
    await cursor?.close();
    await source.close();
  };
  let header: SafetensorsHeader;
  try {
    header = await takeHeader(opened, source);
  } catch (error) {
    await close();
    throw error;
  }

  async function* tensors(borrowed = false): AsyncGenerator<SafetensorsTensor, void, undefined> {
    const continued = opened;
    opened = null;
    const cursor = continued ?? begin();
    try {
      if (!continued) await cursor.take(header.dataStart);
      yield* takeTensors(cursor, header, source.name, borrowed, options);
    } finally {
      await cursor.close();
    }
  }
  return { header, tensors, close };
}

async function takeHeader(cursor: ByteCursor, source: ByteSource): Promise<SafetensorsHeader> {
  const prefix = await cursor.take(PREFIX_BYTES);
  const json = await cursor.take(readHeaderLength(prefix, source.size, source.name));
  return parseHeader(concatenate([prefix, json]), source.size, source.name);
}

async function* takeTensors(
  cursor: ByteCursor,
  header: SafetensorsHeader,
  where: string,
  borrowed: boolean,
  { onProgress }: ReadOptions,
): AsyncGenerator<SafetensorsTensor, void, undefined> {
  const total = header.dataStart + header.dataBytes;
  for (const run of runs(header, borrowed ? RUN_BYTES : 0)) {
    const begin = run[0]![1].begin;
    const length = run.at(-1)![1].end - begin;
    const all = borrowed ? await cursor.borrow(length) : await cursor.take(length);
    for (const [name, info] of run) {
      const bytes = all.subarray(info.begin - begin, info.end - begin);
      checkComplete(bytes, name, info, where);
      yield { name, dtype: info.dtype, shape: info.shape, bytes };
      onProgress?.({ phase: 'weights', file: where, loaded: header.dataStart + info.end, total });
    }
  }
  if (!(await cursor.atEnd())) {
    throw new TmcaError(
      'SAFETENSORS_INVALID',
      `openSafetensors: ${where}: the file must end with the last tensor, got trailing bytes after ${total}; fetch or write it again`,
    );
  }
}

/** Bytes that are read at a time where their memory is used again: few waits, and no more than caches hold. */
const RUN_BYTES = 8 << 20;

type Run = readonly (readonly [name: string, info: TensorInfo])[];

/** The tensors in file order, as many at a time as have `most` bytes together, at least one. */
function* runs({ tensors }: SafetensorsHeader, most: number): Generator<Run> {
  let run: [string, TensorInfo][] = [];
  for (const entry of tensors) {
    if (run.length > 0 && entry[1].end - run[0]![1].begin > most) {
      yield run;
      run = [];
    }
    run.push(entry);
  }
  if (run.length > 0) yield run;
}

function checkComplete(bytes: Uint8Array, name: string, { begin, end }: TensorInfo, where: string): void {
  const length = end - begin;
  if (bytes.length === length) return;
  throw new TmcaError(
    'SAFETENSORS_INVALID',
    `openSafetensors: ${where}: tensor ${show(name)}: the data must be complete, got ${bytes.length} of ${length} bytes; ` +
      'fetch or write it again',
  );
}
