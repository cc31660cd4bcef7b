// A page that is left and comes back: another tab, or the back-forward cache.

/** @returns Stops watching. */
export function watchPage(left: () => void, back: () => void): () => void {
  if (typeof document === 'undefined') return () => {};
  const stop = new AbortController();
  const { signal } = stop;
  document.addEventListener('visibilitychange', () => (document.hidden ? left() : back()), { signal });
  globalThis.addEventListener('pagehide', left, { signal });
  globalThis.addEventListener('pageshow', event => (event as PageTransitionEvent).persisted && back(), { signal });
  return () => stop.abort();
}
