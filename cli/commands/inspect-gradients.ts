// `tmca inspect gradients` on the command line.

import type { Command } from 'commander';
import type { Context } from '../context.js';
import { deviceOption, dtypeOption, jsonOption } from '../options.js';

export function addInspectGradients(inspect: Command, context: Context): void {
  inspect
    .command('gradients')
    .summary('the training loss and its derivatives for given inputs')
    .description(
      'Inputs as of inspect forward, and target [B,1,S,S] (0 and 1). Every gradient goes under the name of its parameter. ' +
        'Runs in fp32.',
    )
    .argument('<model>', 'model folder or address')
    .requiredOption('--inputs <file>', 'safetensors file with image, ids, mask and target')
    .requiredOption('--out <file>', 'safetensors file to write')
    .option('--freeze-text', 'leave the text encoder out', false)
    .option('--fill', 'parameters made from their names, in place of model.safetensors', false)
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(jsonOption())
    .action(async (model, options) =>
      (await import('../actions/inspect-gradients.js')).inspectGradients(model, options, context),
    );
}
