// onnxruntime-web, or why there is none. Imported when wanted: a page with a GPU has no use for it.

import { TmcaError } from '../../../errors/index.js';
import type { Platform } from '../platform.js';
import type { Ort } from './network.js';

/** Errors: ENGINE_UNAVAILABLE, where onnxruntime-web cannot be loaded, or may not run. */
export async function loadOrt(platform: Platform, wasmPaths?: string): Promise<Ort> {
  try {
    return await platform.ort(wasmPaths);
  } catch (cause) {
    if (cause instanceof TmcaError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    const todo = "serve the package's folder onnxruntime, and set wasmPaths to its address";
    throw new TmcaError('ENGINE_UNAVAILABLE', `loadOrt: onnxruntime-web must load, got "${why}"; ${todo}`, { cause });
  }
}
