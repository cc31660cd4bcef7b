// A model folder on a server whose files are kept: what is on the shelf is taken from there, what is not is put there as it arrives.

import { TmcaError, throwIfAborted } from '../../../errors/index.js';
import type { StoreInfo } from '../../../formats/loading.js';
import { addressOf } from '../../../formats/model-folder/address.js';
import type { FolderReader, ManifestEntry } from '../../../formats/model-folder/index.js';
import { type ByteSource, displayUrl, type FetchOptions, fetchSource } from '../../../formats/safetensors/index.js';
import { askFacts, complete, download, isSame } from './download.js';
import { PartWriter, PIECE_BYTES } from './part-writer.js';
import {
  bytesOf,
  type FileRecord,
  keyOf,
  type ModelKey,
  modelKey,
  newPart,
  type Pieces,
  Records,
  UNKNOWN,
} from './records.js';
import type { Shelf } from './shelf.js';
import { arrivingSource, keptSource } from './sources.js';
import type { Channel, Locks } from './tabs.js';

export interface StoreParts {
  readonly shelf: Shelf;
  readonly locks: Locks;
  readonly channel: Channel;
  readonly fetching?: FetchOptions;
  /** Told how far another page is that loads the same file. What this page loads itself is told as it is read. */
  readonly onProgress?: FetchOptions['onProgress'];
  /** How long another page that loads the same file may be silent before this one loads it too; 30 s if not given. */
  readonly silenceMs?: number;
  readonly pieceBytes?: number;
}

const FULL =
  'the browser has no room to keep the model, which will be loaded again next time; free some space, or call Segmenter.forget()';

const partName = (key: string): string => `part-${key}`;

export class StoredFolder implements FolderReader {
  readonly #location: string;
  readonly #parts: StoreParts;
  readonly #records: Records;
  readonly #key: Promise<ModelKey>;
  readonly #fetching: FetchOptions;
  /** Names on the shelf that this loading has relied on. */
  readonly #used = new Set<string>();
  #by: StoreInfo['by'] = 'sha256';
  readonly #bytes = { downloaded: 0, kept: 0 };
  #note: string | null = null;

  constructor(location: string, parts: StoreParts) {
    this.#location = location;
    this.#parts = parts;
    this.#records = new Records(parts.shelf, parts.locks);
    this.#key = modelKey(addressOf(location, ''));
    this.#fetching = { cache: 'no-cache', ...parts.fetching };
  }

