// run.json: what a run's numbers belong to, for whoever reads them later: the command, the data, the adapter.

import { join } from 'node:path';
import * as v from 'valibot';
import { TmcaError } from '../../errors/index.js';
import { parseJson } from '../../formats/checked-json.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { ifThere, readText } from '../../node/disk/read-file.js';

const NAME = 'run.json';

const text = v.pipe(v.string(), v.maxLength(10_000));
const Info = v.object({
  /** name@version */
  package: text,
  /** As typed; paths as they were given. */
  command: text,
  /** `folder` as given; `records` by split, of those that were opened. */
  data: v.object({ folder: text, name: text, records: v.record(v.string(), v.number()) }),
  device: v.object({ adapter: text, software: v.boolean(), dtype: text }),
  seed: v.number(),
  /** The training configuration, keys as in its file. */
  config: v.record(v.string(), v.unknown()),
  /** How a batch was taken on the device, where the configuration leaves that open; of the last process that trained here. */
  taken: v.optional(v.object({ micro_batch: v.number(), recompute: text })),
  /** ISO 8601. */
  started: text,
  /** When and why it ended ("all 100 epochs"); null while it runs, and where it was stopped. */
  ended: v.nullable(v.object({ at: text, why: text })),
});

export type RunInfo = v.InferOutput<typeof Info>;

/** Errors: OUTPUT_NOT_WRITABLE. */
export async function writeRunInfo(folder: string, info: RunInfo): Promise<void> {
  await writeFileAtomic(join(folder, NAME), `${JSON.stringify(info, null, 2)}\n`);
}

/** Null where there is none. Errors: FILE_UNREADABLE, CONFIG_INVALID. */
export async function readRunInfo(folder: string): Promise<RunInfo | null> {
  const path = join(folder, NAME);
  const kind = { rule: 'readRunInfo: run.json must tell of a run', advice: 'mend or remove it' } as const;
  const content = await ifThere(readText(path, { ...kind, invalid: 'CONFIG_INVALID' }));
  if (content === undefined) return null;
  const fail = (got: string) =>
    new TmcaError('CONFIG_INVALID', `readRunInfo: ${path} must tell of a run, got ${got}; mend or remove it`);
  return parseJson(content, Info, fail);
}
