// Values in messages: short, on one line, and safe to make from anything that a file may hold.

const LIMIT = 80;

/**
 * Text from elsewhere on one line of a screen: what would move the cursor, break the line or turn the direction of writing is
 * written as `\\u001b` and the like.
 */
export const printable = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** `value` as it goes into a message: JSON where it has one, control characters escaped, cut after 80 characters. */
export function show(value: unknown): string {
  const line = printable(plain(value));
  return line.length <= LIMIT ? line : `${line.slice(0, LIMIT)}…`;
}

function plain(value: unknown): string {
  // JSON has no NaN, no infinities and no bigint
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return `a value without JSON (${typeof value})`;
  }
}
