// An engine's kernels fitted to its device: from what was kept, and by measuring what was not. Loaded on hardware, or when asked.

import { check } from '../../../errors/index.js';
import type { GpuDevice } from '../../../gpu/device.js';
import { type DotTuning, dotTiles, linearDots } from '../../../gpu/kernels/matmul/linear-dots.js';
import type { PipelineCache } from '../../../gpu/pipelines.js';
import { DeviceBench, type SizedCall } from '../../../gpu/tuner/bench.js';
import { kernelOf, type TuneResult, tune } from '../../../gpu/tuner/tune.js';
import { variantsOf } from '../../../gpu/tuner/variants.js';
import type { Program } from '../../../graph/lower.js';
import type { Config } from '../../../networks/config.js';
import type { Progress, TuningStats } from '../../types.js';
import type { PrecisionChoice } from '../choice.js';
import type { ProgramSet, Programs } from './programs.js';
import { cacheName, type KeptTuning, readTuning, type TuningStore, tuningKey, writeTuning } from './tuning-cache.js';

export interface TuneRequest {
  /** What was kept is not used, but measured anew and kept again. */
  readonly refresh: boolean;
  /** Nothing is measured: products of int8 weights are whole numbers' wherever they can be. */
  readonly integer?: boolean;
  readonly store: (() => Promise<TuningStore>) | undefined;
  /** Milliseconds after which no further class of shapes is begun; two seconds, or a minute for `refresh`, if not given. */
  readonly budgetMs?: number;
}

