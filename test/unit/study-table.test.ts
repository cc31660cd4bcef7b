// The table of a study: means, order, marks and notes.

import { describe, expect, test } from 'vitest';
import { showSpread, tableMarkdown, tablePage, tableText } from '../../reports/study/study-table.js';
import type { StudyOptions } from '../../train/study/study.js';
import { ablationColumns, SWEEP_COLUMNS, spreadOf, tableOf } from '../../train/study/table.js';
import { fakeTrain, row, settings, study } from './study-fakes.js';

describe('tables', () => {
  test('mean and sample deviation', () => {
    expect(spreadOf([])).toBeNull();
    expect(spreadOf([0.5])).toEqual({ mean: 0.5, deviation: null, values: [0.5] });
    expect(spreadOf([0.25, 0.5, 0.75])).toEqual({ mean: 0.5, deviation: 0.25, values: [0.25, 0.5, 0.75] });
    expect([null, spreadOf([0.5]), spreadOf([0.25, 0.75])].map(each => showSpread(each, 4))).toEqual([
      ...['–', '0.5000', '0.5000 ± 0.3536'],
    ]);
  });

  const sweepTable = async (more: Partial<StudyOptions> = {}) => {
    const results = await study({ train: fakeTrain().train, ...more });
    return tableOf(results, { title: 'Sweep', notes: ['A note.'], columns: SWEEP_COLUMNS, sorted: true });
  };

  test('a sweep is sorted by its mean on validation', async () => {
    const { rows, notes } = await sweepTable();
    expect(rows.map(({ name }) => name)).toEqual(['lr=0.2', 'lr=0.1']);
    expect(rows[0]).toMatchObject({ done: 2, of: 2, diverged: 0, paper: null });
    expect(rows[0]!.cells.val_dice!.mean).toBeCloseTo(0.2015, 12);
    expect(rows[0]!.cells.epoch!.mean).toBe(2);
    expect(notes).toEqual(['A note.', 'adapter: Test adapter.', 'version: tmca-edge@0.0.0.']);
  });

  test('runs of different machines or versions are said to be', async () => {
    const results = await study({ train: fakeTrain().train });
    const [first, ...others] = results;
    const [run, ...more] = first!.runs;
    const mixed = [{ ...first!, runs: [{ ...run!, adapter: 'Another' }, ...more] }, ...others];
    const { notes } = tableOf(mixed, { title: '', notes: [], columns: SWEEP_COLUMNS, sorted: true });
    expect(notes[0]).toBe('Runs of different adapters: Another; Test adapter.');
  });

  test('runs that are missing or diverged are counted, and a row without any has no figure', () => {
    const runs = [null, { diverged: 'NaN', validation: null, epoch: null, test: null } as never];
    const table = tableOf([{ name: 'a|b', patch: {}, runs }], {
      title: 'T',
      notes: [],
      columns: SWEEP_COLUMNS,
      sorted: true,
    });
    expect(table.rows[0]).toMatchObject({ done: 1, of: 2, diverged: 1, cells: { val_dice: null } });
    expect(tableMarkdown(table)).toContain('| a\\|b | 1 of 2, 1 diverged | – | – | – | – |');
  });

  test('an ablation keeps its order and shows what the data set marks and the paper says', () => {
    const result = (dice: number) =>
      ({
        diverged: null,
        validation: { dice },
        epoch: 1,
        adapter: null,
        package: 'p',
        test: { dice, iou: dice, mean_dice: dice, without: { blurred: { dice: dice / 2 } } },
      }) as never;
    const rows = [
      { name: 'baseline', patch: {}, runs: [result(0.5), result(0.75)] },
      { name: 'all', patch: {}, runs: [result(1), result(1)] },
    ];
    const paper = { baseline: { dice: 0.625 } };
    const options = { title: 'Ablation', notes: [], columns: ablationColumns(['blurred']), sorted: false, paper };
    const text = tableMarkdown(tableOf(rows, options));
    expect(text).toContain(
      '|  | runs | test Dice | test IoU | test Dice, mean of images | test Dice without blurred | val Dice | test Dice over baseline | test Dice, paper |',
    );
    expect(text).toContain(
      '| baseline | 2 | 0.6250 ± 0.1768 | 0.6250 ± 0.1768 | 0.6250 ± 0.1768 | 0.3125 ± 0.0884 | 0.6250 ± 0.1768 | – | 0.6250 |',
    );
    expect(text.indexOf('| baseline')).toBeLessThan(text.indexOf('| all'));
    expect(text).toContain('| all | 2 | 1.0000 ± 0.0000 |');
    // 0.5 and 0.25 more, seed by seed
    expect(text).toContain('| +0.3750 ± 0.1768 | – |');
  });

  test('differences are taken between runs of one seed, and only of those', () => {
    const result = (dice: number) =>
      ({ diverged: null, validation: { dice }, epoch: 1, adapter: null, package: 'p', test: null }) as never;
    const rows = [
      { name: 'a', patch: {}, runs: [result(0.5), null, result(0.25)] },
      { name: 'b', patch: {}, runs: [result(0.75), result(0.9), null] },
      { name: 'c', patch: {}, runs: [null, result(0.9), null] },
    ];
    const table = tableOf(rows, { title: '', notes: [], columns: SWEEP_COLUMNS, sorted: false });
    expect(table.rows.map(({ gain }) => gain)).toEqual([null, { mean: 0.25, deviation: null, values: [0.25] }, null]);
    expect(
      tableOf(rows, { title: '', notes: [], columns: SWEEP_COLUMNS, sorted: true }).rows.every(r => r.gain === null),
    ).toBe(true);
  });

  test('for a terminal, columns are aligned', async () => {
    const lines = tableText(await sweepTable());
    expect(lines[0]).toMatch(/^ +runs +val Dice +val IoU +val Dice, mean of images +best epoch$/);
    expect(lines[1]).toMatch(/^lr=0.2 +2 +0.2015 ± 0.0007 .* 2.0 ± 0.0$/);
    expect(new Set(lines.slice(0, 3).map(line => line.length)).size).toBe(1);
  });

  test('the page shows each run and lets nothing out of its place', async () => {
    const evil = '<script>alert(1)</script>';
    const text = tablePage(await sweepTable({ rows: [{ name: evil, patch: { lr: 0.1 } }, row(0.2)] }), settings);
    expect(text).not.toContain(evil);
    expect(text).toContain('&lt;script&gt;');
    expect([...text.matchAll(/<circle /g)].length).toBe(4);
    expect(text).toMatch(/<tr class="best"><th>lr=0.2/);
    // what the rows share, and how it differs from the defaults
    expect(text).toMatch(/<dt>batch<\/dt><dd class="set">16<\/dd>/);
  });
});
