// `tmca ablate`: what each part of the network is worth, as in the paper's Tables 2 and 3.

import * as v from 'valibot';
import { check, TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { openDataset } from '../../node/datasets/dataset.js';
import { evaluateDataset } from '../../node/datasets/evaluate-dataset.js';
import { evaluationFile } from '../../node/datasets/evaluation-file.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { readJson } from '../../node/disk/read-file.js';
import { ABLATIONS } from '../../train/study/ablations.js';
import type { StudyRow } from '../../train/study/grid.js';
import type { RowResults, ScoredRun } from '../../train/study/study.js';
import { ablationColumns } from '../../train/study/table.js';
import type { Context } from '../context.js';
import { openWithProgress } from '../session.js';
import { type StudyCommandOptions, study } from '../study.js';

export interface AblateCommandOptions extends StudyCommandOptions {
  readonly table: '2' | '3';
  /** Names of rows; all if not given. */
  readonly rows?: readonly string[];
  readonly split: string;
  /** JSON file of the paper's figures. */
  readonly paper?: string;
}

const TITLES = { 2: 'Ablation of the modules (Table 2)', 3: 'Ablation of the levels (Table 3)' } as const;

export async function ablate(options: AblateCommandOptions, context: Context): Promise<void> {
  const { table: number, split } = options;
  const rows = chooseRows(ABLATIONS[number], options.rows);
  const paper = options.paper === undefined ? undefined : await readPaper(options.paper, rows);
  const table = (results: readonly RowResults[]) => {
    const marks = new Set(results.flatMap(({ runs }) => runs.flatMap(run => Object.keys(run?.test?.without ?? {}))));
    const tested = new Set(results.flatMap(({ runs }) => runs.flatMap(run => run?.test?.n ?? [])));
    const notes = [
      `Scores of ${tested.size > 0 ? `the ${[...tested].join(' and ')} records of ` : ''}the split "${split}" by the model of the best validation epoch of each run, fp32.`,
      ...(paper ? ['The paper’s figures are of its own data, network and training.'] : []),
    ];
    return {
      title: TITLES[number],
      notes,
      columns: ablationColumns([...marks].sort()),
      sorted: false,
      ...(paper && { paper }),
    };
  };
  const score = (run: ScoredRun) => scoreRun(run, options, context);
  await study({ name: 'ablate', rows, score, table }, options, context);
}

async function scoreRun(
  { folder, reading }: ScoredRun,
  { data, split, device }: AblateCommandOptions,
  context: Context,
) {
  const { signal } = context.io;
  const session = await openWithProgress(context, {
    model: folder,
    device,
    dtype: 'fp32',
  });
  try {
    const dataset = await openDataset(data, { split, ...reading, signal });
    const evaluation = await evaluateDataset(session, dataset, { split, ...reading }, { signal });
    await writeFileAtomic(evaluationFile(folder, split), `${JSON.stringify(evaluation, null, 2)}\n`);
    return evaluation;
  } finally {
    session.dispose();
  }
}

function chooseRows(all: readonly StudyRow[], names: readonly string[] | undefined): readonly StudyRow[] {
  if (names === undefined) return all;
  const known = all.map(({ name }) => name);
  const stray = names.find(name => !known.includes(name));
  check(stray === undefined, 'BAD_ARGUMENT', () => {
    return `ablate: --rows must be of ${known.join(', ')}, got ${show(stray)}; correct it`;
  });
  return all.filter(({ name }) => names.includes(name));
}

const Paper = v.record(v.string(), v.record(v.string(), v.pipe(v.number(), v.minValue(0), v.maxValue(1))));

/** {"baseline": {"dice": 0.8, "iou": 0.7}, …} */
async function readPaper(path: string, rows: readonly StudyRow[]) {
  const rule = `ablate: --paper must be JSON of {"row": {"dice": 0..1, "iou": 0..1}} for rows of ${rows.map(({ name }) => name).join(', ')}`;
  const json = await readJson(path, { rule, advice: 'correct it', invalid: 'CONFIG_INVALID' });
  const parsed = v.safeParse(Paper, json);
  if (parsed.success) return parsed.output;
  throw new TmcaError('CONFIG_INVALID', `${rule}, got ${show(json)} at ${path}; correct it`);
}
