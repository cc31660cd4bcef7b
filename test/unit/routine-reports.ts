// Made-up routine reports with their right findings, and how the two are compared.

import { existsSync, readFileSync } from 'node:fs';
import type { Finding } from '../../language/reports/index.js';

export interface LabelledReport {
  readonly id: string;
  readonly text: string;
  /** Keys that are left out are null. */
  readonly findings: readonly Partial<Finding>[];
}

const read = (path: string): readonly LabelledReport[] => JSON.parse(readFileSync(path, 'utf8')).reports;

export const ownReports = read('test/fixtures/routine-reports.json');

/** Not ours to publish. */
export const sharedReports = ['../shared/reports/reports.json'].filter(path => existsSync(path)).flatMap(read);

const KEYS = ['kind', 'count', 'size', 'size_mm', 'colour', 'shape', 'place_in_image', 'anatomy', 'certain'] as const;

/** What a finding says, without its evidence; null where it says nothing. */
export const saysOf = (finding: Partial<Finding>) => Object.fromEntries(KEYS.map(key => [key, finding[key] ?? null]));

/** The findings in an order of their own: reports name one lesion in several places. */
export const sorted = (findings: readonly Partial<Finding>[]) =>
  findings.map(saysOf).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
