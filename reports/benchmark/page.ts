// Measurements of several devices on one page: which is fast enough, what each takes, how near each comes to what its adapter can do.
// One file that fetches and runs nothing, as the reports of training.

import { runsOnGpu } from '../../runtime/engines/names.js';
import { type Html, html, page } from '../html.js';
import { type Bar, barChart, linearScale, logScale, type Segment } from './bars.js';
import type { Measurement } from './read.js';

/** Milliseconds within which a frame keeps up with video of 30 frames a second. */
const LIVE_MS = 1000 / 30;
/** Most by which the annotation of live endoscopy may lag behind it (FDA, De Novo DEN200055, GI Genius). */
const LAG_MS = 120;

/** The HTML of the comparison. @param created ISO 8601 */
export function comparePage(measurements: readonly Measurement[], created: string): string {
  const groups = [...groupsOf(measurements)];
  return page(
    'tmca bench: devices compared',
    html`<header>
<h1>Which device is fast enough</h1>
<p class="lead">${measurements.length} ${measurements.length === 1 ? 'measurement' : 'measurements'} of tmca bench, put together ${created.slice(0, 10)}. A frame is from the normalised image to the logits, both in memory.</p>
${groups.length === 1 && tiles(measurements)}
</header>
<main>
${groups.map(([name, group]) => groupSections(name, group, groups.length > 1))}
<h2>Where the figures come from</h2>
${provenance(measurements)}
</main>`,
  );
}

/** Networks that are not the same are not compared. */
function groupsOf(measurements: readonly Measurement[]): ReadonlyMap<string, readonly Measurement[]> {
  const groups = new Map<string, Measurement[]>();
  for (const each of measurements) {
    const size = each.inputs
      ? `, ${each.inputs.image_size} x ${each.inputs.image_size}, ${each.inputs.tokens} tokens`
      : '';
    const name = `${each.model}${size}`;
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  for (const group of groups.values()) group.sort((a, b) => a.ours.frame.p50 - b.ours.frame.p50);
  return groups;
}

function groupSections(name: string, group: readonly Measurement[], several: boolean): Html {
  return html`<h2>${name}</h2>
${several && tiles(group)}
<h3>A frame, warm</h3>
${frames(group)}
<h3>All of it</h3>
${figures(group)}
<h3>Memory on the device</h3>
${memory(group)}
<h3>Beside a peer</h3>
${peers(group)}
<h3>Kernels of a frame, against what the adapter can do</h3>
${kernels(group)}`;
}

const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));
function duration(ms: number): string {
  if (ms >= 1000) return `${digits(ms / 1000)} s`;
  return ms >= 1 ? `${digits(ms)} ms` : `${digits(1000 * ms)} µs`;
}
const megabytes = (bytes: number): string => `${digits(bytes / 1e6)} MB`;
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const rate = (ms: number): string => `${digits(1000 / ms)}/s`;

