// `tmca read-report` on the command line.

import type { Command } from 'commander';
import type { Context } from '../context.js';
import { jsonOption } from '../options.js';

export function addReadReport(program: Command, context: Context): void {
  program
    .command('read-report')
    .summary('find what a routine report says')
    .description(
      'Reads routine reports of endoscopies and chest images, in English: which polyps or infections each says that there are, ' +
        'the words that say so, and a sentence to segment each with. By rules: no model is loaded, and nothing is sent anywhere.',
    )
    .argument('<files...>', 'text files in UTF-8, one report each')
    .addOption(jsonOption())
    .action(async (files, options) => (await import('../actions/read-report.js')).readReports(files, options, context));
}
