// `tmca preprocess` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { jsonOption, wholeNumber } from '../options.js';

export function addPreprocess(program: Command, context: Context): void {
  program
    .command('preprocess')
    .summary('turn an image into the input of a network')
    .description('Resizes to S x S and normalises; writes a safetensors file with the tensor "image", [3, S, S], F32.')
    .argument('<image>', 'JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP file')
    .addOption(new Option('--size <S>', 'side of the output').argParser(wholeNumber(1)).makeOptionMandatory())
    .addOption(
      new Option('--normalize <how>', 'per image (zscore), by ImageNet, or only to 0..1 (none)')
        .choices(['zscore', 'imagenet', 'none'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'safetensors file to write')
    .addOption(jsonOption())
    .action(async (image, options) => (await import('../actions/preprocess.js')).preprocess(image, options, context));
}
