// `tmca train` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { categoryOption, configOption, countOption, jsonOption, memorySize, promptOption, rate } from '../options.js';

export function addTrain(program: Command, context: Context): void {
  program
    .command('train')
    .summary('train a model on a data set')
    .description(
      'Trains on the split "train" and validates on "val" after every epoch. The folder --out becomes a model folder: the best ' +
        'model by validation Dice, with metrics.jsonl (a line a step and one an epoch) and the checkpoints to resume from. ' +
        'Ctrl-C saves and stops.',
    )
    .requiredOption('--data <folder>', 'data set folder')
    .requiredOption('--out <folder>', 'folder of the run: a new one, or one to be resumed')
    .addOption(configOption('settings', ' (default: those of the paper)'))
    .option('--init <folder>', 'model folder to start from; parameters that it does not have begin at random')
    .addOption(countOption('--epochs <n>', 'most passes over the data'))
    .addOption(countOption('--batch <n>', 'records a step'))
    .addOption(countOption('--micro-batch <n>', 'records in memory at a time (default: the most that fit)'))
    .addOption(
      new Option('--memory <size>', 'what a step may take of the device: 16 (GiB), 900MiB').argParser(memorySize),
    )
    .addOption(new Option('--lr <x>', 'highest learning rate').argParser(rate))
    .addOption(countOption('--steps <n>', 'end after this many steps in all; the schedule stays that of the epochs'))
    .addOption(countOption('--seed <n>', 'what everything random is drawn by', 0))
    .option('--text <text>', 'one text in place of every sentence: what the same recipe reaches without language')
    .addOption(promptOption())
    .addOption(categoryOption())
    .option('--resume', 'go on from the last checkpoint of --out')
    .option('--skip-bad', 'leave faulty records out instead of refusing the data set')
    .addOption(
      new Option(
        '--device <name>',
        'where steps are taken; webgpu takes a software adapter too, torch is PyTorch in a Python of yours',
      )
        .choices(['auto', 'webgpu', 'torch'])
        .default('auto'),
    )
    .option('--python <command>', 'for torch: a Python that has PyTorch (default: python3)')
    .addOption(
      new Option('--precision <name>', 'for torch: what products are computed in (default: fp32)').choices([
        'fp32',
        'bf16',
      ]),
    )
    .addOption(jsonOption())
    .action(async options => (await import('../actions/train.js')).train(options, context));
}
