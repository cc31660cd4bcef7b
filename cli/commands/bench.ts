// `tmca bench` on the command line, and the commands below it.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import {
  deviceOption,
  dtypeOption,
  fillOption,
  jsonOption,
  modelOption,
  outOption,
  secondsOption,
  tuneOption,
  wholeNumber,
} from '../options.js';
import { addBenchReport } from './bench-report.js';
import { addBenchTrain } from './bench-train.js';

export function addBench(program: Command, context: Context): void {
  const bench = program
    .command('bench')
    .summary('measure latency, memory and kernels, alone or against a peer')
    .description(
      'Cold start, then warm texts and frames; with a peer, both in one process, in turn, on the same weights and inputs, and ' +
        'their outputs compared. A frame is from the normalised image in memory to the logits in memory.',
    )
    .addOption(modelOption())
    .addOption(fillOption())
    .addOption(deviceOption())
    .addOption(dtypeOption())
    .addOption(tuneOption())
    .addOption(
      new Option('--peer <name>', 'what to compare with; installed by npm run bench:peers in a clone of the repository')
        .choices(['none', 'ort-webgpu', 'ort-wasm', 'ort-cpu'])
        .default('none'),
    )
    .addOption(
      new Option('--peer-dtype <name>', "precision of the peer's model; ours if not given").choices(['fp32', 'fp16']),
    )
    .addOption(new Option('--frames <n>', 'most warm frames of each').default(50).argParser(wholeNumber(1)))
    .addOption(secondsOption('after this time no further frame begins, from the fifth on'))
    .option('--passes', 'in place of all that: what each rewrite of the graph is worth, by leaving it out in turn')
    .option('--flat', 'in place of all that: memory over so many frames, which must not grow')
    .option('--no-assembly', "leave out the host's work (resizing, tokenising)")
    .option('--note <text>', 'what is to be known of the machine (busy, on battery), for the JSON')
    .addOption(outOption())
    .addOption(jsonOption())
    // its options are those before `train`
    .enablePositionalOptions()
    .action(async options => (await import('../actions/bench.js')).benchModel(options, context));
  addBenchTrain(bench, context);
  addBenchReport(bench, context);
}