export interface TuneParts {
  readonly gpu: GpuDevice;
  readonly pipelines: PipelineCache;
  readonly config: Pick<Config, 'extra'>;
  readonly precision: Pick<PrecisionChoice, 'dtype'>;
  /** The programs for every padded length of a text, the shortest first. */
  readonly lowerings: readonly (readonly [number, (tuning?: DotTuning) => Programs])[];
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface Tuned extends Pick<TuningStats, 'rejected' | 'timed' | 'notes'> {
  readonly tuning: DotTuning;
  /** By class of shapes; of the others the profile decides. */
  readonly sources: Readonly<Record<string, 'cache' | 'timed' | 'asked'>>;
}

/**
 * A key of config.json: `tmca quantize --integer-products` found the masks good enough with activations rounded to int8, row by row.
 * Without it, products of whole numbers are no choice of the tuner's.
 */
export const INT8_PRODUCTS = 'int8_products';

/** The first opening on an adapter may take so much longer. One that is asked for has more time, and more of the shapes. */
const BUDGET_MS = 2000;
const REFRESH_BUDGET_MS = 60_000;

const NOTHING: KeptTuning = { choices: {}, rejected: [] };

const sized = ({ calls, buffers }: Program): SizedCall[] =>
  calls.map(call => ({
    ...call,
    bindings: call.bindings.map(({ operand, access }) => ({
      access,
      operand: operand === null ? null : { id: operand, bytes: buffers[operand]!.bytes },
    })),
  }));

/** The frame is the same for all texts but in what it reads of them. */
function callsIn(lowerings: TuneParts['lowerings'], tuning: DotTuning): SizedCall[] {
  return lowerings.flatMap(([, lowering], i) => {
    const { frame, text } = lowering(tuning);
    return i === 0 ? [...sized(frame), ...sized(text)] : sized(text);
  });
}

const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/**
 * A store that fails costs time, never the opening: what went wrong is in the notes.
 *
 * Errors: those of `tune`.
 */
export async function tuneEngine(request: TuneRequest, parts: TuneParts): Promise<Tuned> {
  const { refresh, integer = false, store, budgetMs } = request;
  const { gpu, pipelines, config, precision, lowerings, signal, onProgress } = parts;
  const mayRound = precision.dtype === 'int8' && (integer || config.extra[INT8_PRODUCTS] === true);
  const tuning = mayRound ? { ...gpu.tuning, dots: linearDots } : gpu.tuning;
  if (integer) return inWholeNumbers(tuning, parts);
  const notes: string[] = [];
  const key = tuningKey({ ...gpu, tuning });
  const name = cacheName(key);
  const kept = store && (await store().catch((error: unknown) => void notes.push(`nothing is kept: ${said(error)}`)));
  const before = kept && !refresh ? await readKept(kept, name, key, tuning, notes) : NOTHING;
  const bench = new DeviceBench(gpu, tuning, signal, pipelines);
  let found: TuneResult;
  try {
    found = await tune({
      ...{ tuning, bench, signal, known: before.choices, rejected: before.rejected },
      budgetMs: budgetMs ?? (refresh ? REFRESH_BUDGET_MS : BUDGET_MS),
      lower: each => callsIn(lowerings, each),
      onProgress: (loaded, total) => onProgress?.({ phase: 'tune', loaded, total }),
    });
  } finally {
    bench.dispose();
  }
  const { choices, timed, rejected, left } = found;
  if (left > 0) notes.push(`${left} classes of shapes were left to the profile: the time for measuring was over`);
  if (kept && timed.length > 0)
    await kept
      .write(name, writeTuning(key, { choices, rejected }))
      .catch((error: unknown) => notes.push(`nothing was kept: ${said(error)}`));
  const fresh = new Set(timed.map(({ shape }) => shape));
  return {
    tuning: { ...tuning, choices },
    sources: Object.fromEntries(Object.keys(choices).map(shape => [shape, fresh.has(shape) ? 'timed' : 'cache'])),
    timed: Object.fromEntries(timed.map(({ shape, ms }) => [shape, ms])),
    rejected,
    notes,
  };
}

/** `tuneEngine` over the texts of every length, whose products differ in their rows; `programs` are then those of its tuning. */
export async function tunePrograms(
  request: TuneRequest,
  programs: ProgramSet,
  parts: Omit<TuneParts, 'lowerings'>,
): Promise<Tuned> {
  await parts.gpu.settle();
  const lowerings = programs.lengths.map(length => [length, programs.lowering(length)] as const);
  const tuned = await tuneEngine(request, { ...parts, lowerings });
  programs.tuning = tuned.tuning;
  for (const length of programs.lengths) programs.of(length);
  return tuned;
}

/** Every product that can be is one of whole numbers; the device must do them right. */
async function inWholeNumbers(tuning: DotTuning, { gpu, pipelines, lowerings, signal }: TuneParts): Promise<Tuned> {
  const bench = new DeviceBench(gpu, tuning, signal, pipelines);
  const [variant] = Object.keys(dotTiles);
  const choices: Record<string, string> = {};
  try {
    const tested = new Map<string, string | null>();
    for (const { cut } of callsIn(lowerings, tuning)) {
      if (!cut || !variantsOf(cut.shape, tuning).includes(variant!)) continue;
      const kernel = kernelOf(cut.shape);
      if (!tested.has(kernel)) tested.set(kernel, await bench.selfTest(cut.shape, variant!));
      const wrong = tested.get(kernel) ?? null;
      check(
        wrong === null,
        'UNSUPPORTED',
        `openModel: products of whole numbers must be right on this device, but ${variant} of ${kernel} ${wrong}; leave tune 'integer' out`,
      );
      choices[cut.shape] = variant!;
    }
  } finally {
    bench.dispose();
  }
  const notes = Object.keys(choices).length > 0 ? [] : ['no product of this model has int8 weights'];
  const sources = Object.fromEntries(Object.keys(choices).map(shape => [shape, 'asked' as const]));
  return { tuning: { ...tuning, choices }, sources, timed: {}, rejected: [], notes };
}

/** What is kept of a device, as the figures of an engine that would use it all. */
export async function keptStats(gpu: GpuDevice, store: TuneRequest['store']): Promise<TuningStats> {
  const notes: string[] = [];
  const key = tuningKey(gpu);
  const { choices, rejected } = store ? await readKept(await store(), cacheName(key), key, gpu.tuning, notes) : NOTHING;
  const variants = Object.entries(choices).map(([shape, variant]) => [shape, { variant, source: 'cache' as const }]);
  return { profile: gpu.profile, variants: Object.fromEntries(variants), rejected, timed: {}, notes };
}

async function readKept(
  store: TuningStore,
  name: string,
  key: string,
  tuning: DotTuning,
  notes: string[],
): Promise<KeptTuning> {
  try {
    const text = await store.read(name);
    const kept = text === null ? NOTHING : readTuning(text, key, tuning);
    if (!('problem' in kept)) return kept;
    notes.push(`${name} in ${store.place} was not used, and is written anew: ${kept.problem}`);
  } catch (error) {
    notes.push(`${name} in ${store.place} could not be read: ${said(error)}`);
  }
  return NOTHING;
}
