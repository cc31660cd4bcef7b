// Values in messages: short, on one line, and safe to make from anything that a file may hold.

const LIMIT = 80;

/** `value` as it goes into a message: JSON where it has one, control characters escaped, cut after 80 characters. */
export function show(value: unknown): string {
  const line = plain(value).replace(
    // controls, line and paragraph separators, and what reverses the direction of writing
    /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/gu,
    c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
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
