// What a sweep tries: KEY=V1,V2 … on the command line (all combinations), or a JSON file with a grid or a list.

import { check, TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { parseJson } from '../../formats/json.js';
import { readJson } from '../../node/disk/read-file.js';
import type { Patch } from './settings.js';

/** A configuration of a study: what it changes, and what it is called in tables. */
export interface StudyRow {
  readonly name: string;
  readonly patch: Patch;
}

/** More than a mistake in a grid and less than a life's work. */
const MOST = 10_000;

/**
 * Rows of `--grid`: one file, or any number of KEY=V1,V2. Values are JSON where they are (`0.1`, `true`, `["G","32"]`, `null`),
 * else text; a comma inside brackets, braces or quotes divides nothing.
 *
 * A file holds an object, key to list of values, of which all combinations are rows; or a list of objects, key to value, of
 * which each is a row, named by its "name" if it has one.
 *
 * Errors: BAD_ARGUMENT, FILE_NOT_FOUND, FILE_UNREADABLE, CONFIG_INVALID.
 *
 * @example
 * await readGrid(['tau_enhance=1,4', 'contrastive_weight=0.1,1']) // four rows
 */
export async function readGrid(args: readonly string[]): Promise<StudyRow[]> {
  const [first] = args;
  if (first !== undefined && args.length === 1 && !first.includes('=')) return readGridFile(first);
  const grid = new Map<string, readonly unknown[]>();
  for (const arg of args) {
    const at = arg.indexOf('=');
    const key = arg.slice(0, Math.max(0, at)).trim();
    check(key !== '' && !grid.has(key), 'BAD_ARGUMENT', () => {
      return `readGrid: --grid must be one file, or KEY=V1,V2 with each key once, got ${show(arg)}; correct it`;
    });
    grid.set(key, splitValues(arg.slice(at + 1)).map(parseValue));
  }
  return product(grid);
}

async function readGridFile(path: string): Promise<StudyRow[]> {
  const rule = 'readGrid: --grid must name a JSON file, or be KEY=V1,V2';
  const json = await readJson(path, { rule, advice: 'check the path and the file', invalid: 'CONFIG_INVALID' });
  const fail = (got: unknown): never => {
    const message = `readGrid: ${path} must be {"key": [values]} or [{"key": value}], got ${show(got)}; correct it`;
    throw new TmcaError('CONFIG_INVALID', message);
  };
  const isObject = (value: unknown): value is Patch =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (Array.isArray(json)) {
    return unique(json.map(row => (isObject(row) ? listedRow(row) : fail(row))));
  }
  if (!isObject(json)) return fail(json);
  for (const values of Object.values(json)) if (!Array.isArray(values) || values.length === 0) fail(values);
  return product(new Map(Object.entries(json as Readonly<Record<string, readonly unknown[]>>)));
}

function listedRow({ name, ...patch }: Patch): StudyRow {
  return { name: typeof name === 'string' && name.trim() !== '' ? name : nameOf(patch), patch };
}

/** All combinations, the last key's values next to one another. */
function product(grid: ReadonlyMap<string, readonly unknown[]>): StudyRow[] {
  let patches: Patch[] = [{}];
  for (const [key, values] of grid) {
    check(patches.length * values.length <= MOST, 'BAD_ARGUMENT', () => {
      return `readGrid: a grid may have ${MOST} rows, got more with ${show(key)}; leave some values out`;
    });
    patches = patches.flatMap(patch => values.map(value => ({ ...patch, [key]: value })));
  }
  return unique(patches.map(patch => ({ name: nameOf(patch), patch })));
}

function unique(rows: readonly StudyRow[]): StudyRow[] {
  const names = rows.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  check(rows.length > 0, 'CONFIG_INVALID', 'readGrid: there must be a row at least, got none; name values to try');
  check(twice === undefined, 'CONFIG_INVALID', () => {
    return `readGrid: every row must have a name of its own, got ${show(twice)} twice; leave one out, or name them`;
  });
  return [...rows];
}

function nameOf(patch: Patch): string {
  const parts = Object.entries(patch).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return parts.join(' ') || 'as it is';
}

function parseValue(text: string): unknown {
  const json = parseJson(text);
  if ('value' in json) return json.value;
  check(json.problem === 'syntax', 'CONFIG_INVALID', () => {
    return `readGrid: a value must be plain JSON or text, got ${json.detail} in ${show(text)}; correct it`;
  });
  return text;
}

/** At commas outside of brackets, braces and quotes. */
function splitValues(text: string): string[] {
  const values = [''];
  let depth = 0;
  let quoted = false;
  for (const [i, c] of [...text].entries()) {
    if (c === '"' && text[i - 1] !== '\\') quoted = !quoted;
    if (!quoted) depth += '[{'.includes(c) ? 1 : ']}'.includes(c) ? -1 : 0;
    if (c === ',' && depth === 0 && !quoted) values.push('');
    else values[values.length - 1] += c;
  }
  return values.map(value => value.trim());
}
