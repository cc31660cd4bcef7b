// The WebAssembly module, instantiated: addresses, copies and nothing else. The parts (preprocess, wordpiece, …) are built
// on it. Runs wherever WebAssembly does: page, worker, Node.

import deflated from '../build/tmca.wasm.deflate?inline';
import { TmcaError } from '../errors/index.js';
import type { AssemblyExports, Pointer } from './exports.js';

/**
 * One instance of the module. Its memory only grows; dispose what was made from it to let the space be used again.
 *
 * Nobody gets a view of the memory: whatever grows it, for another session too, would detach it.
 */
export class Assembly {
  readonly exports: AssemblyExports;

  constructor(exports: AssemblyExports) {
    this.exports = exports;
  }

  /** Bytes of the module's memory, which never shrinks. */
  get memoryBytes(): number {
    return this.exports.memory.buffer.byteLength;
  }

  /** A block of at least `bytes` bytes, 16-byte aligned. Errors: OUT_OF_MEMORY. */
  alloc(bytes: number, where: string): Pointer {
    if (bytes > MAX_BLOCK) throw outOfMemory(bytes, where, undefined);
    return this.guard(bytes, where, () => this.exports.alloc(bytes)) >>> 0;
  }

  free(address: Pointer): void {
    this.exports.free(address);
  }

  /**
   * Calls something that allocates some `bytes`. The module traps where its memory cannot grow, before it changes anything;
   * that trap becomes an error with a code.
   */
  guard<T>(bytes: number, where: string, call: () => T): T {
    try {
      return call();
    } catch (cause) {
      if (!(cause instanceof WebAssembly.RuntimeError)) throw cause;
      throw outOfMemory(bytes, where, cause);
    }
  }

  /** Copies the list that the last call left. */
  list(): Int32Array<ArrayBuffer> {
    return this.read(this.exports.listData() >>> 0, new Int32Array(this.exports.listLength()));
  }

  /** Copies an array's bytes into the module's memory. */
  write(address: Pointer, from: TypedArray): void {
    this.#bytes(address, from.byteLength).set(bytesOf(from));
  }

  /** Fills an array with the bytes at an address, and returns it. */
  read<T extends TypedArray>(address: Pointer, into: T): T {
    bytesOf(into).set(this.#bytes(address, into.byteLength));
    return into;
  }

  #bytes(address: Pointer, length: number): Uint8Array {
    return new Uint8Array(this.exports.memory.buffer, address, length);
  }
}

type TypedArray = Uint8Array | Uint8ClampedArray | Uint16Array | Int32Array | Float32Array | Float64Array;

const bytesOf = ({ buffer, byteOffset, byteLength }: TypedArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** The allocator's largest block is 1 GiB, less its header. */
const MAX_BLOCK = 2 ** 30 - 16;

function outOfMemory(bytes: number, where: string, cause: unknown): TmcaError {
  const message = `${where}: WebAssembly memory must have room for ${bytes} more bytes, got none; free memory or use smaller images`;
  return new TmcaError('OUT_OF_MEMORY', message, { cause });
}

let module: Promise<WebAssembly.Module> | undefined;
let shared: Promise<Assembly> | undefined;

/** A new instance with a memory of its own. The module is compiled once a thread. */
export async function createAssembly(): Promise<Assembly> {
  module ??= inflate(deflated)
    .then(bytes => WebAssembly.compile(bytes))
    .catch(async cause => {
      throw (await import('./policy.js')).policyError(cause) ?? cause;
    });
  const instance = await WebAssembly.instantiate(await module, {});
  return new Assembly(instance.exports as unknown as AssemblyExports);
}

/**
 * The thread's instance, made at the first call.
 *
 * @example
 * const assembly = await loadAssembly();
 * using preprocessor = new Preprocessor(assembly, { size: 224, normalize: 'zscore' });
 */
export function loadAssembly(): Promise<Assembly> {
  shared ??= createAssembly();
  return shared;
}

/**
 * `data:…;base64,…` to the bytes that were deflated: in base64 a server's gzip finds little left to take, so the module is small
 * before. `fetch` of data URIs is what a strict content policy forbids.
 */
async function inflate(url: string): Promise<ArrayBuffer> {
  const text = atob(url.slice(url.indexOf(',') + 1));
  const bytes = Uint8Array.from(text, c => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  // Read by hand: Node loads its whole HTTP client for a `Response`.
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const reader = stream.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
  return new Blob(parts).arrayBuffer();
}
