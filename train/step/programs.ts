// What a step runs up to the gradients, as programs, before any device is there: one over the whole batch, or three over
// micro-batches (model/micro-batches.ts). The planner sizes memory from the same programs that then run.

import { check } from '../../errors/index.js';
import type { KernelCall } from '../../gpu/kernel.js';
import { accumulate } from '../../gpu/kernels/optimiser/accumulate.js';
import type { Tuning } from '../../gpu/tuning.js';
import { type Outputs, sizeOf } from '../../graph/graph.js';
import { type BufferSpec, lower, type Program } from '../../graph/lower.js';
import { parameterInput, parametersAsInputs } from '../../graph/passes/parameters-as-inputs.js';
import type { Recompute } from '../../graph/passes/recompute.js';
import type { Config } from '../../networks/config.js';
import { type Feature, microBatchGraphs } from '../../networks/micro-batches.js';
import { Network } from '../../networks/network.js';
import { trainingGraph } from '../../networks/training.js';
import { validationGraph } from './validation-graph.js';

export interface ProgramOptions {
  readonly batch: number;
  /** Padded length of the texts. */
  readonly length: number;
  /** Images that are in memory at a time; divides `batch`. The whole batch if not given. */
  readonly microBatch?: number;
  readonly recompute?: Recompute;
  /** Which parameters are trained. All if not given. */
  readonly trained?: (name: string) => boolean;
  /** The tuning of the device that is to run the programs. */
  readonly tuning?: Tuning;
}

/** Where a buffer of a program lies that is not the plan's own. */
export interface ArenaPlace {
  /** `statistics`: BatchNorm's running ones, as they become from micro-batch to micro-batch. */
  readonly kind: 'parameters' | 'gradients' | 'statistics';
  readonly name: string;
}

/** A program, and what of it lies elsewhere. */
export interface BoundProgram {
  readonly program: Program;
  readonly external: ReadonlyMap<number, ArenaPlace>;
  /** Outputs that could not be written in their place and must be copied there: gradients. */
  readonly copied: readonly string[];
  /** Inputs that are written anew before every run. */
  readonly rewritten: readonly string[];
}

export interface TrainingPrograms {
  /** Parameters with gradients, by name. */
  readonly trained: readonly string[];
  /** BatchNorm's running statistics: outputs that replace parameters of these names. */
  readonly statistics: readonly string[];
  /** Losses that `backward` has as outputs: all of a whole batch, those of images in micro-batches. */
  readonly losses: readonly string[];
  /** Losses, gradients and statistics of a batch; in micro-batches, gradients and losses add to what is there. */
  readonly backward: BoundProgram;
  /** What comes before where a batch is taken in micro-batches and something contrasts. */
  readonly contrast: {
    readonly features: readonly Feature[];
    readonly forward: BoundProgram;
    readonly loss: BoundProgram;
  } | null;
}

/** All of a step's, in the order in which they run. */
export const programsOf = ({ backward, contrast }: TrainingPrograms): BoundProgram[] =>
  contrast ? [contrast.forward, contrast.loss, backward] : [backward];

export const gradientOutput = (name: string): string => `gradient:${name}`;

const asGradients = (gradients: Outputs): Outputs =>
  Object.fromEntries(Object.entries(gradients).map(([name, t]) => [gradientOutput(name), t]));

/**
 * Which of a program's buffers are parameters, gradients or statistics.
 * @param running statistics that lie apart from the parameters
 */
function bind(program: Program, rewritten: readonly string[], running: ReadonlySet<string>): BoundProgram {
  const external = new Map<number, ArenaPlace>();
  const copied: string[] = [];
  const read = new Set(program.calls.flatMap(c => c.bindings.flatMap(b => (b.access === 'read' ? [b.operand] : []))));
  for (const [input, buffer] of Object.entries(program.inputs)) {
    const name = input.slice(parameterInput('').length);
    if (input === parameterInput(name))
      external.set(buffer, { kind: running.has(name) ? 'statistics' : 'parameters', name });
  }
  for (const [output, { buffer }] of Object.entries(program.outputs)) {
    const name = output.slice(gradientOutput('').length);
    if (output !== gradientOutput(name)) continue;
    // In its place, unless the buffer is another's too: a dispatch must not read the arena that it writes.
    const own = program.buffers[buffer]!.role === 'activation' && !read.has(buffer) && !external.has(buffer);
    if (own) external.set(buffer, { kind: 'gradients', name });
    else copied.push(output);
  }
  return { program, external, copied, rewritten };
}

