// `tmca inspect forward` on the command line.

import type { Command } from 'commander';
import type { Context } from '../context.js';
import { deviceOption, dtypeOption, jsonOption } from '../options.js';

export function addInspectForward(inspect: Command, context: Context): void {
  inspect
    .command('forward')
    .summary('intermediate outputs for given inputs')
    .description(
      'Inputs: image [B,3,S,S] (normalised), ids [B,L], mask [B,L]. Outputs go under the names of the reference.',
    )
    .argument('<model>', 'model folder or address')
    .requiredOption('--inputs <file>', 'safetensors file with image, ids and mask')
    .requiredOption('--out <file>', 'safetensors file to write')
    .option('--fill', 'parameters made from their names, in place of model.safetensors', false)
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(jsonOption())
    .action(async (model, options) =>
      (await import('../actions/inspect-forward.js')).inspectForward(model, options, context),
    );
}
