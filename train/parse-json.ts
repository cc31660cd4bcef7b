// A file of ours as JSON of a known form: what the folder of a run holds, and scores.

import * as v from 'valibot';
import type { TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';

/**
 * The value of `text`, checked.
 * @param fail the error for what is there instead: "no JSON", or the first value that is wrong and where it stands
 */
export function parseJson<S extends v.GenericSchema>(
  text: string,
  schema: S,
  fail: (got: string, cause?: unknown) => TmcaError,
): v.InferOutput<S> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw fail('no JSON', cause);
  }
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw fail(`${show(issue.input)} for ${v.getDotPath(issue) ?? 'the whole'}`);
}
