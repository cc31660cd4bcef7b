// `tmca report` on the command line.

import type { Command } from 'commander';
import type { Context } from '../context.js';
import { deviceOption, dtypeOption, jsonOption } from '../options.js';

export function addReport(program: Command, context: Context): void {
  program
    .command('report')
    .summary('write the report of a training run')
    .description(
      'Writes report.html into the folder of a run, finished or not: curves, scores on a split, best, median and worst ' +
        'pictures, settings. One file that opens anywhere. Beside it evaluation-SPLIT.json, as of evaluate --json.',
    )
    .argument('<run>', 'folder of the run: the --out of train')
    .option('--data <folder>', 'data set folder; the one that the run was trained on if not given')
    .option('--split <name>', 'records to score; test if not given, or val where there is no test')
    .option(
      '--sentences',
      'also scores by what the model is told, as evaluate --sentences; kept as sentences-SPLIT.json',
    )
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(jsonOption())
    .action(async (run, options) => (await import('../actions/report.js')).report(run, options, context));
}
