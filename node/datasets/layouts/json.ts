// Lists in JSON.

import { show } from '../../../errors/show.js';
import { parseJson } from '../../../formats/json.js';
import { invalid, readListText } from '../../disk/text-file.js';

/** The polygons of COCO's annotations are long lists of numbers, which take little memory each. */
const LONG_BYTES = 256 * 2 ** 20;
const LONG_VALUES = 2 ** 26;

/** Errors: those of `readListText`; DATASET_INVALID, ABORTED. */
export async function readJsonList(path: string, signal?: AbortSignal): Promise<unknown> {
  return parse(await readListText(path, signal), path);
}

/** As `readJsonList`, for files of polygons. */
export async function readLongJson(path: string, signal?: AbortSignal): Promise<unknown> {
  return parse(await readListText(path, signal, LONG_BYTES), path, LONG_VALUES);
}

function parse(text: string, path: string, most?: number): unknown {
  const result = parseJson(text, most);
  if ('value' in result) return result.value;
  const { problem, detail } = result;
  throw invalid(
    path,
    'JSON',
    problem === 'duplicate' ? `the key ${show(detail)} twice` : `no JSON (${show(detail)})`,
    'mend the file',
  );
}

/** The fields of what should be an object; none of anything else, which the checks of records then name. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
