// Files over HTTP. A body is streamed and counted, resumed where the server allows it, and every way in which it can fail
// to be the file that was asked for ends in DOWNLOAD_FAILED.

import { TmcaError, throwIfAborted } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import type { Progress } from '../loading.js';
import type { ByteSource } from './source.js';

export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called with phase 'download' as bytes arrive. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** How long a server may send nothing before the download has failed; 30 s if not given. */
  readonly idleMs?: number;
  /** How often a broken body is taken up again where it broke, by a range request; 2 if not given. */
  readonly resumes?: number;
  /** Whether the reader compares a hash of the whole, so that the server need not prove that the file is still the same. */
  readonly sure?: boolean;
  /** As of `fetch`. */
  readonly cache?: RequestCache;
  /** The platform's own if not given. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** A response whose status and type are right, and the means to stop it. */
export interface Download {
  readonly response: Response;
  readonly stop: AbortController;
}

/** Whether the server may succeed if asked again: time-outs, throttling, its own errors. */
export const isTransient = (status: number): boolean =>
  status === 408 || status === 425 || status === 429 || status >= 500;

/** An address for messages: no user, password, query or fragment, where secrets may be. */
export function displayUrl(url: string): string {
  return url.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1');
}

/**
 * Asks for a file; null where the server says that there is none (404, 410). The body follows by `stream`.
 *
 * @throws TmcaError DOWNLOAD_FAILED (`retryable` where a second try may help): no connection, an HTTP error, a web page in
 *   the file's place, silence, a body that breaks off or is not as long as announced. ABORTED.
 */
export async function fetchSource(url: string, options: FetchOptions = {}): Promise<ByteSource | null> {
  const name = displayUrl(url);
  const first = await request(url, name, options);
  if (!first) return null;
  let waiting: Download | null = first;
  const close = async () => {
    waiting?.stop.abort();
    waiting = null;
  };
  async function* stream(signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const given = waiting;
    waiting = null;
    const both = anySignal(signal, options.signal);
    const own: FetchOptions = both ? { ...options, signal: both } : options;
    const download = given ?? (await request(url, name, own));
    if (!download) throw failed(name, 'the file must stay where it is', 'HTTP 404', false);
    yield* resumable(url, name, download, own);
  }
  return { name, size: sizeOf(first.response), stream, close };
}

/**
 * The body, taken up again after a break where the server can prove that it is still the same file, or the reader can.
 *
 * @param loaded bytes of the file that come before those of `first`
 */
export async function* resumable(
  url: string,
  name: string,
  first: Download,
  options: FetchOptions,
  loaded = 0,
): AsyncGenerator<Uint8Array> {
  const rest = sizeOf(first.response);
  const size = rest === undefined ? rest : loaded + rest;
  const validator = validatorOf(first.response);
  const resumes = validator || options.sure ? (options.resumes ?? 2) : 0;
  let download: Download | null = first;
  for (let broken = 0; ; broken++) {
    try {
      download ??= await resume(url, name, loaded, validator, options);
      // What is here already, where the server knows no ranges.
      let skip = download.response.status === 206 ? 0 : loaded;
      for await (const received of bodyOf(download, name, options)) {
        const chunk = received.subarray(skip);
        skip -= received.length - chunk.length;
        if (chunk.length === 0) continue;
        if (loaded === 0) refusePage(chunk, name);
        loaded += chunk.length;
        if (size !== undefined && loaded > size) throw lengthFailure(name, size, loaded, false);
        options.onProgress?.({ phase: 'download', file: name, loaded, ...(size === undefined ? {} : { total: size }) });
        yield chunk;
      }
      if (size !== undefined && loaded < size) throw lengthFailure(name, size, loaded, true);
      return;
    } catch (error) {
      if (!(error instanceof TmcaError) || !error.retryable || broken >= resumes) throw error;
      download = null;
      // 0.1 s, then 0.4 s, …: a network that comes back does so in its own time
      await new Promise(resolve => setTimeout(resolve, 100 * 4 ** broken));
    }
  }
}

/** Headers that ask for a file from `offset`. If-Range: one that has changed comes whole, with status 200. */
export const rangeFrom = (
  offset: number,
  validator: string | null,
  { sure }: FetchOptions,
): Record<string, string> => ({
  Range: `bytes=${offset}-`,
  ...(validator && !sure && { 'If-Range': validator }),
});

/** Whether an answer begins there. */
export const beginsAt = ({ status, headers }: Response, offset: number): boolean =>
  status === 206 && (headers.get('content-range') ?? '').startsWith(`bytes ${offset}-`);

