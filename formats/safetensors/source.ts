// Where a file's bytes come from. Readers are written against this alone: memory, disk (node) and fetch look alike.

import { throwIfAborted } from '../../errors/index.js';

/**
 * Chunks of a file. `next(into)` offers memory to read into: a source that can fills it, or its beginning, and gives a view of it as the
 * chunk; another gives a chunk of its own.
 */
export type ByteStream = AsyncIterable<Uint8Array, void, Uint8Array | undefined>;

/** A file that can be read from its beginning, any number of times. */
export interface ByteSource {
  /** For messages: a path or an address without its query. */
  readonly name: string;
  /** In bytes; undefined where a server does not say. A stream that delivers another number throws. */
  readonly size: number | undefined;
  /** Chunks that the reader may keep: they are not reused. */
  stream(signal?: AbortSignal): ByteStream;
  /** Exactly `length` bytes from `offset`, where the source can. */
  read?(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
  /** Lets go of what a stream not yet begun holds, a response for instance. Twice is fine. */
  close(): Promise<void>;
  /** Told, when a stream has come to its end and is what it should be, the SHA-256 of it. */
  verified?(sha256: string): Promise<void>;
}

/** A file that is in memory. Chunks are views of it: nothing is copied. */
export function memorySource(bytes: Uint8Array, name = 'memory'): ByteSource {
  return {
    name,
    size: bytes.length,
    async *stream(signal) {
      throwIfAborted(signal, `memorySource: ${name}`);
      if (bytes.length > 0) yield bytes;
    },
    async read(offset, length, signal) {
      throwIfAborted(signal, `memorySource: ${name}`);
      return bytes.subarray(offset, offset + length);
    },
    close: async () => {},
  };
}

/** The whole file. For small ones: config, vocabulary, manifest. */
export async function readAll(source: ByteSource, signal?: AbortSignal): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source.stream(signal)) chunks.push(chunk);
  return concatenate(chunks);
}

/** One array; the array itself where there is only one. */
export function concatenate(chunks: readonly Uint8Array[]): Uint8Array {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
