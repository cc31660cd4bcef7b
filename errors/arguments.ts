// What callers without a compiler may give to a public function: nothing, null, a value of another kind. One error names the argument,
// before anything is begun.

import { check } from './index.js';

/** Kinds of values; `address` is a string or a URL, `record` a plain object. */
export type Kind =
  | 'string'
  | 'address'
  | 'function'
  | 'boolean'
  | 'number'
  | 'record'
  | 'bytes'
  | 'AbortSignal'
  | 'array';

const TESTS: Readonly<Record<Kind, (value: unknown) => boolean>> = {
  string: value => typeof value === 'string',
  address: value => typeof value === 'string' || value instanceof URL,
  function: value => typeof value === 'function',
  boolean: value => typeof value === 'boolean',
  number: value => typeof value === 'number',
  record: value => typeof value === 'object' && value !== null && !Array.isArray(value),
  bytes: value => value instanceof Uint8Array,
  // By what it does: pages have signals of other frames.
  AbortSignal: value =>
    typeof (value as AbortSignal | null)?.addEventListener === 'function' && 'aborted' in (value as object),
  array: Array.isArray,
};

const NAMES: Readonly<Record<Kind, string>> = {
  string: 'a string',
  address: 'a string or a URL',
  function: 'a function',
  boolean: 'true or false',
  number: 'a number',
  record: 'an object',
  bytes: 'a Uint8Array',
  AbortSignal: 'an AbortSignal',
  array: 'an array',
};

/** For messages: what kind of value it is, and short values themselves. */
export function kindName(value: unknown): string {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number')
    return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (typeof value !== 'object') return `a ${typeof value}`;
  return Array.isArray(value) ? 'an array' : `an object (${value.constructor?.name ?? 'without a class'})`;
}

/** @throws TmcaError BAD_ARGUMENT: `WHERE: NAME must be KIND, got VALUE; TODO` */
export function checkArgument(where: string, name: string, value: unknown, kind: Kind, todo: string): void {
  check(
    TESTS[kind](value),
    'BAD_ARGUMENT',
    () => `${where}: ${name} must be ${NAMES[kind]}, got ${kindName(value)}; ${todo}`,
  );
}

/**
 * Options as a function takes them: an object whose values, where given, are of the kinds that are named. Keys that are not named pass.
 *
 * @throws TmcaError BAD_ARGUMENT
 */
export function checkOptions(where: string, options: unknown, kinds: Readonly<Record<string, Kind>>): void {
  checkArgument(where, 'the options', options, 'record', `for example { ${Object.keys(kinds)[0]}: … }`);
  for (const [name, kind] of Object.entries(kinds)) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined) checkArgument(where, name, value, kind, 'leave it out for the default');
  }
}

/** As {@link checkOptions}, of what must not be left out. @throws TmcaError BAD_ARGUMENT */
export function requireOptions(where: string, options: unknown, kinds: Readonly<Record<string, Kind>>): void {
  const example = Object.keys(kinds).map(name => `${name}: …`);
  checkArgument(where, 'the options', options, 'record', `give at least { ${example.join(', ')} }`);
  for (const [name, kind] of Object.entries(kinds))
    checkArgument(where, name, (options as Record<string, unknown>)[name], kind, 'give it');
}
