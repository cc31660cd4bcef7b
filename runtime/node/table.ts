// Comma-separated values (RFC 4180), as spreadsheets write them: also separated by semicolons or tabs.

/**
 * Rows of fields. The separator is the first of comma, semicolon and tab that occurs in the first line. Quoted fields may
 * hold separators, line breaks and doubled quotes. Empty lines are left out.
 */
export function parseTable(text: string): string[][] {
  const source = text.replace(/^\uFEFF/, '');
  const separator = /[,;\t]/.exec(source.split(/\r?\n/, 1)[0]!)?.[0] ?? ',';
  // A field, quoted or plain, and what ends it: a separator, a line break or the end.
  const field = new RegExp(`(?:"((?:[^"]|"")*)"|([^${separator}\\r\\n]*))(${separator}|\\r?\\n|\\r|$)`, 'gy');
  const rows: string[][] = [];
  let row: string[] = [];
  while (field.lastIndex < source.length) {
    // Always matches: what is no proper quoted field is a plain one, quotes and all.
    const [, quoted, plain = '', end] = field.exec(source)!;
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === separator) continue;
    rows.push(row);
    row = [];
  }
  if (row.length > 0) rows.push([...row, '']);
  return rows.filter(fields => fields.some(value => value !== ''));
}
