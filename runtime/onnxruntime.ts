// onnxruntime-web in a page or its worker: the package's own copy, which bundlers take along, or the one that `wasmPaths` names. It is
// started before a model is fetched, so that what stands in its way (a file that is not served, a policy) is said first.

import { policyError } from '../assembly/policy.js';
import { TmcaError } from '../errors/index.js';
import { settleThreads } from './engines/wasm/facts.js';
import type { Ort } from './engines/wasm/network.js';
import { importAddress } from './import-address.js';

/**
 * In the folder `onnxruntime` of the package: one level up from here, as it is from `dist`. Bundlers know this form, copy the files
 * and put their addresses here; where nothing is bundled, they are addresses already.
 */
const own = () => ({
  script: new URL('../onnxruntime/ort.js', import.meta.url).href,
  wasm: new URL('../onnxruntime/ort-wasm-simd-threaded.wasm', import.meta.url).href,
});

/** An ONNX model of one Identity, opset 13. */
const IDENTITY = 'CAg6KwoQCgF4EgF5IghJZGVudGl0eRIBZ1oJCgF4EgQKAggBYgkKAXkSBAoCCAFCAhAN';

/** @throws TmcaError ENGINE_UNAVAILABLE: a file that is not there, WebAssembly that is not allowed */
export async function loadOnnxruntime(wasmPaths: string | undefined): Promise<Ort> {
  const folder = wasmPaths?.replace(/\/*$/, '/');
  const { script, wasm } =
    folder === undefined
      ? own()
      : { script: `${folder}ort.wasm.min.mjs`, wasm: `${folder}ort-wasm-simd-threaded.wasm` };
  const ort = await importAddress<Ort>(script).catch(cause => fail(script, cause));
  // A folder has the glue beside the wasm; our script has it inside.
  ort.env.wasm.wasmPaths = folder ?? { wasm };
  settleThreads(ort, navigator.hardwareConcurrency);
  try {
    const model = Uint8Array.from(atob(IDENTITY), c => c.charCodeAt(0));
    await (await ort.InferenceSession.create(model, { executionProviders: ['wasm'] })).release();
  } catch (cause) {
    throw policyError(cause) ?? (await fail(wasm, cause));
  }
  return ort;
}

/** Asks for the file once more, this time to see what is wrong with it: browsers tell a script nothing but that it failed. */
async function fail(address: string, cause: unknown): Promise<never> {
  const said = cause instanceof Error ? cause.message : String(cause);
  const got = (await faultOf(address)) ?? `"${said}"`;
  throw new TmcaError(
    'ENGINE_UNAVAILABLE',
    `loadOrt: onnxruntime-web must load from ${address.replace(/[?#].*$/s, '')}, got ${got}; ` +
      "serve the package's folder onnxruntime there, or set wasmPaths to the address where you serve it",
    { cause },
  );
}

async function faultOf(address: string): Promise<string | null> {
  const stop = new AbortController();
  try {
    const { status, headers } = await fetch(address, { signal: stop.signal });
    const type = headers.get('content-type') ?? 'no content type';
    if (status !== 200) return `HTTP ${status}`;
    if (/html/i.test(type)) return `a web page (${type})`;
    return /\.m?js$/.test(address) && !/javascript|ecmascript/i.test(type)
      ? `content type ${type}, which no browser runs as a script`
      : null;
  } catch {
    const foreign = new URL(address).origin !== globalThis.location?.origin;
    return foreign ? 'no answer that this page may read (CORS: Access-Control-Allow-Origin)' : 'no answer';
  } finally {
    stop.abort();
  }
}
