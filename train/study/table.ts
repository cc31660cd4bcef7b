// The figures of a study as a table: means and deviations over seeds.

import type { RunResult } from './result.js';
import type { RowResults } from './study.js';

/** Mean, and sample standard deviation (n - 1), which one value does not have. */
export interface Spread {
  readonly mean: number;
  readonly deviation: number | null;
  readonly values: readonly number[];
}

export interface Column {
  readonly key: string;
  readonly title: string;
  /** Shown after the point. */
  readonly digits: number;
  /** The value of a run that is done; null where it has none. */
  readonly value: (result: RunResult) => number | null;
}

export interface TableRow {
  readonly name: string;
  readonly patch: Readonly<Record<string, unknown>>;
  /** Runs that are done, of how many, and how many of them diverged. */
  readonly done: number;
  readonly of: number;
  readonly diverged: number;
  /**
   * By how much the first column is above that of the first row, run by run of one seed, which share what the seed decides; null
   * in the first row, without runs in common, and where rows are ranked.
   */
  readonly gain: Spread | null;
  /** By column; null where no run has a value. */
  readonly cells: Readonly<Record<string, Spread | null>>;
  /** Figures from elsewhere for the same row, by column; null: none. */
  readonly paper: Readonly<Record<string, number>> | null;
}

export interface StudyTable {
  readonly title: string;
  /** What the figures are of; sentences. */
  readonly notes: readonly string[];
  /** The first one ranks. */
  readonly columns: readonly Omit<Column, 'value'>[];
  readonly rows: readonly TableRow[];
}

const validation =
  (name: 'dice' | 'iou' | 'mean_dice'): Column['value'] =>
  result =>
    result.validation?.[name] ?? null;
const test =
  (name: 'dice' | 'iou' | 'mean_dice'): Column['value'] =>
  result =>
    result.test?.[name] ?? null;

export const SWEEP_COLUMNS: readonly Column[] = [
  { key: 'val_dice', title: 'val Dice', digits: 4, value: validation('dice') },
  { key: 'val_iou', title: 'val IoU', digits: 4, value: validation('iou') },
  { key: 'val_mean_dice', title: 'val Dice, mean of images', digits: 4, value: validation('mean_dice') },
  { key: 'epoch', title: 'best epoch', digits: 1, value: result => result.epoch },
];

/** `marks`: of the data set, whose records are left out in a column each. */
export const ablationColumns = (marks: readonly string[]): readonly Column[] => [
  { key: 'dice', title: 'test Dice', digits: 4, value: test('dice') },
  { key: 'iou', title: 'test IoU', digits: 4, value: test('iou') },
  { key: 'mean_dice', title: 'test Dice, mean of images', digits: 4, value: test('mean_dice') },
  ...marks.map(mark => ({
    key: `dice_without_${mark}`,
    title: `test Dice without ${mark}`,
    digits: 4,
    value: (result: RunResult) => result.test?.without[mark]?.dice ?? null,
  })),
  { key: 'val_dice', title: 'val Dice', digits: 4, value: validation('dice') },
];

export function spreadOf(values: readonly number[]): Spread | null {
  const n = values.length;
  if (n === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: n > 1 ? Math.sqrt(squares / (n - 1)) : null, values };
}

export interface TableOptions {
  readonly title: string;
  readonly notes: readonly string[];
  readonly columns: readonly Column[];
  /** Best first by the first column, rows without a figure last; else the order of the rows stays. */
  readonly sorted: boolean;
  /** By row's name, then by column. */
  readonly paper?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export function tableOf(results: readonly RowResults[], options: TableOptions): StudyTable {
  const { title, columns, sorted, paper } = options;
  const [first] = columns;
  const rows = results.map(({ name, patch, runs }, r): TableRow => {
    const done = runs.filter(run => run !== null);
    const cells = columns.map(({ key, value }) => {
      const values = done.flatMap(run => value(run) ?? []);
      return [key, spreadOf(values)] as const;
    });
    return {
      ...{ name, patch, done: done.length, of: runs.length },
      diverged: done.filter(({ diverged }) => diverged !== null).length,
      cells: Object.fromEntries(cells),
      gain: sorted || r === 0 ? null : spreadOf(differences(runs, results[0]!.runs, first!.value)),
      paper: paper?.[name] ?? null,
    };
  });
  const rank = (row: TableRow) => row.cells[first!.key]?.mean ?? Number.NEGATIVE_INFINITY;
  if (sorted) rows.sort((a, b) => rank(b) - rank(a) || (a.name < b.name ? -1 : 1));
  const notes = [...options.notes, ...mixtures(results)];
  return { title, notes, columns: columns.map(({ key, title, digits }) => ({ key, title, digits })), rows };
}

/** The difference of each pair of runs that both have a value. */
function differences(runs: RowResults['runs'], others: RowResults['runs'], value: Column['value']): number[] {
  return runs.flatMap((run, i) => {
    const [own, other] = [run && value(run), others[i] ? value(others[i]) : null];
    return own === null || other === null ? [] : own - other;
  });
}

/** What one must know before one compares: runs of different machines or versions. */
function mixtures(results: readonly RowResults[]): string[] {
  const done = results.flatMap(({ runs }) => runs.filter(run => run !== null));
  const kinds = (value: (run: RunResult) => string | null) => [...new Set(done.flatMap(run => value(run) ?? []))];
  const say = (what: string, list: readonly string[]) =>
    list.length > 1 ? [`Runs of different ${what}s: ${list.join('; ')}.`] : list.map(one => `${what}: ${one}.`);
  return [
    ...say(
      'adapter',
      kinds(run => run.adapter),
    ),
    ...say(
      'version',
      kinds(run => run.package),
    ),
  ];
}
