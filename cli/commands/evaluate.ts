// `tmca evaluate` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import {
  categoryOption,
  deviceOption,
  dtypeOption,
  integrityOption,
  jsonOption,
  modelOption,
  promptOption,
  thresholdOption,
  tuneOption,
} from '../options.js';

export function addEvaluate(program: Command, context: Context): void {
  program
    .command('evaluate')
    .summary('score a model on a data set')
    .description(
      'Dice, IoU and accuracy at the size of the network, over all pixels and per image. Data: a folder with dataset.json, ' +
        'or as medvlsm (Kvasir-SEG, BKAI), LViT (QaTa-COV19, MosMedData+) and LanGuideMedSeg publish it; folders of images ' +
        "and masks or COCO's JSON, with one --text for all. docs/guide/data.md has them all.",
    )
    .requiredOption('--data <folder>', 'data set folder')
    .option('--split <name>', 'records to take', 'test')
    .option(
      '--text <sentence>',
      'in place of every record\'s own text, such as "polyp": what the model makes of the image',
    )
    .addOption(
      new Option(
        '--sentences',
        'a table: told whole captions, parts of them, other wordings, nothing, and wrong ones; docs/guide/sentences.md',
      ).conflicts('text'),
    )
    .option('--no-text', 'tell the model nothing; for one that reads no sentence, or whose sentence is optional')
    .addOption(promptOption())
    .addOption(categoryOption())
    .addOption(modelOption())
    .addOption(thresholdOption())
    .addOption(integrityOption())
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(tuneOption())
    .addOption(jsonOption())
    .action(async options => (await import('../actions/evaluate.js')).evaluate(options, context));
}