/** The rest of the file from `offset`, or all of it, where that is as good. */
async function resume(
  url: string,
  name: string,
  offset: number,
  validator: string | null,
  options: FetchOptions,
): Promise<Download> {
  const download = await request(url, name, options, rangeFrom(offset, validator, options));
  const { response } = download ?? {};
  if (response && (beginsAt(response, offset) || (options.sure && response.status === 200))) return download!;
  const range = response?.headers.get('content-range') ?? '';
  download?.stop.abort();
  throw failed(name, `the download must go on at byte ${offset}`, show(range || response?.status), true);
}

/** Null where there is no such file. Errors: as `fetchSource`. @param also a status that is an answer too */
export async function request(
  url: string,
  name: string,
  options: FetchOptions,
  headers: Record<string, string> = {},
  also?: number,
): Promise<Download | null> {
  throwIfAborted(options.signal, `fetchSource: ${name}`);
  const stop = new AbortController();
  const signal = anySignal(stop.signal, options.signal)!;
  // Without text/html and */* among them, development servers answer 404 for a missing file, not their start page.
  const accept = { Accept: 'application/octet-stream, application/json, text/plain', ...headers };
  const ask = options.fetch ?? ((to: string, init: RequestInit) => fetch(to, init));
  const { cache } = options;
  const response = await within(
    ask(url, { signal, headers: accept, ...(cache && { cache }) }),
    name,
    stop,
    options,
  ).catch(async error => {
    // No answer at all, not an abort nor silence. `fetch` of the caller's own is the caller's to explain.
    if (options.fetch || !(error.cause instanceof TypeError)) throw error;
    throw await (await import('./unreached.js')).unreached(url, name, error);
  });
  if (response.status === 404 || response.status === 410) {
    stop.abort();
    return null;
  }
  if (![200, 206, also].includes(response.status)) {
    stop.abort();
    throw failed(name, 'the server must answer 200', `HTTP ${response.status}`, isTransient(response.status));
  }
  if (/^text\/html\b/i.test(response.headers.get('content-type') ?? '')) {
    stop.abort();
    throw failed(name, 'the answer must be the file', 'a web page (text/html)', false);
  }
  return { response, stop };
}

async function* bodyOf({ response, stop }: Download, name: string, options: FetchOptions): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  if (!reader) return;
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), name, stop, options);
      if (done) return;
      if (value.length > 0) yield value;
    }
  } finally {
    // ends the connection where the reader leaves early; nothing happens to a body that is complete
    stop.abort();
  }
}

/** `work`, or a typed error: the caller's abort, silence for `idleMs`, a connection that breaks. */
async function within<T>(work: Promise<T>, name: string, stop: AbortController, options: FetchOptions): Promise<T> {
  const idleMs = options.idleMs ?? 30_000;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(failed(name, `the server must send something within ${idleMs} ms`, 'nothing', true));
      stop.abort();
    }, idleMs);
  });
  try {
    return await Promise.race([work, silence]);
  } catch (error) {
    throwIfAborted(options.signal, `fetchSource: ${name}`);
    if (error instanceof TmcaError) throw error;
    throw failed(name, 'the connection must last', String((error as Error).message ?? error), true, error);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Content-Length, where it is the length of the file: not of a compressed body, and a server elsewhere (CORS) need not
 * tell a page that its body is compressed.
 */
export function sizeOf(response: Response): number | undefined {
  const length = response.headers.get('content-length');
  if (length === null || !/^\d+$/.test(length) || isCompressed(response) || response.type === 'cors') return undefined;
  return Number(length);
}

const isCompressed = (response: Response): boolean =>
  (response.headers.get('content-encoding') ?? 'identity').toLowerCase() !== 'identity';

/** What identifies this version of the file for If-Range: a strong entity tag, else its date. */
export function validatorOf(response: Response): string | null {
  if (isCompressed(response) || response.type === 'cors') return null;
  const tag = response.headers.get('etag');
  return tag?.startsWith('"') ? tag : response.headers.get('last-modified');
}

/** A page that is not declared as one. */
function refusePage(chunk: Uint8Array, name: string): void {
  const start = new TextDecoder('latin1').decode(chunk.subarray(0, 256));
  if (/^\s*<(!doctype\s+html|html)\b/i.test(start)) {
    throw failed(name, 'the answer must be the file', `a web page (${show(start.slice(0, 32))})`, false);
  }
}

const lengthFailure = (name: string, size: number, loaded: number, retryable: boolean) =>
  failed(
    name,
    `the body must have the announced ${size} bytes`,
    `${loaded}${loaded > size ? ' or more' : ''}`,
    retryable,
  );

function failed(name: string, rule: string, got: string, retryable: boolean, cause?: unknown): TmcaError {
  const advice = retryable ? 'try again' : 'check the address';
  return new TmcaError('DOWNLOAD_FAILED', `fetchSource: ${name}: ${rule}, got ${got}; ${advice}`, { retryable, cause });
}

function anySignal(...signals: (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = signals.filter(signal => signal !== undefined);
  return given.length < 2 ? given[0] : AbortSignal.any(given);
}
