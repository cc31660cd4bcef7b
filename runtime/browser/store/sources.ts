// The two ways in which a file comes: from the shelf, and from the server while it is put there.

import { TmcaError, throwIfAborted } from '../../../errors/index.js';
import type { ByteSource, FetchOptions } from '../../../formats/safetensors/index.js';
import type { Arriving } from './download.js';
import type { PartWriter } from './part-writer.js';
import { bytesOf, type Pieces, pieceName } from './records.js';
import type { Shelf } from './shelf.js';
import type { Channel } from './tabs.js';

/** Takes note of bytes. */
type Count = (from: 'kept' | 'downloaded', bytes: number) => void;

const damaged = (name: string, cause?: unknown): TmcaError =>
  new TmcaError(
    'FILE_UNREADABLE',
    `openModelFolder: ${name}: what the browser kept of it must be whole, got something else; try again`,
    { retryable: true, cause },
  );

export async function* piecesOf(
  shelf: Shelf,
  name: string,
  pieces: Pieces,
  count: Count,
  signal?: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (const [index, size] of pieces.sizes.entries()) {
    throwIfAborted(signal, `keptSource: ${name}`);
    const bytes = await shelf.get(pieceName(pieces, index)).catch(cause => {
      throw damaged(name, cause);
    });
    if (bytes?.length !== size) throw damaged(name);
    count('kept', size);
    yield bytes;
  }
}

interface Kept {
  readonly name: string;
  readonly shelf: Shelf;
  readonly pieces: Pieces;
  readonly sha256: string;
  readonly count: Count;
  /** Told when all of it was read and is right. */
  used(): Promise<void>;
}

export const keptSource = ({ name, shelf, pieces, sha256, count, used }: Kept): ByteSource => ({
  name,
  size: bytesOf(pieces),
  stream: signal => piecesOf(shelf, name, pieces, count, signal),
  close: async () => {},
  async verified(digest) {
    if (digest !== sha256) throw damaged(name);
    await used();
  },
});

interface Coming {
  readonly name: string;
  readonly key: string;
  readonly shelf: Shelf;
  readonly channel: Channel;
  readonly arriving: Arriving;
  readonly writer: PartWriter;
  readonly fetching: FetchOptions;
  readonly count: Count;
  /** Gives the file's lock back; twice is fine. */
  release(): void;
  /** Makes what was written the file of that hash. */
  commit(sha256: string, pieces: Pieces): Promise<void>;
  /** The shelf has failed; the file arrives all the same. */
  failed(error: unknown): Promise<void>;
  /** For whoever reads it twice where it could not be kept. */
  anew(): Promise<ByteSource | null>;
}

/** How often other pages are told. */
const NEWS_MS = 250;

export function arrivingSource(coming: Coming): ByteSource {
  const { name, key, shelf, channel, arriving, writer, fetching, count } = coming;
  /** What was on the shelf before. */
  const begun = writer.part;
  let isWritten = true;
  let isFirst = true;
  let isKept = false;
  const write = async (work: () => Promise<void>) => {
    if (!isWritten) return;
    try {
      await work();
    } catch (error) {
      isWritten = false;
      await coming.failed(error);
    }
  };
  async function* first(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    let loaded = 0;
    let told = Number.NEGATIVE_INFINITY;
    const both = [signal, fetching.signal].filter(given => given !== undefined);
    const body = arriving.body({ ...fetching, ...(both.length > 0 && { signal: AbortSignal.any(both) }) });
    try {
      for await (const chunk of piecesOf(shelf, name, begun, count, signal)) {
        loaded += chunk.length;
        yield chunk;
      }
      for await (const chunk of body) {
        loaded += chunk.length;
        count('downloaded', chunk.length);
        await write(() => writer.append(chunk));
        if (performance.now() - told > NEWS_MS) {
          told = performance.now();
          channel.tell({ key, loaded, ...(arriving.size !== undefined && { total: arriving.size }) });
        }
        yield chunk;
      }
    } finally {
      // After a cut as well: the next loading goes on from here.
      await write(() => writer.flush());
    }
  }
  async function* again(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    if (isKept) return yield* piecesOf(shelf, name, writer.part, count, signal);
    const source = await coming.anew();
    if (!source) throw damaged(name);
    yield* source.stream(signal) as AsyncGenerator<Uint8Array>;
  }
  return {
    name,
    size: arriving.size,
    async *stream(signal) {
      const isNew = isFirst;
      isFirst = false;
      yield* isNew ? first(signal) : again(signal);
    },
    async close() {
      arriving.stop();
      coming.release();
    },
    async verified(sha256) {
      await write(async () => {
        await coming.commit(sha256, writer.part);
        isKept = true;
      });
      coming.release();
    },
  };
}
