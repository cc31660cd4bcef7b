// The page without a network: service-worker.ts keeps the page's files, the package those of the model.

/** @param large whether the engine that runs needs the build's large files, those of onnxruntime-web */
export async function keepOffline(large: Promise<boolean>): Promise<void> {
  // The build names it: in development files change under the page. Some browsers have none in private windows.
  const script = document.querySelector<HTMLMetaElement>('meta[name="service-worker"]')?.content;
  if (!script || !('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register(script);
    const { active } = await navigator.serviceWorker.ready;
    if (await large) active?.postMessage('keep the large files');
  } catch (error) {
    console.warn('The page will not work without a network.', error);
  }
}
