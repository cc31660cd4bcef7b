// The page of one run: what it reached, how it got there, what it gets right and wrong, and what was run.

import { Network } from '../../networks/network.js';
import { trainingOf } from '../../networks/training-registry.js';
import type { Scores } from '../../node/datasets/evaluate.js';
import type { SentenceEvaluation } from '../../node/datasets/evaluate-sentences.js';
import type { MetricsLine, RunInfo } from '../../train/run-files/index.js';
import { type Html, html, page } from '../html.js';
import { type Colour, diceHistogram, type Line, type LineChart, lineChart, sizeScatter } from './charts.js';
import type { ReportContent, TestContent } from './content.js';
import { pictureSection } from './picture-cards.js';
import { extent, type Point, seriesOf } from './series.js';
import { settingsSection } from './settings.js';
import { WAY_NAMES } from './ways.js';

const three = (value: number): string => value.toFixed(3);

/** The HTML of the report: one file, without scripts. */
export function renderReport(content: ReportContent): string {
  const { folder, info, model, lines, test, withoutTest } = content;
  const best = bestEpoch(lines);
  return page(
    `${model.name}: training report`,
    html`<header>
<h1>${model.name}</h1>
<p class="lead">Training run in <code>${folder}</code>${info && html`, on ${info.data.name}, ${info.device.adapter}`}</p>
${statusBadge(info, lines)}
${tiles(lines, best, test)}
</header>
<main>
<h2>Training</h2>
${curves(lines, best)}
<h2>Test</h2>
${test ? testSection(test) : html`<p class="note">${withoutTest ?? 'Not scored.'}</p>`}
${test && pictureSection(test.groups, trainingOf(Network.of(model)).maps)}
${settingsSection(content)}
</main>`,
  );
}

/** The epoch with the highest validation Dice. */
export function bestEpoch(lines: readonly MetricsLine[]): Point | null {
  return seriesOf(lines, 'epoch', 'val_dice').reduce<Point | null>(
    (best, point) => (best === null || point.value > best.value ? point : best),
    null,
  );
}

function statusBadge(info: RunInfo | null, lines: readonly MetricsLine[]): Html {
  if (info?.ended) return html`<span class="badge">finished: ${info.ended.why}</span>`;
  const last = lines.at(-1);
  const at = last ? `step ${last.step.toLocaleString('en')}, epoch ${last.epoch + 1}` : 'no step yet';
  return html`<span class="badge open">unfinished: ${at}</span>`;
}

function tiles(lines: readonly MetricsLine[], best: Point | null, test: TestContent | null): Html {
  const last = lines.at(-1);
  const loss = seriesOf(lines, 'step', 'loss').at(-1);
  const shown: [string, string][] = [];
  if (test)
    shown.push(
      [three(test.dice), `Dice, all ${test.split} pixels`],
      [three(test.mean_dice), `Dice, mean of ${test.n} images`],
    );
  if (best) shown.push([three(best.value), `best validation Dice, epoch ${best.epoch + 1}`]);
  if (loss) shown.push([three(loss.value), 'last loss']);
  if (last)
    shown.push([last.step.toLocaleString('en'), `steps, ${last.epoch + (last.kind === 'epoch' ? 1 : 0)} whole epochs`]);
  return html`<div class="tiles">${shown.map(([value, label]) => html`<div class="tile"><b>${value}</b><span>${label}</span></div>`)}</div>`;
}

function curves(lines: readonly MetricsLine[], best: Point | null): Html {
  const to = lines.at(-1)?.step ?? 1;
  const charts = [lossChart(lines), validationChart(lines, best), rateChart(lines), speedChart(lines)];
  const drawn = charts.map(chart => lineChart(chart, 0, to)).filter(chart => chart !== null);
  if (drawn.length === 0) return html`<p class="note">metrics.jsonl has no line yet.</p>`;
  return html`<div class="charts">${drawn}</div>`;
}

/** Points that an average of the steps spans. */
const spanOf = (points: readonly Point[]): number => Math.max(1, Math.round(points.length / 40));