/** Without what distributions add to a version, and compilers in brackets. */
function adapterName({ adapter, device }: Measurement): string {
  const { description, vendor, architecture } = adapter;
  const name =
    description.replace(/\s*\(.*$/, '').replace(/(\d\.\d+)[-~+]\S*$/, '$1') ||
    [vendor, architecture].filter(Boolean).join(' ') ||
    'unnamed adapter';
  return runsOnGpu(device) ? name : name.replace(/ on the CPU.*/, '');
}

const nameOf = (each: Measurement): Html =>
  html`${adapterName(each)}${each.userAgent && ' in a page'} <small>${each.dtype}${each.adapter.software && runsOnGpu(each.device) ? ', software' : ''}</small>`;

function verdict(ms: number): string {
  if (ms <= LIVE_MS) return 'every frame of 30 a second';
  return ms <= LAG_MS ? 'live, with a lag within 120 ms' : 'stills';
}

function tiles(group: readonly Measurement[]): Html {
  const fastest = group.reduce((best, each) => (each.ours.frame.p50 < best.ours.frame.p50 ? each : best));
  const enough = group.filter(({ ours }) => ours.frame.p95 <= LAG_MS).length;
  const lightest = Math.min(...group.map(bytesOf));
  const shown: [string, string][] = [
    [duration(fastest.ours.frame.p50), `fastest frame: ${adapterName(fastest)}, ${fastest.dtype}`],
    [`${enough} of ${group.length}`, 'within 120 ms for 95 frames of 100'],
    [megabytes(lightest), 'least memory of weights, activations and the rest'],
  ];
  return html`<div class="tiles">${shown.map(([value, label]) => html`<div class="tile"><b>${value}</b><span>${label}</span></div>`)}</div>`;
}

function frames(group: readonly Measurement[]): Html {
  const bars = group.map((each): Bar => {
    const { p50, p95, p99, n } = each.ours.frame;
    return {
      name: nameOf(each),
      segments: [{ colour: p95 <= LAG_MS ? 'c' : 'b', value: p50, title: `median of ${n}: ${duration(p50)}` }],
      reach: { value: p99, title: `p95 ${duration(p95)}, p99 ${duration(p99)}` },
      label: html`${duration(p50)} <small>${rate(p50)}</small>`,
    };
  });
  const scale = logScale([LIVE_MS, LAG_MS, ...group.flatMap(({ ours }) => [ours.frame.p50, ours.frame.p99])]);
  const marks = [
    { value: LIVE_MS, name: '33 ms' },
    { value: LAG_MS, name: '120 ms' },
  ];
  return html`<p class="note">Medians, with a line to the 99th percentile, on a logarithmic scale; green where the 95th is within 120 ms. 33 ms: each frame of a video of 30 a second. 120 ms: the most that an annotation of live endoscopy may lag (FDA DEN200055).</p>
${barChart(bars, scale, marks)}`;
}

function figures(group: readonly Measurement[]): Html {
  const row = (each: Measurement) => {
    const { frame, text, cold, dispatches } = each.ours;
    return html`<tr><th>${nameOf(each)}</th><td>${duration(frame.p50)}</td><td>${duration(frame.p95)}</td><td>${duration(frame.p99)}</td><td>${duration(text.p50)}</td><td>${duration(cold.total)}</td><td>${duration(cold.first_frame)}</td><td>${dispatches || '–'}</td><td class="text">${verdict(frame.p95)}</td></tr>`;
  };
  return html`<div class="wide"><table><thead><tr><th>device</th><th>frame, median</th><th>p95</th><th>p99</th><th>text, median</th><th>cold start</th><th>first frame of it</th><th>dispatches</th><th class="text">good for, by p95</th></tr></thead>
<tbody>${group.map(row)}</tbody></table></div>`;
}

function bytesOf({ ours: { gpu_bytes: bytes } }: Measurement): number {
  return bytes.weights + bytes.arena + bytes.other;
}

function memory(group: readonly Measurement[]): Html {
  const bars = group.map((each): Bar => {
    const { gpu_bytes: bytes, planned_bytes: planned } = each.ours;
    const segment = (colour: Segment['colour'], value: number, what: string) => ({
      ...{ colour, value },
      title: `${what}: ${megabytes(value)}`,
    });
    const least = planned && `${(planned.arena / planned.arena_lower_bound).toFixed(2)} x the least`;
    return {
      name: nameOf(each),
      segments: [
        segment('a', bytes.weights, 'weights'),
        segment('b', bytes.arena, 'activations'),
        segment('c', bytes.other, 'other'),
      ],
      label: html`${megabytes(bytesOf(each))} <small>${least}</small>`,
    };
  });
  return html`<p class="note"><span class="names"><i class="a">weights</i> <i class="b">activations</i> <i class="c">uniforms, reports, what is read back</i></span> Beside the sum: a frame’s activations as they are placed, over what is alive at one time.</p>
${barChart(bars, linearScale(group.map(bytesOf)))}`;
}

function peers(group: readonly Measurement[]): Html {
  const compared = group.filter(({ peer }) => peer);
  if (compared.length === 0)
    return html`<p class="note">None of these was measured beside a peer (<code>--peer</code>).</p>`;
  const row = (each: Measurement) => {
    const { peer, ratio, agreement, ours } = each;
    const cells = (['frame', 'text'] as const).map(
      what =>
        html`<td>${duration(ours[what].p50)}</td><td>${duration(peer![what].p50)}</td><td>${ratio?.[what].toFixed(2)}</td>`,
    );
    const same = agreement?.max_abs == null ? 'not compared' : `within ${agreement.max_abs.toExponential(1)}`;
    const masks = agreement?.mask == null ? '' : ` masks ${digits(100 * agreement.mask)} %`;
    return html`<tr><th>${nameOf(each)}<br><small>${peer!.name} ${peer!.version}</small></th>${cells}<td>${ratio?.cold.toFixed(2)}</td><td>${same}<br><small>${masks}</small></td></tr>`;
  };
  return html`<p class="note">In one process, in turn, on the same weights and inputs. Ratios are ours over the peer’s, medians of pairs.</p>
<div class="wide"><table><thead><tr><th>device</th><th>frame, ours</th><th>peer</th><th>ratio</th><th>text, ours</th><th>peer</th><th>ratio</th><th>cold start, ratio</th><th>logits</th></tr></thead>
<tbody>${compared.map(row)}</tbody></table></div>`;
}

function kernels(group: readonly Measurement[]): Html {
  const timed = group.filter(({ ours }) => ours.kernels.length > 0);
  if (timed.length === 0) return html`<p class="note">No kernels were timed.</p>`;
  const table = (each: Measurement) => {
    const { roofline, ours } = each;
    const share = each.dtype !== 'fp32' && roofline?.gflops_f16 ? `, ${digits(roofline.gflops_f16)} in f16` : '';
    const rates = roofline && `${digits(roofline.gflops)} GFLOP/s${share}, ${digits(roofline.gbytes)} GB/s`;
    const rows = ours.kernels.map(
      kernel =>
        html`<tr><th><code>${kernel.name}</code></th><td>${kernel.count}</td><td>${duration(kernel.ms)}</td><td>${meter(kernel.share, 'a')}</td><td>${kernel.roofline === null ? '–' : meter(kernel.roofline, 'c')}</td></tr>`,
    );
    return html`<figure class="flush"><figcaption>${nameOf(each)} <small>${rates}</small></figcaption><table><thead><tr><th>kernel</th><th>calls</th><th>time</th><th>of the frame</th><th>of the roofline</th></tr></thead><tbody>${rows}</tbody></table></figure>`;
  };
  return html`<p class="note">The roofline is the least time that a kernel’s arithmetic or its traffic takes at the rates that this adapter was measured to have, whichever is longer.</p>
<div class="charts">${timed.map(table)}</div>`;
}

const meter = (share: number, colour: 'a' | 'c'): Html =>
  html`<span class="meter"><i class="fill ${colour}" style="width:${Math.min(100, 100 * share).toFixed(1)}%"></i></span>${percent(share)}`;

function provenance(measurements: readonly Measurement[]): Html {
  const row = (each: Measurement) =>
    html`<tr><th>${each.file}</th><td class="text">${each.adapter.description || adapterName(each)}</td><td class="words"><code>${each.command ?? 'not told'}</code>${each.note && html`<br><small>${each.note}</small>`}</td><td>${each.commit?.slice(0, 7) ?? '–'}</td><td>${each.date?.slice(0, 10) ?? '–'}</td></tr>`;
  return html`<div class="wide"><table><thead><tr><th>file</th><th class="text">adapter</th><th class="words">command</th><th>commit</th><th>date</th></tr></thead>
<tbody>${measurements.map(row)}</tbody></table></div>`;
}
