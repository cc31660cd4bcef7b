// `tmca inspect plan`: what a network takes on a device, before one is opened.

import { type PassFigures, passFigures } from '../../devices/pass-figures.js';
import { type PlanFigures, type ProgramFigures, planFigures } from '../../runtime/engines/plan-figures.js';
import { plannedPrecision } from '../../runtime/engines/planned-precision.js';
import type { DTypeChoice } from '../../runtime/types.js';
import type { Context } from '../context.js';
import { leftOut } from '../display/passes.js';
import { size, table } from '../display/text-table.js';
import { networkOf } from '../network.js';

export interface InspectPlanOptions {
  readonly dtype: DTypeChoice;
  /** Also with each rewrite of the graph left out. */
  readonly passes?: boolean;
  readonly json?: boolean;
}

/** @param model folder or address of a model, or the name of a preset */
export async function inspectPlan(
  model: string,
  { dtype, passes, json }: InspectPlanOptions,
  { console, io }: Context,
): Promise<void> {
  const config = await networkOf(model, io.signal);
  const precision = plannedPrecision(config, dtype);
  const figures = planFigures(config, precision);
  const rows = passes ? passFigures(config, precision) : undefined;
  if (json) return console.json({ ...figures, ...(rows ? { passes: rows } : {}) });
  await console.print([...describe(figures), ...(rows ? ['', ...passTable(rows)] : [])]);
}

function describe(figures: PlanFigures): string[] {
  const { frame, text, textLength, weightBytes, deviceBytes, allowedBytes } = figures;
  const { weights, arena, other } = deviceBytes;
  const all = weights + arena + other;
  return [
    `weights: ${size(weightBytes)}`,
    ...program('frame', frame),
    ...(textLength > 0 ? program(`text of ${textLength} tokens`, text) : []),
    `on the device: ${size(all)}: ${size(weights)} weights, ${size(arena)} activations, ${size(other)} other; ` +
      `${(all / allowedBytes).toFixed(2)} of 1.15 x (weights + inputs + outputs) + activations`,
  ];
}

function program(name: string, figures: ProgramFigures): string[] {
  const { dispatches, gflop, movedBytes, arenaBytes, arenaLowerBound, kernels } = figures;
  return [
    `${name}: ${dispatches} dispatches, ${gflop.toFixed(2)} GFLOP, ${size(movedBytes)} moved`,
    `  activations: ${size(arenaBytes)}, ${(arenaBytes / arenaLowerBound).toFixed(2)} x the ${size(arenaLowerBound)} that are alive at once`,
    ...Object.entries(kernels)
      .sort(([, a], [, b]) => b - a)
      .map(([kernel, count]) => `  ${String(count).padStart(3)} ${kernel}`),
  ];
}

function passTable(rows: ReturnType<typeof passFigures>): string[] {
  const cells = rows.map(({ without, figures }) => [leftOut(without), ...countCells(figures)]);
  return table([['a frame without', ...COUNT_HEADS], ...cells]);
}

const COUNT_HEADS = ['dispatches', 'of a text', 'GFLOP', 'moved', 'activations', 'weights'];

const countCells = (figures: PassFigures): string[] => [
  `${figures.dispatches}`,
  `${figures.textDispatches}`,
  figures.gflop.toFixed(3),
  size(figures.movedBytes),
  size(figures.arenaBytes),
  size(figures.weightBytes),
];
