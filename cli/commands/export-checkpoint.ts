// `tmca export-checkpoint` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { jsonOption } from '../options.js';

export function addExportCheckpoint(program: Command, context: Context): void {
  program
    .command('export-checkpoint')
    .summary("write a model's encoder under another project's names")
    .description('Writes one encoder as a safetensors file (F32) that the named project loads; import reads it back.')
    .argument('<model>', 'model folder or address')
    .addOption(
      new Option('--as <names>', 'bert: the text encoder; the others: the image encoder')
        .choices(['hf', 'timm', 'torchvision', 'original', 'bert'])
        .makeOptionMandatory(),
    )
    .requiredOption('--out <file>', 'safetensors file to write')
    .addOption(jsonOption())
    .action(async (model, options) =>
      (await import('../actions/export-checkpoint.js')).exportModel(model, options, context),
    );
}
