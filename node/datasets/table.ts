// Tables as spreadsheets write them: comma-separated values (RFC 4180), also separated by semicolons or tabs; and .xlsx.

import { extname } from 'node:path';
import { show } from '../../errors/show.js';
import { invalid, readListBytes, readListText } from '../disk/text-file.js';

/** A sentence has some hundred characters; what is longer is a quote that nobody closed. */
const MAX_ROW = 100_000;
/** What a spreadsheet may unpack to, and be packed: a table of a hundred thousand sentences has a tenth of it. */
const MAX_UNPACKED = 256 * 2 ** 20;
const MAX_PACKED = 64 * 2 ** 20;
/** The most rows, and the most cells: far above any list of images, and below what a sparse sheet could make of a few bytes. */
const MAX_ROWS = 1_000_000;

export interface Row {
  /** In the file, from 1. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Extensions of tables, the first of which is taken where there are several. */
export const TABLE_EXTENSIONS = ['.csv', '.tsv', '.xlsx', '.xls', '.ods'] as const;

/** Rows that hold anything, the first of them the header. Errors: DATASET_INVALID, UNSUPPORTED, ABORTED. */
export async function readTable(path: string, signal?: AbortSignal): Promise<Row[]> {
  const extension = extname(path).toLowerCase();
  if (extension === '.xlsx') return readSpreadsheet(path, signal);
  if (extension === '.csv' || extension === '.tsv') return parseTable(await readListText(path, signal), path);
  throw invalid(path, 'a table in .csv or .xlsx', extension, 'save it as one of them');
}

/**
 * The separator is the first of comma, semicolon and tab outside quotes in the first line. Quoted fields may hold separators, line
 * breaks and doubled quotes; a quote within a plain field is itself. Every row must have as many fields as the first, so that a
 * sentence with a comma that nobody quoted is not cut there; empty fields at a row's end do not count.
 *
 * Errors: DATASET_INVALID, naming the line.
 */
export async function parseTable(text: string, path: string): Promise<Row[]> {
  const { parse } = await import('csv-parse/sync');
  // Excel writes and reads a first line that names the separator
  const told = /^\uFEFF?"?sep=([,;\t])"?\r?\n/i.exec(text);
  const separator = told?.[1] ?? separatorOf(text);
  let rows: Row[];
  try {
    const options = {
      delimiter: separator,
      bom: true,
      relax_quotes: true,
      relax_column_count: true,
      info: true,
      // "a.png, \"one, two\"": a quote after a space begins a quoted field
      ltrim: separator !== '\t',
      from_line: told ? 2 : 1,
    } as const;
    const limits = { skip_empty_lines: true, max_record_size: MAX_ROW };
    const parsed = parse(text, { ...options, ...limits }) as unknown as {
      readonly record: string[];
      readonly info: { readonly lines: number };
    }[];
    rows = parsed.map(({ record, info }) => ({ line: info.lines, cells: record }));
  } catch (cause) {
    throw invalid(path, 'a table', complaint(cause), 'mend that line', cause);
  }
  const filled = rows.filter(({ cells }) => cells.some(cell => cell.trim() !== ''));
  // a column without a name has nothing to say
  const columns = (filled[0]?.cells ?? []).findLastIndex(name => name.trim() !== '') + 1;
  for (const { line, cells } of filled) {
    const surplus = cells.slice(columns).some(cell => cell.trim() !== '');
    if (!surplus) continue;
    const got = `${cells.length} fields in line ${line} where the first line has ${columns}: ${show(cells.join(separator))}`;
    throw invalid(path, 'a table', got, `put fields that hold ${NAMES[separator]} into double quotes`);
  }
  return filled;
}

const NAMES: Readonly<Record<string, string>> = { ',': 'a comma', ';': 'a semicolon', '\t': 'a tab' };

function separatorOf(text: string): string {
  let quoted = false;
  for (const character of text) {
    if (character === '"') quoted = !quoted;
    else if (!quoted && character in NAMES) return character;
    else if (!quoted && /[\r\n]/.test(character)) break;
  }
  return ',';
}

function complaint(cause: unknown): string {
  const { code, lines } = cause as { readonly code?: string; readonly lines?: number };
  if (code === 'CSV_MAX_RECORD_SIZE') return `a row of more than ${MAX_ROW} characters in line ${lines}`;
  if (code === 'CSV_QUOTE_NOT_CLOSED') return `a quote that is opened and never closed, at line ${lines}`;
  return cause instanceof Error ? cause.message : String(cause);
}

/** The first sheet. Libraries are loaded when there is a spreadsheet to read. */
async function readSpreadsheet(path: string, signal?: AbortSignal): Promise<Row[]> {
  const packed = await readListBytes(path, signal, MAX_PACKED);
  const stored = await unpack(packed, path);
  const { readXlsx } = await import('hucre/xlsx');
  try {
    const { sheets } = await readXlsx(stored, { sheets: [0], maxRows: MAX_ROWS });
    const rows = (sheets[0]?.rows ?? []).map((cells, i) => {
      return {
        line: i + 1,
        cells: Array.from(cells, cell => (cell === null || cell === undefined ? '' : String(cell))),
      };
    });
    return rows.filter(({ cells }) => cells.some(cell => cell.trim() !== ''));
  } catch (cause) {
    throw invalid(path, 'an Excel file', show((cause as Error).message), XLSX_ADVICE, cause);
  }
}

const XLSX_ADVICE = 'it may be damaged or locked by a password: save it again, or as CSV UTF-8';

/**
 * The archive with its XML parts stored as they are. Few bytes may unpack to terabytes; here, sizes are looked at before anything is
 * unpacked, and no part can grow beyond the size that it states.
 */
async function unpack(packed: Uint8Array, path: string): Promise<Uint8Array> {
  const { unzipSync, zipSync } = await import('fflate');
  let total = 0;
  try {
    const parts = unzipSync(packed, {
      filter: ({ name, originalSize }) => {
        const wanted = /\.(xml|rels)$/i.test(name);
        if (wanted) total += originalSize;
        return wanted && total <= MAX_UNPACKED;
      },
    });
    const cut = Object.keys(parts).find(name => !endsLikeXml(parts[name]!));
    if (cut !== undefined) throw new Error(`${cut} is cut off`);
    if (total <= MAX_UNPACKED) return zipSync(parts, { level: 0 });
  } catch (cause) {
    throw invalid(path, 'an Excel file', show((cause as Error).message), XLSX_ADVICE, cause);
  }
  throw invalid(
    path,
    `an Excel file of at most ${MAX_UNPACKED} bytes unpacked`,
    `${total}`,
    'save the table as CSV UTF-8',
  );
}

const endsLikeXml = (bytes: Uint8Array): boolean => bytes.findLast(byte => byte > 0x20) === '>'.charCodeAt(0);
