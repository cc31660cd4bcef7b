// An engine that is fitted to its device: what was measured runs, is kept, and is used at the next opening; what is kept and
// cannot be believed is not.

import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { memorySource, openSafetensors } from '../../formats/safetensors/index.js';
import { fillStream } from '../../formats/weights/name-seeded-parameters.js';
import { nodeGpu } from '../../gpu/node.js';
import { openDevice } from '../../gpu/open-device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import type { Cut } from '../../gpu/tuning.js';
import { Network } from '../../networks/network.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { storedWeights } from '../../runtime/engines/stored-weights.js';
import { WebGpuEngine } from '../../runtime/engines/webgpu/engine.js';
import { programsOf } from '../../runtime/engines/webgpu/programs.js';
import { type TuneParts, type TuneRequest, tuneEngine } from '../../runtime/engines/webgpu/tune-programs.js';
import type { TuningStore } from '../../runtime/engines/webgpu/tuning-cache.js';
import { loadGolden } from '../golden.js';
import { expectClose, tolerance } from '../tolerance.js';
import { testDevice } from './device.js';

const { config } = await loadGolden('test/fixtures/golden/micro');
const assembly = await loadAssembly();

class MemoryStore implements TuningStore {
  readonly place = 'memory';
  readonly texts = new Map<string, string>();
  read = async (name: string) => this.texts.get(name) ?? null;
  write = async (name: string, text: string) => void this.texts.set(name, text);
}

const open: WebGpuEngine[] = [];
afterAll(() => {
  for (const engine of open) engine.dispose();
});

/** With no time for more than one class of shapes, which is always measured: software compiles slowly. */
async function engineWith(tune?: TuneRequest): Promise<WebGpuEngine> {
  const gpu = await openDevice({ gpu: await nodeGpu(), prefer: 'any' });
  const precision = choosePrecision('fp32', 'fp32', false);
  const parameters = fillStream(Network.of(config).parameters);
  const engine = await WebGpuEngine.create({ gpu, assembly, config, precision, parameters, tune });
  open.push(engine);
  return engine;
}

async function logits(engine: WebGpuEngine): Promise<Float32Array> {
  const report = await engine.encode(Int32Array.from([2, 5, 7, 3]));
  const image = Float32Array.from({ length: 32 * 32 * 3 }, (_, i) => ((i * 7) % 31) / 15 - 1);
  return engine.run(image, report, undefined);
}

const store = new MemoryStore();
const request = (refresh: boolean): TuneRequest => ({ refresh, store: async () => store, budgetMs: 0 });

describe('an engine', () => {
  test('without the tuner has the variants of its profile, and says so', async () => {
    const { tuning } = (await engineWith()).stats();
    const variants = Object.values(tuning!.variants);
    expect(variants.length).toBeGreaterThan(10);
    expect(new Set(variants.map(({ source }) => source))).toEqual(new Set(['profile']));
    expect(tuning).toMatchObject({ rejected: [], timed: {}, notes: [] });
  });

  test('with it measures, keeps what it found, and computes the same', async () => {
    const engine = await engineWith(request(true));
    const { tuning } = engine.stats();
    const [[shape, times], ...others] = Object.entries(tuning!.timed) as [string, Record<string, number>][] as [
      [string, Record<string, number>],
    ];
    expect(others).toEqual([]);
    expect(Object.keys(times).length).toBeGreaterThan(1);
    const { variant, source } = tuning!.variants[shape]!;
    expect(source).toBe('timed');
    expect(times[variant], 'the fastest, or the usual one within noise of it').toBeLessThanOrEqual(
      Math.min(...Object.values(times)) / 0.97,
    );
    expect(tuning!.notes).toEqual([
      expect.stringMatching(/^\d+ classes of shapes were left to the profile: the time for measuring was over$/),
    ]);
    expect([...store.texts.keys()]).toEqual([expect.stringMatching(/^tuning-[0-9a-f]{16}\.json$/)]);
    expectClose(await logits(engine), await logits(open[0]!), tolerance.golden);
  });

  test('uses what was kept, and measures only what was not', async () => {
    const [, before] = open.map(engine => engine.stats().tuning!);
    const { tuning } = (await engineWith(request(false))).stats();
    const [shape] = Object.keys(before!.timed);
    expect(tuning!.variants[shape!]).toEqual({ variant: before!.variants[shape!]!.variant, source: 'cache' });
    expect(Object.keys(tuning!.timed)).toHaveLength(1);
    expect(Object.keys(tuning!.timed)).not.toContain(shape);
    expect(JSON.parse([...store.texts.values()][0]!).tuning.choices).toMatchObject({ [shape!]: expect.any(String) });
  });

  test('does not believe what was changed: it says so, measures, and writes it anew', async () => {
    const [[name, text]] = [...store.texts] as [[string, string]];
    const kept = JSON.parse(text);
    for (const shape of Object.keys(kept.tuning.choices)) kept.tuning.choices[shape] += ' or another';
    expect(Object.keys(kept.tuning.choices)).not.toEqual([]);
    store.texts.set(name, JSON.stringify(kept));
    const { tuning } = (await engineWith(request(false))).stats();
    expect(Object.values(tuning!.variants).map(({ source }) => source)).not.toContain('cache');
    expect(tuning!.notes[0]).toBe(
      `${name} in memory was not used, and is written anew: its contents do not have its hash`,
    );
    expect(Object.keys(JSON.parse(store.texts.get(name)!).tuning.choices)).toEqual(Object.keys(tuning!.timed));
  });

  test('opens all the same where nothing can be kept', async () => {
    const broken: TuneRequest = { ...request(true), store: () => Promise.reject(new Error('no such luck')) };
    const { tuning } = (await engineWith(broken)).stats();
    expect(tuning!.notes[0]).toBe('nothing is kept: no such luck');
    expect(Object.keys(tuning!.timed)).toHaveLength(1);
  });
});

