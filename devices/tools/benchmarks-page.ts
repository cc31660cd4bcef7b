// docs/benchmarks.md from the files that `tmca bench`, bench-page.mjs, `tmca ablate`, `tmca sweep` and `tmca card` wrote. No figure is typed here.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { inline, wrapped } from '../../reports/run/markdown.js';
import { tableMarkdown } from '../../reports/study/study-table.js';
import type { StudyTable } from '../../train/study/table.js';
import type { KernelRow } from '../kernel-table.js';
import {
  agreementTable,
  coldTable,
  hostTable,
  kernelsTable,
  latencyTable,
  measurementTable,
  memoryTable,
  type RunFile,
  ratesTable,
  type TrainingFile,
  trainingTable,
} from './benchmarks-tables.js';

export interface BenchmarkFiles {
  readonly runs: readonly RunFile[];
  readonly pages: readonly RunFile[];
  readonly training: readonly TrainingFile[];
  readonly studies: readonly { readonly link: string; readonly table: StudyTable }[];
  /** Model cards: name, path from docs/, and their section of scores. */
  readonly cards: readonly { readonly name: string; readonly link: string; readonly scores: string }[];
}

/** In the order of their paths. */
function filesUnder(root: string, folder: string, chosen: (name: string) => boolean): string[] {
  const entries = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
  const paths = entries.map(entry => posix.join(folder, entry.replaceAll('\\', '/')));
  return paths.filter(path => chosen(basename(path))).sort();
}

/** Every result that the repository keeps; a file of no known kind is an error, so that none is left out in silence. */
export function readBenchmarkFiles(root: string): BenchmarkFiles {
  const text = (path: string) => readFileSync(join(root, path), 'utf8').replaceAll('\r\n', '\n');
  const runs: RunFile[] = [];
  const pages: RunFile[] = [];
  const training: TrainingFile[] = [];
  for (const path of filesUnder(root, 'devices/results', name => name.endsWith('.json'))) {
    const name = path.slice('devices/results/'.length, -'.json'.length);
    const result = { ...JSON.parse(text(path)), link: `../${path}`, name };
    if (result.ours?.frame) (result.userAgent ? pages : runs).push(result);
    else if (result.ours?.step) training.push(result);
    else throw new Error(`benchmarks: ${path} must be a result of tmca bench, got another document; remove it`);
  }
  const studies = filesUnder(root, 'docs/studies', name => name === 'table.json').map(path => ({
    link: posix.join(posix.relative('docs', posix.dirname(path)), 'table.md'),
    table: JSON.parse(text(path)) as StudyTable,
  }));
  const cards = filesUnder(root, 'models', name => name === 'README.md').map(path => {
    const [, scores] = /^## Scores\n+(.*?)\n+## /ms.exec(text(path)) ?? [];
    if (!scores) throw new Error(`benchmarks: ${path} must have a section Scores, got none; write it by tmca card`);
    return { name: basename(posix.dirname(path)), link: `../${path}`, scores };
  });
  return { runs, pages, training, studies, cards };
}

/** Kernels of a training step that get a line of their own. */
const STEP_KERNELS = 12;

/** The page's text. */
export function benchmarksPage({ runs, pages, training, studies, cards }: BenchmarkFiles): string {
  const all = [...runs, ...pages];
  const kernels = (result: RunFile | TrainingFile, what: string, rows: readonly KernelRow[], most?: number) =>
    rows.length > 0 ? [`### ${result.name}: ${what}`, kernelsTable(rows, most)] : [];
  const parts = [
    '<!-- Written by `npm run docs:benchmarks` from the files that it links. Do not edit. -->',
    '# Benchmarks',
    INTRODUCTION,
    '## How it was measured',
    PROTOCOL,
    '## The measurements',
    MEASUREMENTS,
    measurementTable([...all, ...training]),
    commands([...all, ...training]),
    '## A frame, a text and a cold start',
    LATENCY,
    '### In Node',
    latencyTable(runs),
    '### In a page of Chromium',
    latencyTable(pages),
    '### What a cold start consists of',
    COLD,
    coldTable(all),
    '## Agreement with the peer',
    AGREEMENT,
    agreementTable(all),
    '## Memory',
    MEMORY,
    memoryTable(all),
    '## Kernels',
    KERNELS,
    ratesTable([...all, ...training]),
    ...all.flatMap(result => [
      ...kernels(result, 'a frame', result.ours.kernels),
      ...kernels(result, 'a text', result.ours.text_kernels),
    ]),
    '## Preparing images and text',
    HOST,
    hostTable(runs),
    '## A training step',
    TRAINING,
    trainingTable(training),
    ...training.flatMap(result => kernels(result, 'a training step', result.ours.kernels, STEP_KERNELS)),
    '## Studies',
    STUDIES,
    ...studies.map(
      ({ link, table }) =>
        `${tableMarkdown(table)
          .trim()
          .replace(/^## (.*)$/m, `### [$1](${link})`)}`,
    ),
    '## Scores of the shipped model',
    'The model cards, which `tmca card` writes from the files of `tmca evaluate`, say:',
    ...cards.flatMap(({ name, link, scores }) => [`### [${name}](${link})`, scores]),
  ];
  return wrapped(`${parts.join('\n\n')}\n`);
}

