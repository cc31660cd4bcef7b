// Makes the built page work without a network. It keeps the page's own files, by the hash of the build, and leaves the model's to the
// package, which keeps them by their own hashes.

interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface ServiceWorkerScope {
  readonly clients: { claim(): Promise<void> };
  readonly registration: { readonly scope: string };
  addEventListener<E extends Event>(type: string, listener: (event: E) => void): void;
}

const scope = globalThis as unknown as ServiceWorkerScope;
/** The build puts its files and their hash here: those that are kept at once, and those that not every engine needs. */
const FILES: readonly string[] = JSON.parse('["__FILES__"]');
const LARGE: readonly string[] = JSON.parse('["__LARGE__"]');
const BUILD = '__BUILD__';
const PREFIX = 'tmca-edge page ';
const CACHE = `${PREFIX}${BUILD}`;

scope.addEventListener<ExtendableEvent>('install', event => {
  event.waitUntil(caches.open(CACHE).then(cache => cache.addAll([...FILES])));
});

// The page says when it runs on an engine that needs the large files.
scope.addEventListener<ExtendableEvent>('message', event => {
  event.waitUntil(caches.open(CACHE).then(cache => cache.addAll([...LARGE])));
});

// A page that is open keeps the files of its own build: the worker of a newer one waits until it is closed.
scope.addEventListener<ExtendableEvent>('activate', event => {
  const tidy = async () => {
    for (const name of await caches.keys()) if (name.startsWith(PREFIX) && name !== CACHE) await caches.delete(name);
    await scope.clients.claim();
  };
  event.waitUntil(tidy());
});

scope.addEventListener<FetchEvent>('fetch', event => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  const home = new URL(scope.registration.scope);
  if (request.method !== 'GET' || origin !== home.origin || !pathname.startsWith(home.pathname)) return;
  const path = pathname.slice(home.pathname.length);
  if (path.startsWith('models/')) return;
  event.respondWith(answer(request, path));
});

async function answer(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request.mode === 'navigate' || path === '' ? './' : request, {
    ignoreSearch: true,
    ignoreVary: true,
  });
  return kept ?? fetch(request);
}
