// `tmca bench` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from './context.js';
import { deviceOption, dtypeOption, jsonOption, modelOption, tuneOption, wholeNumber } from './options.js';

const outOption = () => new Option('--out <file>', 'JSON file to write');
const secondsOption = (what: string) => new Option('--seconds <n>', what).default(60).argParser(wholeNumber(0));
const fillOption = () =>
  new Option('--fill <folder>', 'a folder with config.json: parameters made from their names, in place of --model');

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
    .action(async options => (await import('./commands/bench.js')).benchModel(options, context));
  addBenchTrain(bench, context);
  addBenchReport(bench, context);
}

function addBenchReport(bench: Command, context: Context): void {
  bench
    .command('report')
    .summary('several measurements on one page: which device is fast enough')
    .description(
      'Latency, memory, kernels against the roofline and agreement of each file, as one HTML page that fetches and runs nothing. ' +
        'Networks that differ are not compared.',
    )
    .argument('<file...>', 'files that tmca bench --out wrote, here or on other machines')
    .addOption(new Option('--out <file>', 'HTML file to write').default('bench-report.html'))
    .addOption(jsonOption())
    .action(async (files, options) =>
      (await import('./commands/bench-compare.js')).compareBenches(files, options, context),
    );
}

function addBenchTrain(bench: Command, context: Context): void {
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
    .action(async options => (await import('./commands/bench-train.js')).benchTraining(options, context));
}
