// Comma-separated values (RFC 4180), as spreadsheets write them: also separated by semicolons or tabs.

/**
 * Rows of fields. The separator is the first of comma, semicolon and tab that occurs in the first line. Quoted fields may
 * hold separators, line breaks and doubled quotes. Empty lines are left out.
 */
export function parseTable(text: string): string[][] {
  const source = text.replace(/^\uFEFF/, '');
  const separator = /[,;\t]/.exec(source.split(/\r?\n/, 1)[0]!)?.[0] ?? ',';
  // What ends a field: a separator, a line break or the end.
  const ending = new RegExp(`${separator}|\\r?\\n|\\r|$`, 'y');
  const plain = new RegExp(`[^${separator}\\r\\n]*`, 'y');
  const rows: string[][] = [];
  let row: string[] = [];
  for (let at = 0; at < source.length; ) {
    const quoted = quotedField(source, at);
    ending.lastIndex = quoted?.end ?? 0;
    let end = quoted && ending.exec(source)?.[0];
    if (quoted && end !== undefined) row.push(quoted.value);
    else {
      // What is no proper quoted field is a plain one, quotes and all.
      plain.lastIndex = at;
      row.push(plain.exec(source)![0]);
      ending.lastIndex = plain.lastIndex;
      end = ending.exec(source)![0];
    }
    at = ending.lastIndex;
    if (end === separator) continue;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push([...row, '']);
  return rows.filter(fields => fields.some(value => value !== ''));
}

/** The field whose first quote is at `start`, and where it ends, or null: by search, since a pattern overflows at some megabytes. */
function quotedField(source: string, start: number): { value: string; end: number } | null {
  if (source[start] !== '"') return null;
  for (let at = start + 1; ; at += 2) {
    at = source.indexOf('"', at);
    if (at < 0) return null;
    if (source[at + 1] !== '"') return { value: source.slice(start + 1, at).replaceAll('""', '"'), end: at + 1 };
  }
}
