// Where a quantized folder came from, in its manifest: by the hash of the source's weights, and where that lay from here.

import { relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../networks/config.js';
import { QUANTIZED } from '../node/model-folder/masters.js';
import type { QuantizeReport } from './report.js';

export const describeSource = ({ name, dtype }: Config): string => `${name} in ${dtype}`;

const isAddress = (location: string): boolean => /^https?:\/\//i.test(location);

const pathOf = (location: string): string => resolve(/^file:\/\//i.test(location) ? fileURLToPath(location) : location);

/** Keys of the manifest. A path is relative to the new folder, so that the two may move together. */
export function quantizedFrom({ from, to }: QuantizeReport, model: string, out: string): Record<string, unknown> {
  const folder = isAddress(model) ? model : relative(resolve(out), pathOf(model)).split(sep).join('/');
  return { [QUANTIZED]: { to, from: { ...from, folder } } };
}