/** How each file was made, and what its maker said of the machine. */
const commands = (results: readonly (RunFile | TrainingFile)[]): string =>
  [
    '| measurement | command | the machine then |\n| --- | --- | --- |',
    ...results.map(
      ({ name, command, note }) => `| ${name} | \`${command.replaceAll('|', '\\|')}\` | ${note ? inline(note) : ''} |`,
    ),
  ].join('\n');

const INTRODUCTION = `Every figure of this package's speed, memory, agreement and scores is on this page, and all of them are copied by
a program from the files that the measuring commands wrote. \`npm run docs:benchmarks\` writes the page again; a test
compares it with those files, so the page cannot differ from them. Adapters that the tables call llvmpipe or SwiftShader
are software: they imitate a GPU on the processor, so their times say how implementations compare and nothing about what a GPU takes.`;

const PROTOCOL = `The package and its peer run in the same process on the same adapter, on the same weights (the peer's model is what
\`tmca export-onnx\` makes of the folder) and the same inputs. They take turns: one frame of the one, one frame of the other, and so on, so that
whatever else the machine does slows both. Each pair gives one quotient, ours over the peer's, and the _ratio_ of a
table is the median of those quotients: below 1, this package is faster. The ratio may therefore differ a little from the quotient of the two medians beside it.
PyTorch runs in a process of its own, in turn with ours, since it has no JavaScript interface.

The medians (p50) and 95th percentiles (p95) are taken over warm runs, after a first one that is not counted; _n_ says how many there were.
A cold start happens once per process, so its figures are single times and not medians. Times are wall-clock milliseconds unless a column
says otherwise. Where n is small or the machine was shared, differences between two rows may be noise.`;

const MEASUREMENTS = `One line is one file, which holds more than the tables show; later tables refer to it by its name. Below the table stands the command that
made each file, and what was said of the machine then. \`--fill\` means that parameters were made by a formula instead of trained,
which changes no time.`;

const LATENCY = `A _frame_ goes from the normalised image to the logits, both in memory. A _text_ goes from token ids to the encoded text; it is done
once for any number of frames. A _cold start_ is opening the model, the first text and the first frame. Columns are milliseconds, except
for the ratio (ours over the peer's) and n (warm runs of each side). A dash means that no peer was measured.`;

const COLD = `Milliseconds of the one cold start: reading and uploading the weights (_load_), making the pipelines (_compile_, which overlaps
with load here and which onnxruntime does within its first runs), the first text and the first frame. _CPU_ is processor time of all threads together,
where the process can ask for it.`;

const AGREEMENT = `_Largest difference_ is that of a logit between the package and its peer on the same input, and _mask_ is the share of
pixels on which both masks agree. Where our dtype is not the peer's, the rounding of that dtype is in the difference.`;

const MEMORY = `Megabytes (10⁶ bytes) of buffers on the device, as the package counts its own allocations; what the driver adds is not in them. _Arena_ is
where activations lie, and its _lower bound_ is what is alive at one time at the most, which no placement can go below.
_Dispatches_ are kernel calls.`;

const KERNELS = `The adapter's own rates come first: multiply-adds that stay in registers (GFLOP/s, 10⁹ operations a second), and a copy of a large buffer (GB/s, 10⁹ bytes a second).
A kernel family's _share_ is its part of the time of all kernels. Its share _of the roofline_ is the least time that its arithmetic or its memory traffic takes at the adapter's rates,
over the time that it took: 100 % cannot be improved. _Bound_ names the rate that allows no less. The _clock_ is \`timestamp-query\` (the device's own), \`driver-threads\`
(processor time of a software adapter's threads) or \`wall\`. Small maps stay in a processor's caches, so a software adapter can exceed what a copy of a large buffer allows.`;

const HOST = `What the processor does before the network runs, on one thread: images are resized and normalised, and texts are cut into tokens, by this
package's WebAssembly module and by a widely used library, in turn. Times are medians in milliseconds; _ratio, CPU_ is that of processor time.
_Same results_ is the share of token ids that are equal, or of pixels within 1/128 of their range.`;

const TRAINING = `A step is forward, backward, clipping and AdamW on one batch, on the same parameters and examples for both. Columns: milliseconds of a step (p50), the first
step with all that is compiled in it, processor milliseconds of a step, images a second, and the share of the roofline that our whole step reaches. _Losses_ is the largest relative difference
of a loss over all the steps that both took.`;

const STUDIES = `Trainings of the same small network with parts left out or settings changed. Where there are several runs, the figures are mean ± sample standard
deviation over seeds. [docs/studies](studies/README.md) says what follows from them and what does not.`;
