// The paper's ablations as configurations: Table 2 (its modules) and Table 3 (the levels of alignment).
//
// Table 2 compares the modules TSDM, MCAS and LTEM; here are all eight combinations of them, so that each row of the paper is
// among them. Without MCAS the contrast is at the pooled level alone; without TSDM its targets are the identity; without both
// there is none. The paper's own figures are not at hand where this was written: `tmca ablate --paper FILE` puts them beside.

import type { StudyRow } from './grid.js';
import type { Patch } from './settings.js';

const ALL = ['G', '32', '16', '8'] as const;

const modules = (tsdm: boolean, mcas: boolean, ltem: boolean): Patch => ({
  'model.levels': mcas ? ALL : tsdm ? ['G'] : [],
  'model.target_informed': tsdm,
  'model.enhance': ltem,
});

const levels = (...list: readonly (typeof ALL)[number][]): StudyRow => ({
  name: list.join('+') || 'none',
  patch: { 'model.levels': list, 'model.target_informed': true, 'model.enhance': true },
});

export const ABLATIONS = {
  2: [
    { name: 'baseline', patch: modules(false, false, false) },
    { name: 'TSDM', patch: modules(true, false, false) },
    { name: 'MCAS', patch: modules(false, true, false) },
    { name: 'LTEM', patch: modules(false, false, true) },
    { name: 'TSDM+MCAS', patch: modules(true, true, false) },
    { name: 'TSDM+LTEM', patch: modules(true, false, true) },
    { name: 'MCAS+LTEM', patch: modules(false, true, true) },
    { name: 'TSDM+MCAS+LTEM', patch: modules(true, true, true) },
  ],
  3: [
    levels(),
    levels('G'),
    levels('G', '32'),
    levels('G', '32', '16'),
    levels('32', '16', '8'),
    levels('G', '32', '16', '8'),
  ],
} as const satisfies Readonly<Record<2 | 3, readonly StudyRow[]>>;
