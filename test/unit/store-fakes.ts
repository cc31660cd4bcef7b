// A browser's storage, locks and tabs in memory, and a server that can be cut, changed and taken away.

import { expect } from 'vitest';
import { openModelFolder, webIo } from '../../formats/model-folder/index.js';
import type { FetchOptions } from '../../formats/safetensors/index.js';
import { StoredFolder } from '../../runtime/browser/store/folder.js';
import { openWith } from '../../runtime/browser/store/open.js';
import type { Shelf } from '../../runtime/browser/store/shelf.js';
import type { Channel, Locks, News } from '../../runtime/browser/store/tabs.js';
import type { IntegrityChoice, Progress, StoreInfo } from '../../runtime/types.js';
import { type Files, files, sha256, toBytes } from './model-folder-files.js';

/** A shelf whose puts can be made to fail. */
export class MemoryShelf implements Shelf {
  readonly place = 'OPFS';
  readonly entries = new Map<string, Uint8Array>();
  /** Called before each put. */
  onPut: (name: string, bytes: Uint8Array) => void = () => {};
  onGet: (name: string) => void = () => {};
  free = Number.POSITIVE_INFINITY;

  async room(): Promise<number> {
    return this.free;
  }

  async get(name: string): Promise<Uint8Array | null> {
    this.onGet(name);
    return this.entries.get(name)?.slice() ?? null;
  }
  async put(name: string, bytes: Uint8Array): Promise<void> {
    this.onPut(name, bytes);
    this.entries.set(name, bytes.slice());
  }
  async remove(name: string): Promise<void> {
    this.entries.delete(name);
  }
  async names(): Promise<string[]> {
    return [...this.entries.keys()];
  }
  named(prefix: string): string[] {
    return [...this.entries.keys()].filter(name => name.startsWith(prefix));
  }
  /** Bytes of the pieces. */
  get bytes(): number {
    return this.named('piece-').reduce((sum, name) => sum + this.entries.get(name)!.length, 0);
  }
}

/** Exclusive, in the order in which they were asked for. */
export class MemoryLocks implements Locks {
  readonly held = new Map<string, Promise<void>>();
  count = 0;

