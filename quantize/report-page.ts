// quantize-report.html: what was stored how, what that costs layer by layer and in masks, and what was kept in f32.

import { type Html, html, page } from '../reports/html.js';
import type { Finding } from './audit.js';
import type { QuantizeReport } from './report.js';
import type { LayerReport } from './trace.js';

/** The HTML of the report: one file, without scripts. */
export function renderReport(report: QuantizeReport): string {
  const { model, to, from, examples, adapter, activations, created } = report;
  const where = adapter.description || adapter.vendor;
  return page(
    `${model}: ${to}`,
    html`<header>
<h1>${model} in ${to}</h1>
<p class="lead">Made from its ${from.dtype} weights, ${created.slice(0, 10)}. Measured on ${where}, activations in ${activations}.</p>
${budgetBadge(report)}
${tiles(report)}
</header>
<main>
<h2>Masks</h2>
${masks(report)}
<h2>Kept in f32</h2>
${findingTable(report)}
<h2>Parameters</h2>
${storedTable(report)}
<h2>Layers</h2>
<p class="note">Each layer beside an f32 run over the source’s weights, on ${examples.ids.length} images with their ${examples.text} (${examples.of}). Values pass from layer to layer, so errors add up on the way.</p>
${layerTable(report.layers)}
</main>`,
  );
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(bytes < 1e5 ? 3 : 1)} MB`;
const percent = (share: number): string => `${(100 * share).toFixed(2)} %`;
const cosineOf = (cosine: number | null): string => (cosine === null ? 'not finite' : cosine.toFixed(6));

/** Few digits, and exponents where they are shorter. */
function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e7) return value.toExponential(1);
  return size < 1000 ? String(Number(value.toPrecision(3))) : Math.round(value).toLocaleString('en');
}

function budgetBadge({ budget, end_to_end: { dice } }: QuantizeReport): Html {
  if (!dice) return html`<span class="badge open">masks were not scored: no data was given</span>`;
  const change = `Dice ${dice.dice_drop > 0 ? 'fell' : 'rose'} by ${Math.abs(dice.dice_drop).toFixed(4)}`;
  return html`<span class="badge">${change}; ${budget.max_dice_drop} was allowed</span>`;
}

function tiles({ bytes, end_to_end: { logits, dice }, layers }: QuantizeReport): Html {
  const least = Math.min(...layers.map(({ cosine }) => cosine ?? -1));
  const shown: [string, string][] = [
    [`${(100 * bytes.ratio).toFixed(1)} %`, `of ${megabytes(bytes.before)}: ${megabytes(bytes.after)}`],
    [cosineOf(logits.cosine), 'cosine of the logits'],
    [least.toFixed(6), 'least cosine of a layer'],
    [percent(logits.mask_agreement), 'of mask pixels the same on the examples'],
  ];
  if (dice) shown.push([dice.quantized.dice.toFixed(4), `Dice; ${dice.fp32.dice.toFixed(4)} in fp32`]);
  return html`<div class="tiles">${shown.map(([value, label]) => html`<div class="tile"><b>${value}</b><span>${label}</span></div>`)}</div>`;
}

function masks({ end_to_end: { dice }, integer_products: whole, to }: QuantizeReport): Html {
  if (!dice) return html`<p class="note">Not scored. <code>--data</code> names a data set with masks.</p>`;
  const row = (name: string, s: typeof dice.fp32) =>
    html`<tr><th>${name}</th>${[s.dice, s.iou, s.mean_dice].map(v => html`<td>${v.toFixed(4)}</td>`)}</tr>`;
  const flips =
    dice.empty_flips === 0
      ? 'No mask became empty, none ceased to be'
      : `${dice.empty_flips} masks became empty or ceased to be`;
  return html`<p class="note">${dice.data}, split “${dice.split}”, ${dice.n} images at the network’s size. ${flips}; ${percent(dice.pixel_agreement)} of all pixels are the same.</p>
<div class="wide"><table><thead><tr><th>precision</th><th>Dice,<br>all pixels</th><th>IoU,<br>all pixels</th><th>Dice,<br>mean</th></tr></thead>
<tbody>${row('fp32', dice.fp32)}${row(to, dice.quantized)}${whole ? row('int8, activations too', whole.quantized) : ''}</tbody></table></div>`;
}

const LIMIT = {
  weight: 'weight',
  activation: 'activation',
  variance: 'squared deviation',
  gelu: 'before GELU',
} as const;

function findingTable({ findings, ranges }: QuantizeReport): Html {
  const largest = html`The largest activation is ${short(ranges.activation)} and the largest squared deviation in a norm ${short(ranges.squared_deviation)}, of the 65,504 that f16 holds; before a GELU the largest is ${short(ranges.gelu)}.`;
  if (findings.length === 0) return html`<p class="note">Nothing had to be. ${largest}</p>`;
  const row = ({ layer, kind, value, limit, rule }: Finding) =>
    html`<tr><th><code>${layer}</code></th><td>${LIMIT[kind]}</td><td>${short(value)}</td><td>${short(limit)}</td><td class="words">${rule}</td></tr>`;
  return html`<p class="note">${largest}</p>
<div class="wide"><table><thead><tr><th>layer</th><th>what</th><th>value</th><th>limit</th><th class="words">rule</th></tr></thead>
<tbody>${findings.map(row)}</tbody></table></div>`;
}

function layerTable(layers: readonly LayerReport[]): Html {
  const row = ({ layer, op, max_abs_error, cosine, range }: LayerReport) =>
    html`<tr><th><code>${layer}</code></th><td>${op}</td><td>${cosineOf(cosine)}</td><td>${short(max_abs_error)}</td><td>${short(range[0])} … ${short(range[1])}</td></tr>`;
  return html`<div class="wide"><table><thead><tr><th>layer</th><th>op</th><th>cosine</th><th>largest error</th><th>range in f32</th></tr></thead>
<tbody>${layers.map(row)}</tbody></table></div>`;
}

function storedTable({ stored, parameters }: QuantizeReport): Html {
  const kinds = (['int8', 'fp16', 'fp32'] as const).filter(dtype => stored[dtype].tensors > 0);
  const row = (dtype: (typeof kinds)[number]) => {
    const { tensors, parameters: count, bytes } = stored[dtype];
    const worst = parameters
      .filter(p => p.dtype === dtype)
      .reduce((most, next) => (next.relative_error > most.relative_error ? next : most));
    return html`<tr><th>${dtype}</th><td>${tensors}</td><td>${count.toLocaleString('en')}</td><td>${megabytes(bytes)}</td><td>${percent(worst.relative_error)}</td><td><code>${worst.name}</code></td></tr>`;
  };
  return html`<div class="wide"><table><thead><tr><th>stored as</th><th>tensors</th><th>numbers</th><th>size</th><th>most lost<br>by rounding</th><th>in</th></tr></thead>
<tbody>${kinds.map(row)}</tbody></table></div>`;
}
