// `tmca bench report` on the command line.

import { type Command, Option } from 'commander';
import type { Context } from '../context.js';
import { jsonOption } from '../options.js';

export function addBenchReport(bench: Command, context: Context): void {
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
      (await import('../actions/bench-report.js')).compareBenches(files, options, context),
    );
}
