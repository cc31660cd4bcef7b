// `tmca bench train`: a training step here, and the same step by a peer.

import { type BenchTrainResult, benchTrain, type TrainPeerId } from '../../devices/node/bench-train.js';
import { writeFileAtomic } from '../../node/disk/files.js';
import { keepInputs } from '../../node/keep-inputs.js';
import type { Context } from '../context.js';
import { kernels, rates } from '../display/bench.js';
import { Phases } from '../display/phases.js';
import { duration, percent, size, table } from '../display/text-table.js';
import { version } from '../version.js';

export interface BenchTrainCommandOptions {
  readonly model: string;
  readonly fill?: string;
  readonly batch: number;
  readonly peer: TrainPeerId | 'none';
  readonly reference?: string;
  readonly python: string;
  readonly threads: number;
  readonly steps: number;
  readonly seconds: number;
  readonly out?: string;
  readonly json?: boolean;
}

export async function benchTraining(
  { fill, model, out, json, ...options }: BenchTrainCommandOptions,
  { console, io }: Context,
): Promise<void> {
  await keepInputs('bench train', { files: [out] }, [model, fill, options.reference]);
  const phases = new Phases(console);
  const result = await benchTrain({
    ...options,
    model: fill ?? model,
    fill: fill !== undefined,
    version: version(),
    command: ['tmca', ...process.argv.slice(2)].join(' '),
    signal: io.signal,
    onProgress: (what, done, total) => phases.step(what, done, total),
  }).finally(() => phases.end());
  if (out) await writeFileAtomic(out, `${JSON.stringify(result, null, 2)}\n`);
  await (json ? console.json(result) : console.print(benchTrainReport(result)));
}

type Side = Pick<BenchTrainResult['ours'], 'step' | 'cpu' | 'open' | 'first' | 'images_per_second' | 'gflops'>;

/** What is compared: a name, one side's figure, and which of the result's ratios belongs to it. */
const LINES: readonly (readonly [string, (side: Side) => string, ('step' | 'cpu')?])[] = [
  ['step, median', side => duration(side.step.p50), 'step'],
  ['step, p95', side => duration(side.step.p95)],
  ['CPU time of a step', side => duration(side.cpu), 'cpu'],
  ['images a second', side => side.images_per_second.toPrecision(3)],
  ['GFLOP/s', side => side.gflops.toPrecision(3)],
  ['opened', side => duration(side.open)],
  ['first step', side => duration(side.first)],
];

function steps({ ours, peer, ratio }: BenchTrainResult): string[] {
  const rows = LINES.map(([name, figure, compared]) => {
    if (!peer || !ratio) return [name, figure(ours)];
    return [name, figure(ours), figure(peer), compared ? ratio[compared].toPrecision(2) : ''];
  });
  return table([peer ? ['', 'ours', 'peer', 'ours : peer'] : ['', 'ours'], ...rows]);
}

export function benchTrainReport(result: BenchTrainResult): string[] {
  const { adapter, inputs, model, ours, peer, agreement, roofline, step } = result;
  const where = `${adapter.description || adapter.architecture}${adapter.software ? ' (software)' : ''}`;
  const against = peer ? `; in turn with ${peer.name} ${peer.version}` : '';
  const { weights, arena, other } = ours.gpu_bytes;
  const tokens = inputs.tokens > 0 ? `, ${inputs.tokens} tokens` : '';
  return [
    `${model}, ${(step.parameters / 1e6).toFixed(2)} M parameters, batch ${inputs.batch}, ${inputs.image_size} x ${inputs.image_size}${tokens}, on ${where}`,
    `${ours.step.n} steps of ${step.gflop.toFixed(1)} GFLOP${against}`,
    '',
    ...steps(result),
    '',
    ...(agreement
      ? [
          `losses: the first within ${agreement.first.toExponential(1)} of the peer's, ${agreement.steps} steps within ${agreement.all.toExponential(1)}`,
        ]
      : []),
    `device memory: ${size(weights)} parameters, gradients and moments, ${size(arena)} activations, ${size(other)} other`,
    `dispatches: ${ours.dispatches} a step`,
    `adapter: ${rates(roofline)}; the step reaches ${percent(ours.roofline)} of them`,
    ...(ours.kernel_clock ? kernels('step', ours.kernels, ours.kernel_clock) : []),
  ];
}
