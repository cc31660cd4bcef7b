// What each rewrite of the graph saves, counted without a device: the network with all of them, and with each left out in turn.

import { type PassName, passNames } from '../graph/passes/index.js';
import type { Config } from '../networks/config.js';
import type { PrecisionChoice } from '../runtime/engines/choice.js';
import { type PlanFigures, planFigures } from '../runtime/engines/plan-figures.js';

/** `report`: not a pass of the graph but its cut in two, so that a text is computed once and not with every frame. */
export type LeftOut = PassName | 'report';

/** Figures of a frame, but for `textDispatches` and `weightBytes`. */
export interface PassFigures {
  readonly dispatches: number;
  readonly textDispatches: number;
  readonly gflop: number;
  readonly movedBytes: number;
  readonly arenaBytes: number;
  readonly weightBytes: number;
}

export interface CountedPass {
  /** Null: nothing is left out. */
  readonly without: LeftOut | null;
  readonly figures: PassFigures;
}

/** Every way to leave one out, without a device. */
export function passFigures(config: Config, precision: PrecisionChoice, length?: number): readonly CountedPass[] {
  const rows = [null, ...passNames].map(without => ({
    without: without as LeftOut | null,
    figures: figuresOf(planFigures(config, precision, { length, without: without ?? undefined })),
  }));
  return [...rows, { without: 'report', figures: withText(planFigures(config, precision, { length })) }];
}

const figuresOf = ({ frame, text, weightBytes }: PlanFigures): PassFigures => ({
  dispatches: frame.dispatches,
  textDispatches: text.dispatches,
  gflop: frame.gflop,
  movedBytes: frame.movedBytes,
  arenaBytes: frame.arenaBytes,
  weightBytes,
});

/** The figures of frames that each compute their text. */
function withText(figures: PlanFigures): PassFigures {
  const { frame, text } = figures;
  return {
    ...figuresOf(figures),
    dispatches: frame.dispatches + text.dispatches,
    gflop: frame.gflop + text.gflop,
    movedBytes: frame.movedBytes + text.movedBytes,
    arenaBytes: frame.arenaBytes + text.arenaBytes,
  };
}
