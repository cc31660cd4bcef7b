// What a step takes of a device's memory, before anything is allocated; and, of the ways to take a batch, the fastest that fits:
// nothing recomputed, then the cheap things, then whole blocks, then micro-batches as large as possible (BatchNorm's statistics
// are theirs). Recomputation changes no bit; micro-batches do, so the plan is part of what a run reports.

import { TmcaError } from '../../errors/index.js';
import type { ArenaLimits } from '../../gpu/arena.js';
import type { Tuning } from '../../gpu/tuning.js';
import type { Program } from '../../graph/lower.js';
import type { Recompute } from '../../graph/passes/recompute.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { placeProgram } from '../../runtime/engines/webgpu/plan.js';
import { collectConstants } from '../../runtime/engines/webgpu/weights.js';
import { arenaSizes } from '../parameters/parameter-arena.js';
import {
  type BoundProgram,
  programsOf,
  type TrainingPrograms,
  trainingPrograms,
  validationProgram,
} from './programs.js';

export interface PlanLimits extends ArenaLimits {
  readonly maxComputeWorkgroupsPerDimension: number;
}

export interface MemoryRequest {
  readonly batch: number;
  /** Padded length of the texts. */
  readonly length: number;
  /** Images in memory at a time. The most that fit, if not given or 0. */
  readonly microBatch?: number;
  /** The least that fits, if not given. */
  readonly recompute?: Recompute;
  /** Which parameters are trained. All if not given. */
  readonly trained?: (name: string) => boolean;
  /** Whether a moving average of the weights is kept. */
  readonly average?: boolean;
  /** Whether the network is validated on the same device, as many images at a time. */
  readonly validation?: boolean;
  /** Bytes that a step may take together; as much as it wants if not given. */
  readonly memory?: number;
  /** The device's; those of a desktop GPU if not given. */
  readonly limits?: PlanLimits;
  /** The device's cut of kernels, which decides how much they need beside. */
  readonly tuning?: Tuning;
}

/** Bytes on the device. */
export interface MemoryFigures {
  /** Trained and frozen ones, and BatchNorm's statistics. */
  readonly parameters: number;
  /** The moving average of the weights. */
  readonly average: number;
  readonly gradients: number;
  /** Adam's two. */
  readonly moments: number;
  /** What the programs make in between, placed by lifetimes. */
  readonly activations: number;
  /** The constants of the programs: positions, targets of a derivative. */
  readonly constants: number;
  /** What validation needs beside. */
  readonly validation: number;
  readonly total: number;
}

/** One way to take a batch. */
export interface MemoryWay {
  readonly microBatch: number;
  readonly recompute: Recompute;
}

/** A way that does not fit, and why. */
export interface MemoryMiss extends MemoryWay {
  /** Null where the device's limits forbid it whatever the memory. */
  readonly total: number | null;
  readonly why: string;
}

export interface MemoryPlan extends MemoryWay {
  readonly batch: number;
  readonly length: number;
  /** The dispatches of a step, without the optimiser's. */
  readonly dispatches: number;
  readonly bytes: MemoryFigures;
  /** Bytes of the largest tensor that a dispatch binds. */
  readonly largestTensor: number;
  /** What it was to fit, if anything. */
  readonly memory: number | null;
  /** What was tried before. */
  readonly missed: readonly MemoryMiss[];
}

/** Assumed where no device is asked: 2 GiB for a buffer and for a binding, WebGPU's default for the rest. */
const DESKTOP: PlanLimits = {
  maxBufferSize: 2 ** 31,
  maxStorageBufferBindingSize: 2 ** 31,
  minStorageBufferOffsetAlignment: 256,
  maxComputeWorkgroupsPerDimension: 65_535,
};

const LEVELS = ['none', 'cheap', 'blocks'] as const satisfies readonly Recompute[];

