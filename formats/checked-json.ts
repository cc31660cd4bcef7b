// A file of ours as JSON of a known form: what the folder of a run holds, and scores.

import * as v from 'valibot';
import type { TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import { parseJson as parse } from './json.js';

/**
 * The value of `text`, checked.
 * @param fail the error for what is there instead: "no JSON", or the first value that is wrong and where it stands
 */
export function parseJson<S extends v.GenericSchema>(
  text: string,
  schema: S,
  fail: (got: string) => TmcaError,
): v.InferOutput<S> {
  const json = parse(text);
  if ('problem' in json) throw fail(json.problem === 'syntax' ? 'no JSON' : json.detail);
  const parsed = v.safeParse(schema, json.value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw fail(`${show(issue.input)} for ${v.getDotPath(issue) ?? 'the whole'}`);
}
