// `tmca card` on the command line.

import type { Command } from 'commander';
import type { Context } from '../context.js';
import { jsonOption } from '../options.js';

export function addCard(program: Command, context: Context): void {
  program
    .command('card')
    .summary('write the model card of a run')
    .description(
      "Writes README.md into the model's folder: network, scores, recipe, data and terms. Scores are those that tmca report has " +
        'left in the run, or of --scores. A README.md that is no card is not replaced.',
    )
    .argument('<run>', 'folder of the run: the --out of train')
    .option('--model <folder>', 'folder that the card is for, where it is not the run itself (its fp16 form)')
    .option('--scores <file>', 'JSON of evaluate --json on that folder')
    .option('--sentences <file>', 'JSON of evaluate --sentences --json on that folder')
    .option('--without-text <run>', 'run of the same recipe with text_override, to say what language is worth')
    .option('--terms <text|file>', 'terms of the data')
    .option('--out <file>', 'where the card goes, if not README.md of the folder')
    .addOption(jsonOption())
    .action(async (run, options) => (await import('../actions/card.js')).card(run, options, context));
}
