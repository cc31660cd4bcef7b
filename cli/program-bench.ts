// `tmca bench` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from './context.js';
import { deviceOption, dtypeOption, jsonOption, modelOption, wholeNumber } from './options.js';

export function addBench(program: Command, context: Context): void {
  program
    .command('bench')
    .summary('measure latency, memory and kernels, alone or against a peer')
    .description(
      'Cold start, then warm texts and frames; with a peer, both in one process, in turn, on the same weights and inputs, and ' +
        'their outputs compared. A frame is from the normalised image in memory to the logits in memory.',
    )
    .addOption(modelOption())
    .option('--fill <folder>', 'a folder with config.json: parameters made from their names, in place of --model')
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(
      new Option('--peer <name>', 'what to compare with; installed by npm run bench:peers in a clone of the repository')
        .choices(['none', 'ort-webgpu', 'ort-wasm', 'ort-cpu'])
        .default('none'),
    )
    .addOption(
      new Option('--peer-dtype <name>', "precision of the peer's model; ours if not given").choices(['fp32', 'fp16']),
    )
    .addOption(new Option('--frames <n>', 'most warm frames of each').default(50).argParser(wholeNumber(1)))
    .addOption(
      new Option('--seconds <n>', 'after this time no further frame begins, from the fifth on')
        .default(60)
        .argParser(wholeNumber(0)),
    )
    .option('--no-assembly', "leave out the host's work (resizing, tokenising)")
    .option('--out <file>', 'JSON file to write')
    .addOption(jsonOption())
    .action(async options => (await import('./commands/bench.js')).benchModel(options, context));
}
