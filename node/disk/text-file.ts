// Text files of others: lists and tables as editors and spreadsheets save them. UTF-8 and UTF-16 are read, with a byte order mark
// or without; anything else is refused by name, since it would read as other words.

import { TmcaError } from '../../errors/index.js';
import { LIST_BYTES, readBytes } from './read-file.js';

/** What a reader of files of a data set throws: `openDataset: PATH must be RULE, got …`. */
export const invalid = (path: string, rule: string, got: string, advice: string, cause?: unknown): TmcaError =>
  new TmcaError('DATASET_INVALID', `openDataset: ${path} must be ${rule}, got ${got}; ${advice}`, { cause });

/** Errors: those of `readBytes`, DATASET_INVALID for a file of more than `limit` bytes. */
export const readListBytes = (path: string, signal?: AbortSignal, limit = LIST_BYTES): Promise<Uint8Array> =>
  readBytes(path, {
    ...{ rule: 'openDataset: a list or a table of a data set must be a file', advice: 'mend or move it' },
    ...{ invalid: 'DATASET_INVALID', limit, signal },
  });

/** As `readListBytes`, decoded. Errors: also DATASET_INVALID for text in another encoding. */
export async function readListText(path: string, signal?: AbortSignal, limit = LIST_BYTES): Promise<string> {
  return decodeText(await readListBytes(path, signal, limit), path);
}

/** Errors: DATASET_INVALID. */
export function decodeText(bytes: Uint8Array, path: string): string {
  const encoding = encodingOf(bytes);
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch (cause) {
    if (encoding !== 'utf-8') throw invalid(path, 'text', `a part that is no ${encoding.toUpperCase()}`, ADVICE, cause);
    throw invalid(path, 'text in UTF-8 or UTF-16', notUtf8(bytes), ADVICE, cause);
  }
  throw invalid(path, 'text', 'bytes of zero in it', 'it is damaged or no text: copy it again');
}

const ADVICE = 'save it as UTF-8 (in Excel: CSV UTF-8)';

type Encoding = 'utf-8' | 'utf-16le' | 'utf-16be';

function encodingOf(bytes: Uint8Array): Encoding {
  const [a, b] = bytes;
  if (a === 0xff && b === 0xfe) return 'utf-16le';
  if (a === 0xfe && b === 0xff) return 'utf-16be';
  // Without a mark: tables and lists begin with ASCII, of which UTF-16 makes every second byte a zero.
  const head = bytes.subarray(0, 64);
  const zeros = (parity: number) => head.reduce((n, byte, i) => n + (byte === 0 && i % 2 === parity ? 1 : 0), 0);
  const half = Math.floor(head.length / 2);
  if (half > 0 && zeros(1) > half * 0.9 && zeros(0) === 0) return 'utf-16le';
  if (half > 0 && zeros(0) > half * 0.9 && zeros(1) === 0) return 'utf-16be';
  return 'utf-8';
}

/** Where the text stops being UTF-8. */
function notUtf8(bytes: Uint8Array): string {
  let line = 1;
  let start = 0;
  for (let i = 0; i <= bytes.length; i++) {
    if (i < bytes.length && bytes[i] !== 0x0a) continue;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(start, i));
    } catch {
      return `another encoding (such as Windows-1252 or Latin-1) in line ${line}`;
    }
    line++;
    start = i + 1;
  }
  return 'another encoding';
}