/** Bytes for people, in the largest unit that gives at least 1. */
export function showBytes(bytes: number): string {
  if (bytes >= 2 ** 30) return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
  return bytes >= 2 ** 20 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 10).toFixed(1)} KiB`;
}

/** "the whole batch, nothing recomputed" */
export function showWay({ microBatch, recompute }: MemoryWay, batch: number): string {
  const parts =
    microBatch === batch ? 'the whole batch at once' : `${batch / microBatch} micro-batches of ${microBatch}`;
  const again = { none: 'nothing', cheap: 'activations and norms', blocks: 'blocks' } as const;
  return `${parts}, ${again[recompute]} recomputed`;
}

const largestOf = ({ buffers }: Program): number => buffers.reduce((most, { bytes }) => Math.max(most, bytes), 0);

/** What no amount of memory mends on this device. */
function brokenLimit(
  programs: readonly BoundProgram[],
  parameterBytes: number,
  limits: PlanLimits,
): string | undefined {
  const { maxBufferSize, maxStorageBufferBindingSize: most, maxComputeWorkgroupsPerDimension: groups } = limits;
  const largest = Math.max(...programs.map(({ program }) => largestOf(program)));
  if (largest > Math.min(most, maxBufferSize))
    return `a tensor may have ${showBytes(Math.min(most, maxBufferSize))} on this device, the largest has ${showBytes(largest)}`;
  if (parameterBytes > maxBufferSize)
    return `a buffer may have ${showBytes(maxBufferSize)} on this device, the parameters have ${showBytes(parameterBytes)}`;
  const wide = programs.flatMap(({ program }) => program.calls).find(call => Math.max(...call.workgroups) > groups);
  return (
    wide && `a dispatch may have ${groups} workgroups a side on this device, ${wide.shader.name} has ${wide.workgroups}`
  );
}

const sizesOfArenas = (config: Config, { trained }: TrainingPrograms) =>
  arenaSizes(Network.of(config).parameters, new Map(trained.map(name => [name, 1])));

interface Sized {
  readonly bytes: MemoryFigures;
  readonly dispatches: number;
  readonly largestTensor: number;
}

const sum = (list: Iterable<number>): number => [...list].reduce((total, n) => total + n, 0);

/** Bytes that a program's own buffers take. */
function bytesOfArenas({ program, external, rewritten }: BoundProgram, limits: PlanLimits): number {
  // Only what is elsewhere matters here, not where.
  const elsewhere = new Map([...external.keys()].map(buffer => [buffer, undefined as never]));
  return sum(placeProgram(program, limits, { rewritten, external: elsewhere }).arenas);
}

const bytesOfConstants = (programs: readonly BoundProgram[]): number =>
  sum([...collectConstants(programs.map(({ program }) => program)).values()].map(({ bytes }) => bytes));

/** A way's programs, for a step and for validation. */
interface Programs {
  readonly step: TrainingPrograms;
  readonly validation: BoundProgram | null;
}

function figures(
  config: Config,
  programs: Programs,
  request: MemoryRequest,
  limits: PlanLimits,
  way: MemoryWay,
): Sized {
  const { step, validation } = programs;
  const bound = programsOf(step);
  const sizes = sizesOfArenas(config, step);
  const parts = {
    parameters: sizes.whole,
    average: request.average ? sizes.whole : 0,
    gradients: sizes.trained,
    moments: 2 * sizes.trained,
    activations: sum(bound.map(each => bytesOfArenas(each, limits))),
    constants: bytesOfConstants(bound),
    validation: validation ? bytesOfArenas(validation, limits) + bytesOfConstants([validation]) : 0,
  };
  const times = request.batch / way.microBatch;
  const dispatches = sum(
    bound.map(({ program }) => program.calls.length * (program === step.contrast?.loss.program ? 1 : times)),
  );
  return {
    bytes: { ...parts, total: sum(Object.values(parts)) },
    dispatches,
    largestTensor: Math.max(...bound.map(({ program }) => largestOf(program))),
  };
}

/** Largest first. */
const divisors = (n: number): number[] =>
  Array.from({ length: n }, (_, i) => n - i).filter(candidate => n % candidate === 0);

/** Sizes of micro-batches, the best first: BatchNorm's statistics are those of one. */
const sizesOf = ({ batch, microBatch = 0 }: MemoryRequest): number[] =>
  microBatch > 0 ? [microBatch] : divisors(batch);

/** What is recomputed, least first, and the most, which tells whether a size is worth looking at. */
const levelsOf = ({ recompute }: MemoryRequest): readonly Recompute[] =>
  recompute === undefined ? LEVELS : [recompute];

/** Looks at ways, each once. */
class Search {
  readonly missed: MemoryMiss[] = [];
  smallest: Sized | undefined;
  readonly #seen = new Map<string, Sized | null>();

  constructor(
    private readonly config: Config,
    private readonly request: MemoryRequest,
  ) {}

  /** The way's figures, if it fits. */
  fits(way: MemoryWay): Sized | null {
    const key = `${way.microBatch} ${way.recompute}`;
    let found = this.#seen.get(key);
    if (found === undefined) {
      found = this.#look(way);
      this.#seen.set(key, found);
    }
    return found;
  }

  #look(way: MemoryWay): Sized | null {
    const { config, request } = this;
    const { batch, length, memory, limits = DESKTOP, trained, tuning } = request;
    const tuned = tuning ? { tuning } : {};
    const step = trainingPrograms(config, { ...{ batch, length, ...way, ...tuned }, ...(trained ? { trained } : {}) });
    const { microBatch } = way;
    const validation = request.validation ? validationProgram(config, { batch: microBatch, length, ...tuned }) : null;
    const all = [...programsOf(step), ...(validation ? [validation] : [])];
    const broken = brokenLimit(all, sizesOfArenas(config, step).whole, limits);
    if (broken !== undefined) {
      this.missed.push({ ...way, total: null, why: broken });
      return null;
    }
    const sized = figures(config, { step, validation }, request, limits, way);
    const { total } = sized.bytes;
    if (memory === undefined || total <= memory) return sized;
    this.missed.push({ ...way, total, why: `takes ${showBytes(total)} of ${showBytes(memory)}` });
    if (!this.smallest || total < this.smallest.bytes.total) this.smallest = sized;
    return null;
  }
}

/**
 * How a batch is taken so that a step fits a device; nothing is allocated.
 *
 * @throws TmcaError GPU_LIMIT where no way fits, with the smallest one's figures; BAD_ARGUMENT where the micro-batch does not
 * divide the batch
 *
 * @example
 * const plan = planMemory(config, { batch: 32, length: 32, memory: 16 * 2 ** 30, limits: gpu.limits });
 * console.log(describePlan(plan)); // then TrainingStep.create(…, { microBatch: plan.microBatch, recompute: plan.recompute })
 */
export function planMemory(config: Config, request: MemoryRequest): MemoryPlan {
  const { batch, length, memory } = request;
  const search = new Search(config, request);
  const levels = levelsOf(request);
  for (const microBatch of sizesOf(request)) {
    // The whole batch usually fits as it is; a smaller one is looked at only if the least that it can take does.
    const least = { microBatch, recompute: levels.at(-1)! };
    const first = { microBatch, recompute: levels[0]! };
    if (!search.fits(microBatch === batch ? first : least) && !search.fits(least)) continue;
    for (const recompute of levels) {
      const way = { microBatch, recompute };
      const sized = search.fits(way);
      if (sized) return { ...way, batch, length, ...sized, memory: memory ?? null, missed: search.missed };
    }
  }
  throw refusal(request, search.smallest, search.missed);
}

function refusal(
  { batch, memory }: MemoryRequest,
  smallest: Sized | undefined,
  missed: readonly MemoryMiss[],
): TmcaError {
  const last = missed.find(({ total }) => total !== null && total === smallest?.bytes.total) ?? missed.at(-1)!;
  const least =
    smallest === undefined
      ? last.why
      : `${showBytes(smallest.bytes.total)} at the least (${showWay(last, batch)}: ${showFigures(smallest.bytes)})`;
  const limit = memory === undefined ? "the device's limits" : showBytes(memory);
  return new TmcaError(
    'GPU_LIMIT',
    `planMemory: a step of batch ${batch} must fit ${limit}, got ${least}; use a smaller batch, image or model, or a device with more memory`,
  );
}

const NAMES = ['parameters', 'average', 'gradients', 'moments', 'activations', 'constants', 'validation'] as const;

/** "parameters 579.3 MiB, gradients …": all that is there. */
export const showFigures = (bytes: MemoryFigures): string =>
  NAMES.filter(name => bytes[name] > 0)
    .map(name => `${name} ${showBytes(bytes[name])}`)
    .join(', ');

/** The plan in words, a line each; what a run prints before it allocates. */
export function describePlan(plan: MemoryPlan): string {
  const { batch, length, bytes, memory, dispatches, largestTensor, missed } = plan;
  const shown = NAMES.filter(name => bytes[name] > 0);
  const line = (name: string, value: number) => `  ${name.padEnd(12)}${showBytes(value).padStart(11)}`;
  const tried = missed.map(({ why, ...way }) => `  not: ${showWay(way, batch)}: ${why}`);
  return [
    `batch ${batch}, sentences of ${length} tokens: ${showWay(plan, batch)}`,
    ...shown.map(name => line(name, bytes[name])),
    `${line('total', bytes.total)}${memory === null ? '' : ` of ${showBytes(memory)}`}`,
    `  ${dispatches} dispatches, the largest tensor ${showBytes(largestTensor)}`,
    ...tried,
  ].join('\n');
}
