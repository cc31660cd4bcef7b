// `tmca quantize` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { categoryOption, deviceOption, jsonOption, probability, promptOption } from '../options.js';

export function addQuantize(program: Command, context: Context): void {
  program
    .command('quantize')
    .summary('store a model as fp16 or int8')
    .description(
      'Writes a model folder of half or a quarter of the size, with quantize-report.json and quantize-report.html: every layer ' +
        'beside f32 on real images and sentences, and Dice before and after where --data is given. Nothing is written where Dice ' +
        'falls too far.',
    )
    .argument('<model>', 'model folder or address, fp32 or fp16')
    .addOption(
      new Option('--to <dtype>', 'int8: weights of matrix products and tables as whole numbers, the rest as halves')
        .choices(['fp16', 'int8'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <folder>', 'model folder to make')
    .option('--data <folder>', 'data set that masks are scored on')
    .option('--split <name>', 'records to take of it', 'test')
    .option('--text <sentence>', "in place of every record's own text")
    .addOption(promptOption())
    .addOption(categoryOption())
    .option(
      '--integer-products',
      'for int8: score masks with activations rounded to int8 as well, and permit that where Dice holds',
    )
    .addOption(
      new Option('--max-dice-drop <x>', 'how far Dice may fall (default: 0.002 for fp16, 0.005 for int8)').argParser(
        probability,
      ),
    )
    .addOption(deviceOption())
    .addOption(jsonOption())
    .action(async (model, options) => (await import('../actions/quantize.js')).quantize(model, options, context));
}
