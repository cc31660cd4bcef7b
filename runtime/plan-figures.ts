// What a network takes on a device, computed before one is opened.

import type { Config } from '../model/config.js';
import type { Program } from '../model/lower.js';
import type { PrecisionChoice } from './engine-choice.js';
import { textLengths } from './text-lengths.js';
import { placeProgram } from './webgpu/plan.js';
import { buildPrograms, FRAME_INPUTS } from './webgpu/programs.js';
import { collectConstants } from './webgpu/weights.js';

export interface ProgramFigures {
  readonly dispatches: number;
  /** Dispatches by kernel. */
  readonly kernels: Readonly<Record<string, number>>;
  /** Arithmetic, in 10^9 operations; a multiply-add counts two. */
  readonly gflop: number;
  /** Bytes of the activations' arenas, and the least that any placement could take. */
  readonly arenaBytes: number;
  readonly arenaLowerBound: number;
}

export interface PlanFigures {
  readonly frame: ProgramFigures;
  /** Of a text of at most `textLength` tokens. */
  readonly text: ProgramFigures;
  readonly textLength: number;
  /** Bytes of everything that is known at load, each constant once. */
  readonly weightBytes: number;
}

/** WebGPU's default limits: what every device offers. */
const DEFAULT_LIMITS = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  minStorageBufferOffsetAlignment: 256,
};

function figuresOf(program: Program, rewritten: readonly string[]): ProgramFigures {
  const kernels: Record<string, number> = {};
  for (const { shader } of program.calls) kernels[shader.name] = (kernels[shader.name] ?? 0) + 1;
  const { arenas, lowerBound } = placeProgram(program, DEFAULT_LIMITS, { rewritten });
  return {
    dispatches: program.calls.length,
    kernels,
    gflop: program.calls.reduce((sum, { cost }) => sum + cost.flops, 0) / 1e9,
    arenaBytes: arenas.reduce((sum, bytes) => sum + bytes, 0),
    arenaLowerBound: lowerBound,
  };
}

/** @throws TmcaError GPU_LIMIT where the network does not fit WebGPU's default limits */
export function planFigures(config: Config, precision: PrecisionChoice): PlanFigures {
  const lengths = textLengths(config.maxTextLength);
  const programs = lengths.map(length => buildPrograms(config, length, precision));
  const { frame, text } = programs[0]!;
  const constants = collectConstants([frame, ...programs.map(each => each.text)]);
  return {
    frame: figuresOf(frame, FRAME_INPUTS),
    text: figuresOf(text, []),
    textLength: lengths[0]!,
    weightBytes: [...constants.values()].reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
