// `tmca tokenize` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { wholeNumber } from '../options.js';

export function addTokenize(program: Command, context: Context): void {
  program
    .command('tokenize')
    .summary('turn texts into token ids')
    .description('Reads one JSON string a line from stdin; writes one JSON array of ids a line, with [CLS] and [SEP].')
    .requiredOption('--vocab <file>', 'vocab.txt of a model')
    .addOption(new Option('--max-length <n>', 'most ids, [CLS] and [SEP] included').argParser(wholeNumber(2)))
    .action(async options => (await import('../actions/tokenize.js')).tokenize(options, context));
}
