// `tmca sweep`: which settings validate best.

import { readGrid } from '../../train/study/grid.js';
import { SWEEP_COLUMNS } from '../../train/study/table.js';
import type { Context } from '../context.js';
import { type StudyCommandOptions, study } from '../study.js';

export interface SweepCommandOptions extends StudyCommandOptions {
  readonly grid: readonly string[];
}

export async function sweep(options: SweepCommandOptions, context: Context): Promise<void> {
  const rows = await readGrid(options.grid);
  const note = 'Scores of the split "val", at the best epoch of each run. The test split was not opened.';
  const table = () => ({ title: 'Sweep', notes: [note], columns: SWEEP_COLUMNS, sorted: true });
  await study({ name: 'sweep', rows, score: null, table }, options, context);
}