/** The program with outputs that add to what their buffers hold, each as soon as it is made: nothing of them is kept. */
export function accumulating(program: Program, outputs: readonly string[]): Program {
  const buffers: BufferSpec[] = [...program.buffers];
  const lastWrite = new Map<number, number>();
  program.calls.forEach((call, i) => {
    for (const { operand, access } of call.bindings)
      if (operand !== null && access === 'read_write') lastWrite.set(operand, i);
  });
  const after = new Map<number, KernelCall<number>[]>();
  const sums = outputs.map(name => {
    const { buffer, shape } = program.outputs[name]!;
    const count = sizeOf(shape);
    const sum = buffers.push({ role: 'activation', storage: 'f32', shape, bytes: 4 * count }) - 1;
    const at = lastWrite.get(buffer) ?? program.calls.length - 1;
    after.set(at, [...(after.get(at) ?? []), accumulate({ count }, { x: buffer, sum })]);
    return [name, { buffer: sum, shape }] as const;
  });
  const calls = program.calls.flatMap((call, i) => [call, ...(after.get(i) ?? [])]);
  return { ...program, calls, buffers, outputs: { ...program.outputs, ...Object.fromEntries(sums) } };
}

/** What a program reads of a batch: the network's inputs and the masks. */
export const batchInputs = (network: Network): readonly string[] => [...network.inputs, 'target'];

function wholeBatch(network: Network, { batch, length, tuning, ...options }: ProgramOptions): TrainingPrograms {
  const { losses, gradients, statistics } = trainingGraph(network, batch, length, {
    ...options,
    weightsAsInputs: true,
  });
  const graph = parametersAsInputs({ ...losses, ...statistics, ...asGradients(gradients) });
  return {
    trained: Object.keys(gradients),
    statistics: Object.keys(statistics),
    losses: Object.keys(losses),
    backward: bind(lower(graph, { weights: 'f32', tuning }), batchInputs(network), new Set()),
    contrast: null,
  };
}

function inMicroBatches(
  network: Network,
  micro: number,
  { batch, length, tuning, ...options }: ProgramOptions,
): TrainingPrograms {
  const graphs = microBatchGraphs(network, { batch, micro, length }, options);
  const { losses, gradients, statistics } = graphs.backward;
  const program = (outputs: Outputs) => lower(parametersAsInputs(outputs), { weights: 'f32', tuning });
  const all = program({ ...losses, ...statistics, ...asGradients(gradients) });
  const sums = accumulating(all, [...Object.keys(losses), ...Object.keys(gradients).map(gradientOutput)]);
  // All that is no parameter: derivatives of features too.
  const fed = (p: Program) => Object.keys(p.inputs).filter(name => !name.startsWith(parameterInput('')));
  const none = new Set<string>();
  const lossProgram = lower(graphs.contrast, { weights: 'f32', tuning });
  const forward = program(graphs.forward);
  return {
    trained: Object.keys(gradients),
    statistics: Object.keys(statistics),
    losses: Object.keys(losses),
    backward: bind(sums, fed(sums), new Set(Object.keys(statistics))),
    contrast:
      graphs.features.length === 0
        ? null
        : {
            features: graphs.features,
            forward: bind(forward, fed(forward), none),
            // Features are called parameters here, and are none of the network's.
            loss: {
              program: lossProgram,
              external: new Map(),
              copied: [],
              rewritten: Object.keys(lossProgram.inputs),
            },
          },
  };
}

/** What validates, `batch` images at a time. */
export function validationProgram(
  config: Config,
  { batch, length, tuning }: Pick<ProgramOptions, 'batch' | 'length' | 'tuning'>,
): BoundProgram {
  const network = Network.of(config);
  const graph = parametersAsInputs(validationGraph(config, batch, length));
  return bind(lower(graph, { weights: 'f32', tuning }), network.inputs, new Set());
}

/** @throws TmcaError BAD_ARGUMENT where the micro-batch does not divide the batch, and what building the graph throws */
export function trainingPrograms(config: Config, options: ProgramOptions): TrainingPrograms {
  const { batch, microBatch = batch } = options;
  check(
    Number.isInteger(microBatch) && microBatch >= 1 && batch % microBatch === 0,
    'BAD_ARGUMENT',
    `trainingPrograms: a micro-batch must divide the batch, got ${microBatch} for a batch of ${batch}; choose a divisor`,
  );
  const network = Network.of(config);
  return microBatch === batch ? wholeBatch(network, options) : inMicroBatches(network, microBatch, options);
}
