// `tmca inspect plan`: what a network takes on a device, before one is opened.

import { inspectPlan as figuresOf, type PlanFigures, type ProgramFigures } from '../../runtime/node/index.js';
import type { DTypeChoice } from '../../runtime/types.js';
import type { Context } from '../context.js';

export interface InspectPlanOptions {
  readonly dtype: DTypeChoice;
  readonly json?: boolean;
}

export async function inspectPlan(
  model: string,
  { dtype, json }: InspectPlanOptions,
  { console }: Context,
): Promise<void> {
  const figures = await figuresOf(model, dtype);
  await (json ? console.json(figures) : console.print(describe(figures)));
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

function describe({ frame, text, textLength, weightBytes }: PlanFigures): string {
  const line = (name: string, { dispatches, gflop, arenaBytes, arenaLowerBound, kernels }: ProgramFigures) =>
    [
      `${name}: ${dispatches} dispatches, ${gflop.toFixed(2)} GFLOP, arena ${mebibytes(arenaBytes)} (at least ${mebibytes(arenaLowerBound)})`,
      ...Object.entries(kernels)
        .sort(([, a], [, b]) => b - a)
        .map(([kernel, count]) => `  ${String(count).padStart(3)} ${kernel}`),
    ].join('\n');
  return [`weights: ${mebibytes(weightBytes)}`, line('frame', frame), line(`text of ${textLength} tokens`, text)].join(
    '\n',
  );
}
