// `tmca import` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { jsonOption, wholeNumber } from '../options.js';

export function addImport(program: Command, context: Context): void {
  program
    .command('import')
    .summary('make a model folder from ConvNeXt and BERT checkpoints')
    .description(
      'Reads ConvNeXt as Hugging Face, timm, torchvision or its authors name it, BERT as Hugging Face does, and checkpoints of ' +
        'the whole network: safetensors files, indices of shards, folders with either. What no file has is initialised.',
    )
    .argument('<files...>', 'checkpoints: one of an image encoder, one of a text encoder, or either')
    .requiredOption('--out <folder>', 'the model folder to make: new, empty, or a model to replace')
    .option('--config <file>', 'config.json with what tensors do not tell (image_size, heads, …)')
    .option(
      '--vocab <file>',
      "vocab.txt or tokenizer.json of the text encoder; if not given, the one beside the text encoder's file",
    )
    .addOption(new Option('--seed <n>', 'seed of what is initialised').default(0).argParser(wholeNumber(0)))
    .addOption(jsonOption())
    .action(async (files, options) => (await import('../actions/import.js')).importModel(files, options, context));
}
