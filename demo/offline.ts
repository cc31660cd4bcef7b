// The page without a network: service-worker.ts keeps the page's files, the package those of the model.

/** @param large whether the engine that runs needs the build's large files, those of onnxruntime-web */
export async function keepOffline(large: Promise<boolean>): Promise<void> {
  // In development files change under the page; and some browsers forbid service workers in private windows.
  if (!import.meta.env.PROD || !('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register('./sw.js');
    const { active } = await navigator.serviceWorker.ready;
    if (await large) active?.postMessage('keep the large files');
  } catch (error) {
    console.warn('The page will not work without a network.', error);
  }
}
