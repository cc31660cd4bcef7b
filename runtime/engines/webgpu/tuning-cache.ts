// What was measured of an adapter, from one opening to the next: one text for each adapter, driver and version of the package,
// believed only where all of it is as it was written.

import { sha256 } from '@noble/hashes/sha2';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils';
import * as v from 'valibot';
import { parseJson } from '../../../formats/json.js';
import type { GpuDevice } from '../../../gpu/device.js';
import type { DotTuning } from '../../../gpu/kernels/matmul/linear-dots.js';
import type { Rejected } from '../../../gpu/tuner/tune.js';
import { isVariant } from '../../../gpu/tuner/variants.js';
import { version } from '../../../package.json';

/** Names are those of `cacheName`. Errors of any kind: the tuner then does without. */
export interface TuningStore {
  /** For people. */
  readonly place: string;
  read(name: string): Promise<string | null>;
  write(name: string, text: string): Promise<void>;
}

export interface KeptTuning {
  readonly choices: Readonly<Record<string, string>>;
  readonly rejected: readonly Rejected[];
}

const hash = (text: string): string => bytesToHex(sha256(utf8ToBytes(text)));

type Keyed = Pick<GpuDevice, 'adapter' | 'features'> & { readonly tuning: DotTuning };

/** All that may change what is fastest or right: a driver shows in the description or in the browser's own version. */
export function tuningKey({ adapter, features, tuning }: Keyed): string {
  const { vendor, architecture, description } = adapter;
  const agent = typeof navigator === 'undefined' ? '' : navigator.userAgent;
  const named = Object.entries(features).filter(([, has]) => has);
  const able = [tuning.lanes, tuning.dots !== undefined, named.map(([name]) => name)];
  return JSON.stringify([version, vendor, architecture, description, ...able, agent]);
}

export const cacheName = (key: string): string => `tuning-${hash(key).slice(0, 16)}.json`;

const Short = v.pipe(v.string(), v.maxLength(500));
const Body = v.strictObject({
  key: v.string(),
  choices: v.record(Short, Short),
  rejected: v.array(v.strictObject({ kernel: Short, variant: Short, reason: Short })),
});
const File = v.strictObject({ sha256: v.string(), tuning: Body });

/** JSON, with the hash of what it holds. */
export function writeTuning(key: string, { choices, rejected }: KeptTuning): string {
  const tuning = { key, choices, rejected: rejected.map(r => ({ ...r, reason: r.reason.slice(0, 500) })) };
  return `${JSON.stringify({ sha256: hash(JSON.stringify(tuning)), tuning }, null, 1)}\n`;
}

/** What was kept, or in what way the text is not what was written. */
export function readTuning(text: string, key: string, able: DotTuning): KeptTuning | { problem: string } {
  const json = parseJson(text);
  if ('problem' in json) return { problem: `it is no JSON (${json.detail})` };
  const parsed = v.safeParse(File, json.value);
  if (!parsed.success) return { problem: `it has another form (${v.getDotPath(parsed.issues[0]) ?? 'as a whole'})` };
  const { sha256: written, tuning } = parsed.output;
  if (hash(JSON.stringify(tuning)) !== written) return { problem: 'its contents do not have its hash' };
  if (tuning.key !== key) return { problem: 'it is of another adapter, driver or version' };
  const strange = Object.entries(tuning.choices).find(([shape, variant]) => !isVariant(shape, variant, able));
  if (strange) return { problem: `no kernel has the variant ${strange[1]} of ${strange[0]}` };
  return tuning;
}