function lossChart(lines: readonly MetricsLine[]): LineChart {
  const total = seriesOf(lines, 'step', 'loss');
  const span = spanOf(total);
  const line = (name: string, colour: Colour, points: readonly Point[]): Line => ({ name, colour, points, span });
  return {
    title: 'Loss',
    ...(span > 1 && { note: `average of about ${span} steps; every step behind it` }),
    format: short,
    lines: [
      line('total', 'a', total),
      line('segmentation', 'c', seriesOf(lines, 'step', 'segmentation')),
      line('contrastive', 'b', seriesOf(lines, 'step', 'contrastive')),
    ],
  };
}

function validationChart(lines: readonly MetricsLine[], best: Point | null): LineChart {
  const points = (name: string) => seriesOf(lines, 'epoch', name);
  return {
    title: 'Validation',
    note: 'after each epoch',
    format: value => value.toFixed(2),
    lines: [
      { name: 'Dice, all pixels', colour: 'a', points: points('val_dice') },
      { name: 'IoU', colour: 'b', points: points('val_iou') },
      { name: 'Dice, mean of images', colour: 'c', points: points('val_mean_dice') },
    ],
    ...(best && { best: { point: best, label: three(best.value) } }),
  };
}

const rateChart = (lines: readonly MetricsLine[]): LineChart => ({
  title: 'Learning rate',
  format: short,
  lines: [{ name: 'lr', colour: 'a', points: seriesOf(lines, 'step', 'lr'), span: 1 }],
});

function speedChart(lines: readonly MetricsLine[]): LineChart {
  const points = seriesOf(lines, 'step', 'images_per_second');
  const domain = [0, extent(points)?.[1] ?? 1] as const;
  const line: Line = { name: 'images/s', colour: 'a', points, span: spanOf(points) };
  return { title: 'Speed', note: 'images a second', format: short, domain, lines: [line] };
}

/** Few digits, and exponents where they are shorter: 3e-4, 0.05, 12.5. */
export function short(value: number): string {
  if (value === 0) return '0';
  const small = Math.abs(value) < 0.01;
  return small ? value.toExponential(1).replace('.0e', 'e') : String(Number(value.toPrecision(3)));
}

/** What a split's scores are not. */
const CHOSEN: Readonly<Record<string, string>> = {
  val: 'These records chose the epoch of the model, so their scores flatter it.',
  train: 'The model was trained on these records, so their scores say little.',
};

function wayTable({ rows }: SentenceEvaluation): Html {
  return html`<div class="wide"><table><thead><tr><th>what the model is told</th><th>images</th><th>Dice,<br>all pixels</th><th>IoU,<br>all pixels</th><th>Dice,<br>mean</th><th>IoU,<br>mean</th></tr></thead>
<tbody>${rows.map(
    ({ name, n, example, ...s }) =>
      html`<tr><th title="${example ?? 'nothing'}">${WAY_NAMES[name]}</th><td>${n}</td>${[s.dice, s.iou, s.mean_dice, s.mean_iou].map(v => html`<td>${v.toFixed(4)}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}

function testSection(test: TestContent): Html {
  const rows: [string, Scores][] = [
    [`all ${test.n}`, test],
    ...Object.entries(test.without).map(([mark, scores]): [string, Scores] => [`${scores.n} without ${mark}`, scores]),
  ];
  return html`<p class="note">${test.data}, split “${test.split}”, ${test.ran}. ${CHOSEN[test.split] ?? 'The epoch of the model was chosen by validation records, none of these.'}</p>
<div class="wide"><table><thead><tr><th>images</th><th>Dice,<br>all pixels</th><th>IoU,<br>all pixels</th><th>Dice,<br>mean</th><th>IoU,<br>mean</th><th>accuracy</th></tr></thead>
<tbody>${rows.map(
    ([name, s]) =>
      html`<tr><th>${name}</th>${[s.dice, s.iou, s.mean_dice, s.mean_iou, s.accuracy].map(v => html`<td>${v.toFixed(4)}</td>`)}</tr>`,
  )}</tbody></table></div>
${test.sentences && wayTable(test.sentences)}
<div class="charts below">${diceHistogram(
    test.per_image.map(({ dice }) => dice),
    test.mean_dice,
    'Images by their Dice',
  )}${sizeScatter(test.per_image)}</div>`;
}
