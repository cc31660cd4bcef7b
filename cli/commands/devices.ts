// `tmca devices` on the command line.

import type { Command } from 'commander';
import type { Context } from '../context.js';
import { jsonOption, modelOption } from '../options.js';

export function addDevices(program: Command, context: Context): void {
  program
    .command('devices')
    .summary('what this machine can run on')
    .description(
      'Lists adapters with features and limits, how kernels are cut for the first, and says which one "--device auto" takes, and why.',
    )
    .option('--measure', "measure the first adapter's arithmetic and memory rates too (two seconds)")
    .option(
      '--tune',
      'fit the kernels of a model to the first adapter, anew, and keep what was found (a minute at most)',
    )
    .addOption(modelOption())
    .addOption(jsonOption())
    .action(async options => (await import('../actions/devices.js')).devices(options, context));
}
