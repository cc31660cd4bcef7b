// `tmca bench train` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { fillOption, jsonOption, modelOption, outOption, secondsOption, wholeNumber } from '../options.js';

export function addBenchTrain(bench: Command, context: Context): void {
  bench
    .command('train')
    .summary('measure a training step, alone or against a peer')
    .description(
      'Losses, gradients of every parameter, clipping and AdamW on one batch; with a peer, both from the same parameters, in turn, ' +
        'and their losses compared. On any WebGPU adapter, in fp32. A step is from the batch in memory to the loss in memory and ' +
        'the new parameters on the device.',
    )
    .addOption(modelOption())
    .addOption(fillOption())
    .addOption(new Option('--batch <n>', 'images a step').default(16).argParser(wholeNumber(1)))
    .addOption(
      new Option(
        '--peer <name>',
        'what to compare with: the PyTorch reference on the CPU, or TensorFlow.js on the same adapter',
      )
        .choices(['none', 'torch', 'tfjs-webgpu'])
        .default('none'),
    )
    .option('--reference <folder>', "for torch: the folder that holds the reference's tmca.py")
    .option('--python <command>', 'for torch: a Python that has it', 'python3')
    .addOption(new Option('--threads <n>', 'for torch: threads').default(1).argParser(wholeNumber(1)))
    .addOption(new Option('--steps <n>', 'most steps of each after the first').default(20).argParser(wholeNumber(1)))
    .addOption(secondsOption('after this time no further round of steps begins, from the third on'))
    .addOption(outOption())
    .addOption(jsonOption())
    .action(async options => (await import('../actions/bench-train.js')).benchTraining(options, context));
}
