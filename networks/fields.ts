// Settings as files have them: one mechanism for networks, model folders and training runs. A field has its key in the
// file, its rule in words for messages, the schema that checks it, and the value that stands where the key is missing.

import * as v from 'valibot';
import { show } from '../errors/show.js';

export interface Field<T> {
  /** The key in a file, snake_case. */
  readonly key: string;
  /** Completes "KEY must be …". */
  readonly rule: string;
  readonly schema: v.GenericSchema<unknown, T>;
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
    const { key, rule, schema, standard } = fields[name];
    values[name] = standard;
    // Own keys only: what a prototype holds is not the file's.
    if (!Object.hasOwn(json, key)) continue;
    const value = (json as Record<string, unknown>)[key];
    const parsed = v.safeParse(schema, value);
    given.add(name);
    if (parsed.success) values[name] = parsed.output;
    else broken.push(`${key} must be ${rule}, got ${show(value)}`);
  }
  return { values: values as C, given, broken };
}

/** The entries of a file that gives these values. */
export const fieldsToJson = <C>(fields: Fields<C>, values: C): Record<string, unknown> =>
  Object.fromEntries(namesOf(fields).map(name => [fields[name].key, values[name]]));

/** A whole number from `min` to `max`. */
export const integer = (key: string, standard: number, min = 1, max = 1_000_000_000): Field<number> => ({
  key,
  rule: `an integer from ${min} to ${max}`,
  schema: v.pipe(v.number(), v.safeInteger(), v.minValue(min), v.maxValue(max)),
  standard,
});

/** A number from `min` to `max`. */
export const number = (key: string, standard: number, min: number, max: number): Field<number> => ({
  key,
  rule: `a number from ${min} to ${max}`,
  schema: v.pipe(v.number(), v.minValue(min), v.maxValue(max)),
  standard,
});

export const flag = (key: string, standard: boolean): Field<boolean> => ({
  key,
  rule: 'true or false',
  schema: v.boolean(),
  standard,
});

/** A short text that is not empty. */
export const label = (key: string, standard: string): Field<string> => ({
  key,
  rule: 'text of 1 to 200 characters',
  schema: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
  standard,
});

export const choice = <T extends string>(key: string, options: readonly T[], standard: NoInfer<T>): Field<T> => ({
  key,
  rule: `one of ${options.join(', ')}`,
  schema: v.picklist(options),
  standard,
});
