// Why a request had no answer at all. Browsers say "Failed to fetch" of a server that is away, of one that does not allow the page to
// read its answer, and of a policy that forbids the request; which of them it was takes a second look.

import { TmcaError } from '../../errors/index.js';

/** What a browser's page or worker has, and Node has not. */
interface Place {
  readonly protocol: string;
  readonly origin: string;
  readonly href: string;
}

/**
 * @param name the address as it may be shown
 * @param thrown what is said where nothing more is known
 */
export async function unreached(
  url: string,
  name: string,
  thrown: TmcaError,
  place: Place | undefined = globalThis.location,
): Promise<TmcaError> {
  const of = (code: 'BAD_ARGUMENT' | 'DOWNLOAD_FAILED', rule: string, got: string, todo: string, retryable = false) =>
    new TmcaError(code, `fetchSource: ${name}: ${rule}, got ${got}; ${todo}`, { retryable, cause: thrown.cause });
  let address: URL;
  try {
    address = new URL(url, place?.href);
  } catch {
    return of(
      'BAD_ARGUMENT',
      'an address must be whole where there is no page that it could be relative to',
      JSON.stringify(name),
      'begin it with http:// or https://',
    );
  }
  if (!/^(https?|blob|data):$/.test(address.protocol))
    return of(
      'BAD_ARGUMENT',
      'an address must be one that can be fetched',
      address.protocol,
      place ? 'serve the page and the folder with a web server' : 'begin it with http:// or https://',
    );
  if (!place) return thrown;
  const { origin } = address;
  const away = () =>
    of(
      'DOWNLOAD_FAILED',
      `${origin} must answer`,
      'no answer',
      "try again, and see that connect-src of the page's content security policy names it",
      true,
    );
  if (origin === place.origin) return away();
  if (
    place.protocol === 'https:' &&
    address.protocol === 'http:' &&
    !/^(localhost|127\.|\[::1\])/.test(address.hostname)
  )
    return of(
      'DOWNLOAD_FAILED',
      'a page over https must fetch over https',
      address.protocol,
      'serve the folder over https',
    );
  // An answer that nobody may read shows at least that there is one.
  const answered = await fetch(address, { mode: 'no-cors', method: 'HEAD' }).then(
    () => true,
    () => false,
  );
  return answered
    ? of(
        'DOWNLOAD_FAILED',
        `${origin} must allow pages of ${place.origin} to read the file (CORS)`,
        'an answer without that',
        `let it send Access-Control-Allow-Origin: ${place.origin}`,
      )
    : away();
}
