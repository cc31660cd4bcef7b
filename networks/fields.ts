// Settings as files have them: one mechanism for networks, model folders and training runs. A field has its key in the
// file, its rule in words for messages, a reader that checks a value, and the value that stands where the key is missing.
// No library of schemas is used here, since every page that segments loads this.

import { show } from '../errors/show.js';

export interface Field<T> {
  /** The key in a file, snake_case. */
  readonly key: string;
  /** Completes "KEY must be …". */
  readonly rule: string;
  /** The value that the file's stands for; undefined where it breaks the rule. */
  read(value: unknown): T | undefined;
  readonly standard: T;
}

/** Closed over a configuration: a property without its field does not compile. */
export type Fields<C> = { readonly [K in keyof C]-?: Field<C[K]> };

/** What `readFields` makes of a file. */
export interface ReadFields<C> {
  /** Every property; where a key is missing or breaks its rule, the standard value. */
  readonly values: C;
  /** Properties whose keys the file has. */
  readonly given: ReadonlySet<keyof C>;
  /** One complaint for each value that breaks its rule. */
  readonly broken: readonly string[];
}

const namesOf = <C>(fields: Fields<C>): (keyof C & string)[] => Object.keys(fields) as (keyof C & string)[];

/** The keys of a table of fields. */
export const keysOf = <C>(fields: Fields<C>): readonly string[] => namesOf(fields).map(name => fields[name].key);

/** Reads the fields of a parsed file; other keys are left to the caller. */
export function readFields<C>(fields: Fields<C>, json: object): ReadFields<C> {
  const values: Partial<Record<keyof C, unknown>> = {};
  const given = new Set<keyof C>();
  const broken: string[] = [];
  for (const name of namesOf(fields)) {
    const { key, rule, standard } = fields[name];
    values[name] = standard;
    // Own keys only: what a prototype holds is not the file's.
    if (!Object.hasOwn(json, key)) continue;
    const value = (json as Record<string, unknown>)[key];
    const read = fields[name].read(value);
    given.add(name);
    if (read !== undefined) values[name] = read;
    else broken.push(`${key} must be ${rule}, got ${show(value)}`);
  }
  return { values: values as C, given, broken };
}

/** The entries of a file that gives these values. */
export const fieldsToJson = <C>(fields: Fields<C>, values: C): Record<string, unknown> =>
  Object.fromEntries(namesOf(fields).map(name => [fields[name].key, values[name]]));

/** The reader of values that are taken as they are where `holds`. */
export const taken =
  <T>(holds: (value: unknown) => boolean) =>
  (value: unknown): T | undefined =>
    holds(value) ? (value as T) : undefined;

export const isInteger = (value: unknown, min: number, max: number): boolean =>
  Number.isSafeInteger(value) && isNumber(value, min, max);

/** Finite, as JSON's numbers are. */
export const isNumber = (value: unknown, min: number, max: number): boolean =>
  Number.isFinite(value) && (value as number) >= min && (value as number) <= max;

const isText = (value: unknown, max: number): boolean =>
  typeof value === 'string' && value.length > 0 && value.length <= max;

/** A whole number from `min` to `max`. */
export const integer = (key: string, standard: number, min = 1, max = 1_000_000_000): Field<number> => ({
  key,
  rule: `an integer from ${min} to ${max}`,
  read: taken(value => isInteger(value, min, max)),
  standard,
});

/** A number from `min` to `max`. */
export const number = (key: string, standard: number, min: number, max: number): Field<number> => ({
  key,
  rule: `a number from ${min} to ${max}`,
  read: taken(value => isNumber(value, min, max)),
  standard,
});

export const flag = (key: string, standard: boolean): Field<boolean> => ({
  key,
  rule: 'true or false',
  read: taken(value => typeof value === 'boolean'),
  standard,
});

/** A short text that is not empty. */
export const label = (key: string, standard: string): Field<string> => ({
  key,
  rule: 'text of 1 to 200 characters',
  read: taken(value => isText(value, 200)),
  standard,
});

export const choice = <T extends string>(key: string, options: readonly T[], standard: NoInfer<T>): Field<T> => ({
  key,
  rule: `one of ${options.join(', ')}`,
  read: taken(value => options.some(option => option === value)),
  standard,
});
