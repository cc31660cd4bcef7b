// What rewrites of the graph are worth, as a person reads it.

import type { PassBench } from '../../devices/node/pass-bench.js';
import type { LeftOut } from '../../devices/pass-figures.js';
import { duration, size, table } from './text-table.js';

/** What is missing where a rewrite is left out. */
const NAMES: Readonly<Record<LeftOut, string>> = {
  positions: 'folded positional terms',
  'batch-norm': 'folded BatchNorm',
  'layer-scale': 'folded layer scale',
  'norm-affine': 'folded affine half of LayerNorm',
  head: "the head's one convolution",
  norm: 'fused norms',
  linear: 'fused epilogues of linears',
  merge: 'projections side by side',
  conv2d: 'fused epilogues of convolutions',
  report: 'one text for many frames',
};

export const leftOut = (without: LeftOut | null): string => (without === null ? 'nothing' : NAMES[without]);

/** In words, the largest difference between the logits of two plans. */
const differs = (most: number): string => (most === 0 ? 'equal' : `within ${most.toExponential(1)}`);

const times = (ratio: number): string => `${ratio.toFixed(2)} x`;

export function passReport({ adapter, model, dtype, inputs, passes }: PassBench): string[] {
  const { description, architecture, software } = adapter;
  const where = `${description || architecture}${software ? ' (software)' : ''}`;
  const heads = ['a frame without', 'dispatches', 'GFLOP', 'moved', 'activations', 'frame', '', 'text', '', 'logits'];
  const rows = passes.map(({ without, figures, frame, text, ratio, agreement }) => [
    leftOut(without),
    `${figures.dispatches}`,
    figures.gflop.toFixed(3),
    size(figures.movedBytes),
    size(figures.arenaBytes),
    duration(frame.p50),
    without === null ? '' : times(ratio.frame),
    duration(text.p50),
    without === null ? '' : times(ratio.text),
    without === null ? '' : differs(agreement.max_abs),
  ]);
  const { frame, text } = passes[0]!;
  return [
    `${model}, ${dtype}, ${inputs.image_size} x ${inputs.image_size}, ${inputs.tokens} tokens, on ${where}`,
    `by turns in one process: medians of ${frame.n} frames and ${text.n} texts of each`,
    '',
    ...table([heads, ...rows]),
  ];
}
