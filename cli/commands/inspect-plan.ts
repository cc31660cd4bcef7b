// `tmca inspect plan` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { dtypeOption, jsonOption, memorySize, wholeNumber } from '../options.js';

export function addInspectPlan(inspect: Command, context: Context): void {
  inspect
    .command('plan')
    .summary('dispatches, memory and arithmetic, before a device is opened')
    .description(
      'What a frame and a text take: kernels, arithmetic, bytes of weights and of the arenas. With --train: what a training ' +
        'step takes, and how the batch is taken so that it fits. Reads config.json alone.',
    )
    .argument('<model>', 'model folder or address, or the name of a preset (full, nano)')
    .addOption(dtypeOption())
    .option('--passes', 'also with each rewrite of the graph left out')
    .option('--train', 'of a training step, in fp32')
    .addOption(forTraining('--config <file>', 'training configuration, or the name of a preset'))
    .addOption(forTraining('--batch <n>', 'records a step').argParser(wholeNumber(1)))
    .addOption(forTraining('--micro-batch <n>', 'records in memory at a time').argParser(wholeNumber(1)))
    .addOption(
      forTraining('--text-length <n>', 'tokens of a padded text; the most if not given').argParser(wholeNumber(2)),
    )
    .addOption(forTraining('--train-text', 'the text encoder is not frozen'))
    .addOption(forTraining('--memory <size>', 'what it must fit: 16 (GiB), 900MiB').argParser(memorySize))
    .addOption(jsonOption())
    .action(async (model, { train, ...options }) =>
      train
        ? (await import('../actions/inspect-memory.js')).inspectMemory(model, options, context)
        : (await import('../actions/inspect-plan.js')).inspectPlan(model, options, context),
    );
}

const forTraining = <const Flags extends string>(flags: Flags, description: string) =>
  new Option(flags, description).implies({ train: true });