  store(): StoreInfo {
    const { place } = this.#parts.shelf;
    return { place, by: this.#by, ...this.#bytes, note: this.#note };
  }

  /** Removes what this loading was given of the shelf, which was found to be wrong. @returns whether there was anything */
  async discard(): Promise<boolean> {
    const found = this.#bytes.kept > 0;
    await this.#records.drop(this.#used).catch(error => this.#fail(error));
    this.#used.clear();
    return found;
  }

  async open(name: string, expected?: ManifestEntry): Promise<ByteSource | null> {
    if (!expected && name !== 'manifest.json') this.#by = 'address';
    if (this.#note === null)
      try {
        return await (expected ? this.#openHashed(name, expected) : this.#openAddressed(name));
      } catch (error) {
        // What is not of the model or its server is of the browser's storage, which nobody needs.
        if (error instanceof TmcaError) throw error;
        this.#fail(error);
      }
    return this.#unkept(name);
  }

  async #openHashed(name: string, { sha256, bytes }: ManifestEntry): Promise<ByteSource | null> {
    const pieces = await this.#records.blob(sha256);
    if (pieces) return this.#keptSource(name, pieces, { sha256, ...UNKNOWN });
    return this.#arrive(name, sha256, { sha256, bytes });
  }

  /** By its address: the server says whether what is here is still the same; where it is away, that is taken. */
  async #openAddressed(name: string): Promise<ByteSource | null> {
    const known = await this.#had(name);
    const pieces = known && (await this.#records.blob(known.sha256));
    const url = addressOf(this.#location, name);
    if (known && pieces) {
      const now = await askFacts(url, this.#fetching);
      throwIfAborted(this.#fetching.signal, `fetchSource: ${displayUrl(url)}`);
      if (now === 'away' || (now !== 'unsaid' && isSame(known, now))) return this.#keptSource(name, pieces, known);
    }
    try {
      return await this.#arrive(name, await keyOf(url));
    } catch (error) {
      // A folder that had no such file has none where nobody can be asked.
      if (known === null && error instanceof TmcaError && error.retryable) return null;
      throw error;
    }
  }

  /** From the server, while no other page does the same. @param key of the part */
  async #arrive(name: string, key: string, expected?: ManifestEntry): Promise<ByteSource | null> {
    const url = addressOf(this.#location, name);
    const before = await this.#had(name);
    const release = await this.#claim(key, url);
    if (!release) return this.#unkept(name);
    try {
      const other = await this.#comeMeanwhile(name, expected, before);
      const source = other ?? (await this.#begin(name, url, key, expected, release));
      if (other || !source) release();
      return source;
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Where an earlier download of it ended. Null where the folder has no such file. */
  async #begin(
    name: string,
    url: string,
    key: string,
    expected: ManifestEntry | undefined,
    release: () => void,
  ): Promise<ByteSource | null> {
    const { shelf, channel, pieceBytes = PIECE_BYTES } = this.#parts;
    const fetching = { ...this.#fetching, sure: expected !== undefined };
    const begun = await this.#records.part(key);
    const bytes = begun ? bytesOf(begun) : 0;
    if (expected && expected.bytes - bytes > (await shelf.room())) {
      this.#note ??= FULL;
      release();
      return this.#unkept(name);
    }
    const isWhole = bytes > 0 && bytes === expected?.bytes;
    const arriving = isWhole ? complete(bytes) : await download(url, fetching, bytes, begun?.validator ?? null);
    if (!arriving) {
      await this.#remember(name, null);
      return null;
    }
    if (begun && arriving.begun === 0) await this.#records.drop([partName(key)]);
    const part = begun && arriving.begun > 0 ? begun : newPart((await this.#key).model, name, arriving.validator);
    this.#used.add(partName(key));
    const writer = new PartWriter(this.#records, key, part, pieceBytes);
    const facts = expected ? UNKNOWN : arriving.facts;
    return arrivingSource({
      ...{ name: displayUrl(url), key, shelf, channel, arriving, writer, fetching, release, count: this.#count },
      commit: async (sha256, pieces) => this.#records.commit(await this.#key, name, { sha256, ...facts }, pieces),
      failed: async error => {
        this.#fail(error);
        // What takes room and cannot be finished.
        await this.#records.drop([partName(key)]).catch(() => undefined);
      },
      anew: () => this.#unkept(name),
    });
  }

  /** What another page has put there while this one waited for it. */
  async #comeMeanwhile(
    name: string,
    expected: ManifestEntry | undefined,
    before: FileRecord | null | undefined,
  ): Promise<ByteSource | null> {
    const record = expected ? { sha256: expected.sha256, ...UNKNOWN } : await this.#had(name);
    if (!record || (!expected && JSON.stringify(record) === JSON.stringify(before))) return null;
    const pieces = await this.#records.blob(record.sha256);
    return pieces && this.#keptSource(name, pieces, record);
  }

  #keptSource(name: string, pieces: Pieces, record: FileRecord): ByteSource {
    this.#used.add(`blob-${record.sha256}`);
    return keptSource({
      ...{ name: displayUrl(addressOf(this.#location, name)), shelf: this.#parts.shelf, pieces, count: this.#count },
      sha256: record.sha256,
      used: () => this.#remember(name, record),
    });
  }

  /** Without the shelf. */
  async #unkept(name: string): Promise<ByteSource | null> {
    const source = await fetchSource(addressOf(this.#location, name), this.#fetching);
    const count = this.#count;
    return (
      source && {
        ...source,
        async *stream(signal) {
          for await (const chunk of source.stream(signal)) {
            count('downloaded', chunk.length);
            yield chunk;
          }
        },
      }
    );
  }

  /** The lock of a file; null where another page has it and says nothing. While one does, its progress is told. */
  async #claim(key: string, url: string): Promise<(() => void) | null> {
    const { signal } = this.#fetching;
    const { locks, channel, onProgress, silenceMs = 30_000 } = this.#parts;
    const silence = new AbortController();
    const wait = () => setTimeout(() => silence.abort(), silenceMs);
    let timer = wait();
    const end = channel.hear(news => {
      if (news.key !== key) return;
      clearTimeout(timer);
      timer = wait();
      const { key: _, ...progress } = news;
      onProgress?.({ phase: 'download', file: displayUrl(url), ...progress });
    });
    try {
      return await locks.take(
        `tmca-edge store ${key}`,
        signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
      );
    } catch (error) {
      throwIfAborted(signal, `fetchSource: ${displayUrl(url)}`);
      if (silence.signal.aborted) return null;
      throw error;
    } finally {
      clearTimeout(timer);
      end();
    }
  }

  async #had(name: string): Promise<FileRecord | null | undefined> {
    return (await this.#records.model((await this.#key).model))?.files[name];
  }

  /** What the folder has under that name. */
  async #remember(name: string, record: FileRecord | null): Promise<void> {
    await this.#records.commit(await this.#key, name, record).catch(error => this.#fail(error));
  }

  readonly #count = (from: 'kept' | 'downloaded', bytes: number): void => {
    this.#bytes[from] += bytes;
  };

  #fail(error: unknown): void {
    const why = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const full = error instanceof Error && error.name === 'QuotaExceededError';
    this.#note ??= full ? FULL : `the browser could not keep the model, which will be loaded again next time (${why})`;
  }
}