describe('int8 weights multiplied in whole numbers', () => {
  const model = 'test/fixtures/golden/micro';
  const int8Weights = async () => {
    const bytes = new Uint8Array(readFileSync(`${model}/model.safetensors`));
    const file = await openSafetensors(memorySource(bytes, 'model.safetensors'));
    return storedWeights(config, file.header, choosePrecision('int8', 'fp32', false), file);
  };
  const int8Engine = async (extra: Record<string, unknown>, tune?: TuneRequest) => {
    const gpu = await openDevice({ gpu: await nodeGpu(), prefer: 'any' });
    const held = await int8Weights();
    const engine = await WebGpuEngine.create({ gpu, assembly, config: { ...config, extra }, tune, ...held });
    open.push(engine);
    return engine;
  };
  const asked: TuneRequest = { refresh: false, integer: true, store: undefined };

  test('where asked: every linear of int8 weights, in two dispatches, and nearly the same logits', async () => {
    const [plain, whole] = [await int8Engine({}), await int8Engine({}, asked)];
    const { tuning, dispatches } = whole.stats();
    const dots = Object.entries(tuning!.variants).filter(([, { variant }]) => variant === 'dots32');
    expect(dots.length).toBeGreaterThan(3);
    for (const [shape, { source }] of dots) expect([shape.split(' ')[0], source]).toEqual(['linear-vec4', 'asked']);
    expect(dispatches.frame).toBeGreaterThan(plain.stats().dispatches.frame + 5);
    const [exact, rounded] = [await logits(plain), await logits(whole)];
    expect(rounded).not.toEqual(exact);
    const spread = Math.max(...exact) - Math.min(...exact);
    expectClose(rounded, exact, { abs: 0.03 * spread, rel: 0 });
  });

  test('are no choice of a model whose maker did not permit them, and one where it is permitted', async () => {
    const precision = (await int8Weights()).precision;
    const lowering = programsOf(config, 16, precision);
    const gpu = await testDevice(false);
    const isLinear = ({ cut }: { readonly cut?: Cut }) => cut?.shape.startsWith('linear-vec4 f32/i8');
    const { shape } = lowering(gpu.tuning).frame.calls.find(isLinear)!.cut!;
    // One class of shapes alone, so that it is the one that there is time for.
    const only = (tuning = gpu.tuning) => {
      const { frame } = lowering(tuning);
      const program = { ...frame, calls: frame.calls.filter(({ cut }) => cut?.shape === shape) };
      return { frame: program, text: { ...program, calls: [] } };
    };
    const tried = async (extra: Record<string, unknown>) => {
      const parts = { gpu, pipelines: new PipelineCache(gpu), config: { extra }, precision, lowerings: [[16, only]] };
      const tuned = await tuneEngine({ refresh: true, store: undefined, budgetMs: 0 }, parts as unknown as TuneParts);
      return Object.values(tuned.timed).flatMap(times => Object.keys(times));
    };
    expect(await tried({})).not.toContain('dots32');
    expect(await tried({ int8_products: 'yes' })).not.toContain('dots32');
    expect(await tried({ int8_products: true })).toContain('dots32');
  });

  test('a model without int8 weights: nothing to do, and it says so', async () => {
    const { tuning } = (await engineWith(asked)).stats();
    expect(tuning!.notes).toEqual(['no product of this model has int8 weights']);
    expect(Object.values(tuning!.variants).map(({ variant }) => variant)).not.toContain('dots32');
  });
});
