// `tmca export-onnx` on the command line.

import type { Command } from 'commander';
import type { Context } from '../context.js';
import { dtypeOption, jsonOption } from '../options.js';
import { version } from '../version.js';

export function addExportOnnx(program: Command, context: Context): void {
  program
    .command('export-onnx')
    .summary('write a model as ONNX')
    .description(
      'Writes text.onnx (a sentence, once) and image.onnx (an image and what text.onnx made of the sentence to logits), opset ' +
        '20, for any batch and text length. Images go in normalised, [batch,3,S,S]; see tmca preprocess and tmca tokenize.',
    )
    .argument('<model>', 'model folder or address')
    .requiredOption('--out <folder>', 'where the files go')
    .option('--fill', 'parameters made from their names, in place of model.safetensors', false)
    .addOption(dtypeOption())
    .addOption(jsonOption())
    .action(async (model, options) =>
      (await import('../actions/export-onnx.js')).exportOnnx(model, { ...options, version: version() }, context),
    );
}
