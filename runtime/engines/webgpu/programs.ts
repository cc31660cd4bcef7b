// The two programs of a session, from a configuration alone.

import type { ArenaLimits } from '../../../gpu/arena.js';
import type { DotTuning } from '../../../gpu/kernels/matmul/linear-dots.js';
import { lower, type Program } from '../../../graph/lower.js';
import { type PassName, partition, prepare } from '../../../graph/passes/index.js';
import type { Config } from '../../../networks/config.js';
import { Network } from '../../../networks/network.js';
import { textLengths } from '../../text-lengths.js';
import type { PrecisionChoice } from '../choice.js';
import { type PlanOptions, placeProgram } from './plan.js';

export interface Programs {
  /** From an image and a report to logits. */
  readonly frame: Program;
  /** From ids and mask to a report. */
  readonly text: Program;
}

/** Inputs of the frame program that are written before every run; the report stays until another one is bound. */
export const FRAME_INPUTS: readonly string[] = ['image'];

/**
 * What runs per frame and per report, for one image and a text padded to `length`, in any tuning: lowered when asked; without one of
 * the passes, for comparison.
 */
export function programsOf(
  config: Config,
  length: number,
  precision: PrecisionChoice,
  without?: PassName,
): (tuning?: DotTuning) => Programs {
  const { logits } = Network.of(config).forward(1, length);
  const { frame, report } = partition(prepare({ logits }, { ...precision, without }), 'image');
  const { weights, wide } = precision;
  return tuning => {
    const options = { weights, wide, tuning };
    return { frame: lower(frame, options), text: lower(report, options) };
  };
}

export const buildPrograms = (
  config: Config,
  length: number,
  precision: PrecisionChoice,
  tuning?: DotTuning,
  without?: PassName,
): Programs => programsOf(config, length, precision, without)(tuning);

/** What `Plan.create` is given. */
export interface PlacedProgram {
  readonly program: Program;
  readonly options: PlanOptions;
}

/**
 * The programs of a session, one pair for each padded length of a text. Each is built when it is first asked for: most sessions meet
 * one length or two, and what programs know at load does not depend on it.
 */
export class ProgramSet {
  /** Ascending. */
  readonly lengths: readonly number[];
  readonly #lowerings = new Map<number, (tuning?: DotTuning) => Programs>();
  readonly #made = new Map<number, Programs>();
  readonly #placed = new WeakMap<Program, PlacedProgram>();
  #tuning: DotTuning | undefined;

  constructor(
    private readonly config: Config,
    private readonly precision: PrecisionChoice,
    /** Limits of the device that is to run the programs. */
    private readonly limits: ArenaLimits,
  ) {
    this.lengths = textLengths(Network.of(config).maxTextLength);
  }

  /** The tuning of the programs that are asked for from now on. */
  set tuning(tuning: DotTuning) {
    if (tuning !== this.#tuning) this.#made.clear();
    this.#tuning = tuning;
  }

  /** Programs of a length in any tuning. */
  lowering(length: number): (tuning?: DotTuning) => Programs {
    const lowering = this.#lowerings.get(length) ?? programsOf(this.config, length, this.precision);
    this.#lowerings.set(length, lowering);
    return lowering;
  }

  of(length: number): Programs {
    const programs = this.#made.get(length) ?? this.lowering(length)(this.#tuning);
    this.#made.set(length, programs);
    return programs;
  }

  /** A program, and where all that it makes is to lie, which is found once. */
  placed(length: number, which: keyof Programs): PlacedProgram {
    const program = this.of(length)[which];
    const rewritten = which === 'frame' ? FRAME_INPUTS : [];
    const before = this.#placed.get(program);
    const placed = before ?? {
      program,
      options: { rewritten, placed: placeProgram(program, this.limits, { rewritten }) },
    };
    this.#placed.set(program, placed);
    return placed;
  }

  get shortest(): Programs {
    return this.of(this.lengths[0]!);
  }

  /** Those that were asked for, in this tuning. */
  get made(): readonly Programs[] {
    return [...this.#made.values()];
  }
}
