// What a network takes on a device, computed before one is opened.

import { ZERO_BYTES } from '../../gpu/commands.js';
import type { Tuning } from '../../gpu/tuning.js';
import { placeUniforms } from '../../gpu/uniforms.js';
import type { Program } from '../../graph/lower.js';
import type { PassName } from '../../graph/passes/index.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { textLengths } from '../text-lengths.js';
import type { PrecisionChoice } from './choice.js';
import { placeProgram } from './webgpu/plan.js';
import { buildPrograms, FRAME_INPUTS } from './webgpu/programs.js';
import { storedBytes } from './webgpu/weights.js';

export interface ProgramFigures {
  readonly dispatches: number;
  /** Dispatches by kernel. */
  readonly kernels: Readonly<Record<string, number>>;
  /** Arithmetic, in 10^9 operations; a multiply-add counts two. */
  readonly gflop: number;
  /** Bytes that the kernels read and write, each operand of a dispatch once. */
  readonly movedBytes: number;
  /** Bytes of the activations' arenas, and the least that any placement could take. */
  readonly arenaBytes: number;
  readonly arenaLowerBound: number;
  /** The bytes that inputs take in the arenas. */
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** Bytes of uniform blocks, and of the zeros that stand for absent operands. */
  readonly uniformBytes: number;
}

export interface PlanFigures {
  readonly frame: ProgramFigures;
  /** The figures of the program for a text of at most `textLength` tokens. */
  readonly text: ProgramFigures;
  readonly textLength: number;
  /** Bytes of everything that is known at load, each constant once. */
  readonly weightBytes: number;
  /** All buffers of a session with one report after a frame, as `stats().gpuBytes` has them. */
  readonly deviceBytes: { readonly weights: number; readonly arena: number; readonly other: number };
  /** What may be taken: 1.15 times weights, inputs and outputs, and the arenas. */
  readonly allowedBytes: number;
}

export interface PlanFiguresOptions {
  /** The device's tuning; that of GPUs if not given. */
  readonly tuning?: Tuning | undefined;
  readonly without?: PassName | undefined;
  /** Tokens of a padded text, one of `textLengths`; the fewest if not given. */
  readonly length?: number | undefined;
}

/** WebGPU's default limits: what every device offers. */
const DEFAULT_LIMITS = {
  maxBufferSize: 2 ** 28,
  maxStorageBufferBindingSize: 2 ** 27,
  minStorageBufferOffsetAlignment: 256,
};
/** Offsets of uniform blocks are multiples of this number of bytes, by WebGPU's default. */
const UNIFORM_ALIGNMENT = 256;
const ALLOWED = 1.15;

const sum = (numbers: readonly number[]): number => numbers.reduce((a, n) => a + n, 0);

function figuresOf(program: Program, rewritten: readonly string[]): ProgramFigures {
  const { calls, buffers } = program;
  const uniforms = calls.map(call => call.uniforms);
  const kernels: Record<string, number> = {};
  for (const { shader } of calls) kernels[shader.name] = (kernels[shader.name] ?? 0) + 1;
  const { arenas, lowerBound, place } = placeProgram(program, DEFAULT_LIMITS, { rewritten });
  const placed = (ids: readonly number[]) => sum(ids.map(id => place.get(id)?.bytes ?? buffers[id]!.bytes));
  return {
    dispatches: calls.length,
    kernels,
    gflop: sum(calls.map(({ cost }) => cost.flops)) / 1e9,
    movedBytes: sum(calls.map(({ cost }) => cost.bytes)),
    arenaBytes: sum(arenas),
    arenaLowerBound: lowerBound,
    inputBytes: placed(Object.values(program.inputs)),
    outputBytes: placed(Object.values(program.outputs).map(({ buffer }) => buffer)),
    uniformBytes: placeUniforms(uniforms, UNIFORM_ALIGNMENT).size + ZERO_BYTES,
  };
}

/** @throws TmcaError GPU_LIMIT where the network does not fit WebGPU's default limits */
export function planFigures(
  config: Config,
  precision: PrecisionChoice,
  { tuning, without, length }: PlanFiguresOptions = {},
): PlanFigures {
  const lengths = textLengths(Network.of(config).maxTextLength);
  const at = length === undefined ? 0 : lengths.indexOf(length);
  const programs = buildPrograms(config, lengths[at]!, precision, tuning, without);
  const [frame, text] = [figuresOf(programs.frame, FRAME_INPUTS), figuresOf(programs.text, [])];
  const { bytes, allocated } = storedBytes([programs.frame, programs.text]);
  const arena = frame.arenaBytes + text.arenaBytes;
  return {
    frame,
    text,
    textLength: lengths[at]!,
    weightBytes: bytes,
    deviceBytes: {
      weights: allocated,
      arena,
      // the report, and what the logits are read through
      other: frame.uniformBytes + text.uniformBytes + text.outputBytes + frame.outputBytes,
    },
    allowedBytes: ALLOWED * (bytes + frame.inputBytes + frame.outputBytes) + arena,
  };
}
