// JSON without its blind spot: JSON.parse keeps the last of two equal keys and says nothing, so that two readers of one
// file can see two different files.

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = 0x7b;
const CLOSE = 0x7d;
const COLON = 0x3a;
const COMMA = 0x2c;

export type JsonResult =
  | { readonly value: unknown }
  | { readonly problem: 'syntax' | 'duplicate' | 'excess'; readonly detail: string };

/** No file of ours, and none of those that we read, comes near: 64 levels, and some hundred thousand records or tensors. */
const MAX_DEPTH = 64;
const MAX_VALUES = 2 ** 22;

/**
 * Parses JSON text in which no object has a key twice, however the key is escaped. `most`: values that it may hold, where long lists
 * of numbers are to be expected.
 */
export function parseJson(text: string, most = MAX_VALUES): JsonResult {
  const excess = findExcess(text, most);
  if (excess) return { problem: 'excess', detail: excess };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: 'syntax', detail: (error as Error).message };
  }
  const duplicate = findDuplicateKey(text);
  return duplicate === null ? { value } : { problem: 'duplicate', detail: duplicate };
}

/** What would make a value of many times the text's size: each bracket costs two bytes here, and an object there. */
function findExcess(text: string, most: number): string | null {
  let depth = 0;
  let values = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === QUOTE) {
      i = endOfString(text, i) - 1;
      continue;
    }
    // brackets are braces without one bit
    const opens = (c | 0x20) === OPEN;
    if (opens) depth++;
    else if ((c | 0x20) === CLOSE) depth--;
    if (depth > MAX_DEPTH) return `more than ${MAX_DEPTH} levels`;
    if ((opens || c === COMMA) && ++values > most) return `more than ${most} values`;
  }
  return null;
}

/** The first key that its object already has. `text` must be well-formed JSON. */
function findDuplicateKey(text: string): string | null {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === OPEN) open.push(new Set());
    else if (c === CLOSE) open.pop();
    else if (c === QUOTE) {
      const end = endOfString(text, i);
      // in well-formed JSON a string is a key exactly where a colon follows
      if (text.charCodeAt(skipSpace(text, end)) === COLON) {
        const key = JSON.parse(text.slice(i, end)) as string;
        const keys = open[open.length - 1]!;
        if (keys.has(key)) return key;
        keys.add(key);
      }
      i = end - 1;
    }
  }
  return null;
}

/** Index after the closing quote of the string that opens at `start`, or after the text. */
function endOfString(text: string, start: number): number {
  let i = start + 1;
  for (; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === BACKSLASH) i++;
    else if (c === QUOTE) break;
  }
  return i + 1;
}

function skipSpace(text: string, from: number): number {
  let i = from;
  while (i < text.length && text.charCodeAt(i) <= 0x20) i++;
  return i;
}

/** Whether a value of JSON is an object, neither null nor a list. */
export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