  async take(name: string, signal?: AbortSignal): Promise<() => void> {
    const before = this.held.get(name);
    let release = () => {};
    const mine = new Promise<void>(resolve => {
      release = resolve;
    });
    const after = Promise.all([before, mine]).then(() => {});
    this.held.set(name, after);
    const given = new Promise<never>((_, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
    given.catch(() => {});
    try {
      await Promise.race([before, given]);
    } catch (error) {
      release();
      throw error;
    }
    this.count++;
    return () => {
      release();
    };
  }
}

export class MemoryChannel implements Channel {
  readonly #listeners = new Set<(news: News) => void>();
  readonly told: News[] = [];
  tell(news: News): void {
    this.told.push(news);
    for (const listener of [...this.#listeners]) listener(news);
  }
  /** Pages that wait. */
  get waiting(): number {
    return this.#listeners.size;
  }
  hear(listener: (news: News) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export interface Asked {
  readonly method: string;
  readonly file: string;
  readonly range: string | null;
  /** The length of the body. */
  bytes: number;
}

/** Files behind `fetch`. A body comes in chunks of `chunk` bytes. */
export class FakeServer {
  readonly asked: Asked[] = [];
  chunk = 50;
  /** Bytes after which the connection breaks, of one body of weights after another. */
  cuts: number[] = [];
  isAway = false;
  /** Ranges: as asked; `ignored`: 200 and the whole; `refused`: 416, whatever is asked. */
  ranges: 'given' | 'ignored' | 'refused' = 'given';
  tags: 'strong' | 'weak' | 'date' | 'none' = 'strong';
  /** Whether HEAD is answered. */
  heads = true;
  /** Called before a chunk is sent. */
  onChunk: (file: string, sent: number) => Promise<void> | void = () => {};

  constructor(public files: Files) {}

  /** Bytes of files of that name that were sent since the last call. */
  sent(file?: string): number {
    return this.asked.filter(one => !file || one.file === file).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  readonly fetch = async (url: string, init: RequestInit): Promise<Response> => {
    init.signal?.throwIfAborted();
    if (this.isAway) throw new TypeError('Failed to fetch');
    const file = new URL(url).pathname.split('/').at(-1)!;
    const headers = new Headers(init.headers);
    const range = headers.get('range');
    const asked = { method: init.method ?? 'GET', file, range, bytes: 0 };
    this.asked.push(asked);
    const content = Object.hasOwn(this.files, file) ? toBytes(this.files[file]!) : null;
    if (!content) return new Response('none', { status: 404 });
    const tag = sha256(content).slice(0, 8);
    const facts = {
      ...(this.tags === 'strong' && { etag: `"${tag}"` }),
      ...(this.tags === 'weak' && { etag: `W/"${tag}"` }),
      ...(this.tags === 'date' && { 'last-modified': `date of ${tag}` }),
    };
    if (asked.method === 'HEAD') {
      if (!this.heads) return new Response(null, { status: 405 });
      return new Response(null, { headers: { ...facts, 'content-length': `${content.length}` } });
    }
    const from = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const isSame = !headers.has('if-range') || Object.values(facts).includes(headers.get('if-range')!);
    if (range && isSame && (this.ranges === 'refused' || (this.ranges === 'given' && from >= content.length)))
      return new Response(null, { status: 416, headers: { ...facts, 'content-range': `bytes */${content.length}` } });
    const isPart = range !== null && isSame && this.ranges === 'given';
    const rest = isPart ? content.subarray(from) : content;
    const limit = (file === 'model.safetensors' ? this.cuts.shift() : undefined) ?? Number.POSITIVE_INFINITY;
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      start: controller => {
        init.signal?.addEventListener('abort', () => controller.error(init.signal!.reason));
      },
      pull: async controller => {
        await this.onChunk(file, sent);
        const chunk = rest.slice(sent, Math.min(sent + this.chunk, limit));
        sent += chunk.length;
        asked.bytes += chunk.length;
        if (init.signal?.aborted) return;
        if (chunk.length > 0) controller.enqueue(chunk);
        else if (sent < rest.length) controller.error(new TypeError('network error'));
        else controller.close();
      },
    });
    return new Response(body, {
      status: isPart ? 206 : 200,
      headers: {
        ...facts,
        'content-length': `${rest.length}`,
        ...(isPart && { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` }),
      },
    });
  };
}

export interface Loaded {
  readonly weights: Uint8Array;
  readonly store: StoreInfo;
  readonly integrity: string;
  readonly hash: string | null;
}

export interface Tab {
  readonly shelf: MemoryShelf;
  readonly locks: MemoryLocks;
  readonly channel: MemoryChannel;
  readonly server: FakeServer;
}

export const newTab = (files: Files): Tab => ({
  shelf: new MemoryShelf(),
  locks: new MemoryLocks(),
  channel: new MemoryChannel(),
  server: new FakeServer(files),
});

export const ADDRESS = 'https://example.org/models/four';

/** Opens and reads a model as a worker does. */
export async function load(
  { server, ...parts }: Tab,
  options: {
    readonly address?: string;
    readonly integrity?: IntegrityChoice;
    readonly signal?: AbortSignal;
    readonly silenceMs?: number;
    readonly resumes?: number;
    readonly onProgress?: (progress: Progress) => void;
    /** Reads the weights twice, as quantized ones are. */
    readonly twice?: boolean;
  } = {},
): Promise<Loaded> {
  const { address = ADDRESS, signal, onProgress, silenceMs, resumes = 0, integrity, twice = false } = options;
  const fetching: FetchOptions = { fetch: server.fetch, signal, resumes };
  const own = { ...parts, fetching, onProgress, pieceBytes: 128, ...(silenceMs !== undefined && { silenceMs }) };
  return openWith(
    () => new StoredFolder(address, own),
    async folder => {
      const opened = await openModelFolder(address, { ...webIo, folder }, { integrity, signal });
      try {
        const chunks: Uint8Array[] = [];
        for await (const { bytes } of opened.weights.tensors()) chunks.push(bytes);
        if (twice) {
          const before = Buffer.concat(chunks);
          chunks.length = 0;
          for await (const { bytes } of opened.weights.tensors()) chunks.push(bytes);
          if (!before.equals(Buffer.concat(chunks))) throw new Error('a second reading differs');
        }
        const weights = new Uint8Array(Buffer.concat(chunks));
        return { weights, store: opened.store()!, integrity: opened.integrity, hash: opened.hash() };
      } finally {
        await opened.close();
      }
    },
  );
}

export const WEIGHTS = 'model.safetensors';

/** Forgets what was asked, so that the next loading stands alone. */
export const again = (tab: Tab) => {
  tab.server.asked.length = 0;
  return tab;
};

/** Loads until the connection breaks in the weights. */
export const cutAfter = async (tab: Tab, bytes: number) => {
  tab.server.cuts = [bytes];
  await expect(load(tab)).rejects.toMatchObject({ code: 'DOWNLOAD_FAILED', retryable: true });
  return again(tab);
};

export function without(name: string): Files {
  const { [name]: _, ...rest } = files();
  return rest;
}
