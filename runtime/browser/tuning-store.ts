// Where a browser keeps what was measured of an adapter: IndexedDB, in pages and workers alike. Loaded when it is wanted.

import type { TuningStore } from '../engines/webgpu/tuning-cache.js';

const NAME = 'tmca-edge';
const STORE = 'tuning';

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(STORE);
  return done(request);
}

async function inStore<T>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const database = await open();
  try {
    return await done(work(database.transaction(STORE, mode).objectStore(STORE)));
  } finally {
    database.close(); // after its transactions
  }
}

export const tuningDatabase = (): TuningStore => ({
  place: `IndexedDB ${NAME}`,
  async read(name) {
    const found: unknown = await inStore('readonly', store => store.get(name));
    return typeof found === 'string' ? found : null;
  },
  async write(name, text) {
    await inStore('readwrite', store => store.put(text, name));
  },
});
