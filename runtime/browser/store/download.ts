// A file's body from where an earlier download of it ended, if the server can go on there, else from its beginning.

import {
  beginsAt,
  type Download,
  displayUrl,
  type FetchOptions,
  isTransient,
  rangeFrom,
  request,
  resumable,
  sizeOf,
  validatorOf,
} from '../../../formats/safetensors/fetch.js';
import { type Facts, UNKNOWN } from './records.js';

export interface Arriving {
  /** Bytes of the file that the body leaves out. */
  readonly begun: number;
  /** The length of the file; undefined where the server does not say. */
  readonly size: number | undefined;
  /** What a server must confirm before it goes on; null where it gave nothing of the kind. */
  readonly validator: string | null;
  readonly facts: Facts;
  body(options: FetchOptions): AsyncGenerator<Uint8Array>;
  /** Twice is fine. */
  stop(): void;
}

/**
 * Null where there is no such file. Errors: as `fetchSource`.
 *
 * @param begun bytes that are here; they count only where `options.sure` is set or `validator` is confirmed
 */
export async function download(
  url: string,
  options: FetchOptions,
  begun: number,
  validator: string | null,
): Promise<Arriving | null> {
  const name = displayUrl(url);
  if (begun > 0 && (options.sure || validator)) {
    const rest = await askForRest(url, name, options, begun, validator);
    if (rest?.response.status === 416) return complete(begun, factsOf(rest.response));
    if (rest) return arriving(url, name, rest, beginsAt(rest.response, begun) ? begun : 0);
  }
  const whole = await request(url, name, options);
  return whole && arriving(url, name, whole, 0);
}

/** An answer of 416 says that the file ends there. Null: the whole is to be asked for. */
async function askForRest(
  url: string,
  name: string,
  options: FetchOptions,
  begun: number,
  validator: string | null,
): Promise<Download | null> {
  // A server elsewhere may not allow the header, which looks like no answer at all.
  const foreign = globalThis.location && new URL(url, location.href).origin !== location.origin;
  const rest = await request(url, name, options, rangeFrom(begun, validator, options), 416).catch(error => {
    if (foreign && error.retryable) return null;
    throw error;
  });
  if (!rest) return null;
  const { status, headers } = rest.response;
  const ends = status === 416 && headers.get('content-range') === `bytes */${begun}`;
  if (status === 200 || ends || beginsAt(rest.response, begun)) return rest;
  rest.stop.abort();
  return null;
}

/** A file of which all bytes are here. */
export const complete = (bytes: number, facts: Facts = UNKNOWN): Arriving => ({
  begun: bytes,
  size: bytes,
  validator: null,
  facts: { ...facts, length: null },
  async *body() {},
  stop: () => {},
});

function arriving(url: string, name: string, { response, stop }: Download, begun: number): Arriving {
  const rest = sizeOf(response);
  return {
    begun,
    size: rest === undefined ? undefined : begun + rest,
    validator: validatorOf(response),
    // the length of a rest is not that of the file, which HEAD will tell
    facts: begun > 0 ? { ...factsOf(response), length: null } : factsOf(response),
    body: options => resumable(url, name, { response, stop }, options, begun),
    stop: () => stop.abort(),
  };
}

const factsOf = ({ headers }: Response): Facts => ({
  etag: headers.get('etag'),
  modified: headers.get('last-modified'),
  length: headers.get('content-length'),
});

/** Whether they speak of one version of a file: by its tag, else by its date. A length alone proves nothing: retrained, a model keeps it. */
export function isSame(before: Facts, now: Facts): boolean {
  if (before.length !== null && now.length !== null && before.length !== now.length) return false;
  if (before.etag !== null || now.etag !== null) return before.etag === now.etag;
  return before.modified !== null && before.modified === now.modified;
}

/** How long a server may take to say whether a file that is here is still the same. */
const REVALIDATION_MS = 5_000;

/** What a server says of a file without sending it. `away`: it cannot be asked now. `unsaid`: anything else. */
export async function askFacts(url: string, options: FetchOptions): Promise<Facts | 'away' | 'unsaid'> {
  const ask = options.fetch ?? ((to: string, init: RequestInit) => fetch(to, init));
  const limit = AbortSignal.timeout(options.idleMs ?? REVALIDATION_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
  const response = await ask(url, { method: 'HEAD', cache: 'no-cache', signal }).catch(() => null);
  if (!response || isTransient(response.status)) return 'away';
  return response.status === 200 ? factsOf(response) : 'unsaid';
}
