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
/** The build puts its files and their hash here. */
const FILES: readonly string[] = JSON.parse('["__FILES__"]');
const BUILD = '__BUILD__';
const PREFIX = 'tmca-edge page ';
const CACHE = `${PREFIX}${BUILD}`;

scope.addEventListener<ExtendableEvent>('install', event => {
  event.waitUntil(caches.open(CACHE).then(cache => cache.addAll([...FILES])));
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
  const kept = await cache.match(request.mode === 'navigate' || path === '' ? './' : request, { ignoreSearch: true });
  if (kept) return kept;
  const response = await fetch(request);
  // What is large, as the files of onnxruntime-web, is kept when it was needed once.
  if (response.ok && path.startsWith('assets/')) await cache.put(request, response.clone());
  return response;
}
