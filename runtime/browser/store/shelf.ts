// Where a browser keeps bytes by name: the origin's own file system (OPFS), or the Cache API where that is missing. Whoever looks sees
// what was there before or what was put, never a part of it.

export interface Shelf {
  readonly place: 'OPFS' | 'Cache API';
  /** Null where there is nothing. */
  get(name: string): Promise<Uint8Array | null>;
  /** One byte at least. Errors: those of the browser, where there is no room. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  remove(name: string): Promise<void>;
  names(): Promise<string[]>;
  /** Bytes that the browser would still take, as far as it says. */
  room(): Promise<number>;
}

const FOLDER = 'tmca-edge';

/** The best there is here, or why there is none. */
export async function openShelf(): Promise<Shelf | string> {
  if (!globalThis.isSecureContext)
    return 'a browser keeps files only for pages that are served over https or from localhost';
  if (!navigator.locks || typeof BroadcastChannel === 'undefined')
    return 'this browser has no locks that pages share, without which they would disturb each other’s files';
  try {
    // Safari before 26 has OPFS without it, and nothing else there replaces a file in one step.
    if ('createWritable' in FileSystemFileHandle.prototype) return await openFiles();
  } catch {
    // the Cache API is asked
  }
  try {
    return cacheShelf(await caches.open(FOLDER));
  } catch (error) {
    return `the browser gives this page no place to keep files (${error instanceof Error ? error.message : error})`;
  }
}

async function openFiles(): Promise<Shelf> {
  const root = await navigator.storage.getDirectory();
  return fileShelf(await root.getDirectoryHandle(FOLDER, { create: true }));
}

async function room(): Promise<number> {
  try {
    const { quota, usage = 0 } = await navigator.storage.estimate();
    return quota === undefined ? Number.POSITIVE_INFINITY : quota - usage;
  } catch {
    return Number.POSITIVE_INFINITY; // it is found out when there is none
  }
}

const isAbsent = (error: unknown): boolean => error instanceof DOMException && error.name === 'NotFoundError';

const orNull = (error: unknown): null => {
  if (isAbsent(error)) return null;
  throw error;
};

export const fileShelf = (folder: FileSystemDirectoryHandle): Shelf => ({
  place: 'OPFS',
  room,
  async get(name) {
    const handle = await folder.getFileHandle(name).catch(orNull);
    const file = await handle?.getFile().catch(orNull);
    // An empty file is the trace of a page that ended before it had written.
    return file && file.size > 0 ? new Uint8Array(await file.arrayBuffer()) : null;
  },
  async put(name, bytes) {
    const handle = await folder.getFileHandle(name, { create: true });
    // Written aside; takes the file's place when it is closed.
    const writable = await handle.createWritable();
    try {
      await writable.write(bytes as Uint8Array<ArrayBuffer>);
      await writable.close();
    } catch (error) {
      await writable.abort().catch(() => undefined);
      throw error;
    }
  },
  async remove(name) {
    await folder.removeEntry(name).catch(orNull);
  },
  async names() {
    const names: string[] = [];
    // TypeScript's DOM library has its iterators in a part of their own.
    const keys = (folder as unknown as { keys(): AsyncIterable<string> }).keys();
    for await (const name of keys) names.push(name);
    return names;
  },
});

/** The Cache API takes addresses only; nothing is ever asked of this one. */
const ADDRESS = 'https://tmca-edge.invalid/';

export const cacheShelf = (cache: Cache): Shelf => ({
  place: 'Cache API',
  room,
  async get(name) {
    const response = await cache.match(ADDRESS + name);
    return response ? new Uint8Array(await response.arrayBuffer()) : null;
  },
  async put(name, bytes) {
    await cache.put(ADDRESS + name, new Response(bytes as Uint8Array<ArrayBuffer>));
  },
  async remove(name) {
    await cache.delete(ADDRESS + name);
  },
  async names() {
    return (await cache.keys()).map(({ url }) => url.slice(ADDRESS.length));
  },
});
