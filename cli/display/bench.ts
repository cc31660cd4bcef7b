// A benchmark's result as a person reads it.

import type { ClockName } from '../../devices/clock.js';
import type { KernelClock, KernelRow } from '../../devices/kernel-table.js';
import type { Measurements } from '../../devices/node/bench.js';
import type { Latencies } from '../../devices/result.js';
import type { Roofline } from '../../devices/roofline.js';
import { runsOnGpu } from '../../runtime/engines/names.js';
import { duration, percent, size, table } from './text-table.js';

/** What is compared: a name, one side's figure, and which of the result's ratios belongs to it. */
type Line = readonly [string, (side: Latencies) => number | null, ('frame' | 'text' | 'cold')?];

const TEXT_LINES: readonly Line[] = [
  ['text, median', side => side.text.p50, 'text'],
  ['text, p95', side => side.text.p95],
];
const FIRST_TEXT: readonly Line[] = [['  first text', side => side.cold.first_text]];

/** A network that reads no sentence has no lines about sentences. */
const linesOf = (reads: boolean): readonly Line[] => [
  ['frame, median', side => side.frame.p50, 'frame'],
  ['frame, p95', side => side.frame.p95],
  ['frame, p99', side => side.frame.p99],
  ...(reads ? TEXT_LINES : []),
  ['cold start', side => side.cold.total, 'cold'],
  ['  weights loaded', side => side.cold.load],
  ['  kernels compiled', side => side.cold.compile],
  ...(reads ? FIRST_TEXT : []),
  ['  first frame', side => side.cold.first_frame],
  ['  processor time', side => side.cold.cpu],
];

function latencies({ ours, peer, ratio, inputs }: Measurements): string[] {
  const cell = (ms: number | null) => (ms === null ? '-' : duration(ms));
  const rows = linesOf(inputs.tokens > 0).map(([name, figure, compared]) => {
    const mine = [name, cell(figure(ours))];
    if (!peer || !ratio) return mine;
    return [...mine, cell(figure(peer)), compared ? ratio[compared].toFixed(2) : ''];
  });
  return table([peer ? ['', 'ours', 'peer', 'ours : peer'] : ['', 'ours'], ...rows]);
}

/** An adapter's measured rates. */
export const rates = ({ gflops, gflops_f16: half, gbytes }: Roofline): string =>
  `${gflops.toPrecision(3)} GFLOP/s${half ? ` (${half.toPrecision(3)} in f16)` : ''}, ${gbytes.toPrecision(3)} GB/s copied`;

const CLOCKS: Readonly<Record<ClockName, string>> = {
  'timestamp-query': "on the device's clock",
  'driver-threads': "by the driver's threads' time on a CPU, each call alone",
  wall: 'on the wall clock, each call alone',
};

const rounded = (rate: number | null): string => (rate === null ? '' : rate.toPrecision(3));

export function kernels(what: string, rows: readonly KernelRow[], { clock, runs, ms }: KernelClock): string[] {
  const cells = rows.map(row => [
    row.name,
    `${row.count}`,
    duration(row.ms),
    percent(row.share),
    percent(row.roofline),
    row.bound ?? '',
    rounded(row.gflops),
    rounded(row.gbytes),
  ]);
  const calls = rows.reduce((sum, { count }) => sum + count, 0);
  const heads = [`kernel of a ${what}`, 'calls', 'time', 'share', 'of roofline', 'bound by', 'GFLOP/s', 'GB/s'];
  const all = [`sum, medians of ${runs}`, `${calls}`, duration(ms), percent(ms > 0 ? 1 : 0), '', '', '', ''];
  return ['', ...table([heads, ...cells, all]), `timed ${CLOCKS[clock]}`];
}

function memory({ ours }: Measurements): string[] {
  const { gpu_bytes: bytes, planned_bytes: planned } = ours;
  if (!planned) return [`memory: ${size(bytes.weights)} weights`];
  const least = (planned.arena / planned.arena_lower_bound).toFixed(2);
  return [
    `device memory: ${size(bytes.weights)} weights, ${size(bytes.arena)} activations, ${size(bytes.other)} other`,
    `a frame's activations: ${size(planned.arena)}, ${least} x the ${size(planned.arena_lower_bound)} that are alive at once`,
  ];
}

export function benchReport(result: Measurements): string[] {
  const { adapter, model, dtype, ours, peer, agreement, roofline, assembly, inputs } = result;
  const where = `${adapter.description || adapter.architecture}${adapter.software ? ' (software)' : ''}`;
  const against = peer ? `; in turn with ${peer.name} ${peer.version}, ${peer.dtype}` : '';
  const reads = inputs.tokens > 0;
  const lines = [
    `${model}, ${dtype}, ${inputs.image_size} x ${inputs.image_size}${reads ? `, ${inputs.tokens} tokens` : ''}, on ${where}`,
    `${ours.frame.n} frames${reads ? `, ${ours.text.n} texts` : ''}${against}`,
    '',
    ...latencies(result),
    '',
  ];
  if (agreement) {
    const share = (100 * agreement.mask).toFixed(agreement.mask === 1 ? 0 : 3);
    lines.push(`outputs: logits within ${agreement.max_abs.toExponential(1)}, masks equal on ${share} % of pixels`);
  }
  lines.push(...memory(result));
  if (runsOnGpu(result.device)) {
    const clock = ours.kernel_clock;
    lines.push(
      `dispatches: ${ours.dispatches} a frame${reads ? `, ${ours.text_dispatches} a text` : ''}`,
      ...(roofline ? [`adapter: ${rates(roofline)}`] : []),
      ...(clock ? kernels('frame', ours.kernels, clock.frame) : []),
      ...(clock && reads ? kernels('text', ours.text_kernels, clock.text) : []),
    );
  }
  if (assembly) {
    const duels = [assembly.resize, assembly.resize_to_model, assembly.tokenize].filter(duel => duel !== null);
    const rows = duels.map(({ work, ours: own, peer: other, ratio, cpu_ratio: cpu, agreement: same }) => [
      work,
      duration(own.p50),
      `${other.name} ${duration(other.p50)}`,
      ratio.toFixed(2),
      cpu.toFixed(2),
      percent(same),
    ]);
    lines.push('', ...table([['on the host', 'ours', 'peer', 'ours : peer', 'of CPU time', 'equal'], ...rows]));
  }
  return lines;
}
