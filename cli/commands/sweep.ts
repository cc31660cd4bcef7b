// `tmca sweep` on the command line.

import type { Command } from 'commander';
import type { Context } from '../context.js';
import { withStudyOptions } from '../options.js';

export function addSweep(program: Command, context: Context): void {
  const command = program
    .command('sweep')
    .summary('compare settings on the validation split')
    .description(
      'Trains every combination of the values, and compares by the validation Dice of the best epoch; the test split is not ' +
        'opened. Keys are those of a configuration file (tau_enhance, contrastive_weight, ltem_apply, augment.flip.probability, …). ' +
        'Given again, it goes on: what is done is not run again. Writes table.html, table.md and table.json.',
    )
    .requiredOption('--grid <key=v1,v2...>', 'values to try, for each key; or one JSON file of them');
  withStudyOptions(command, 1).action(async options => (await import('../actions/sweep.js')).sweep(options, context));
}
