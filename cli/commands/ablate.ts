// `tmca ablate` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { withStudyOptions } from '../options.js';

export function addAblate(program: Command, context: Context): void {
  const command = program
    .command('ablate')
    .summary('what each part of the network is worth')
    .description(
      "Trains the rows of the paper's Table 2 (TSDM, MCAS, LTEM in all combinations) or Table 3 (levels of alignment), and " +
        'scores the model of the best validation epoch on the test split. Given again, it goes on. Writes table.html, table.md and table.json.',
    )
    .addOption(new Option('--table <n>', 'table of the paper').choices(['2', '3']).default('2'))
    .option('--rows <names...>', 'only these rows')
    .option('--split <name>', 'records to score', 'test')
    .option('--paper <file>', 'figures to put beside, JSON of {"baseline": {"dice": 0.8}}');
  withStudyOptions(command, 3).action(async options => (await import('../actions/ablate.js')).ablate(options, context));
}
