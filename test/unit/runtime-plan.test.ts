// What a network takes on a device, and the small decisions around a session: no device is needed for either.

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { passFigures } from '../../devices/pass-figures.js';
import { fill } from '../../formats/weights/name-seeded-parameters.js';
import { StructuralKeys } from '../../graph/constant-keys.js';
import { channelsFirst, channelsLast } from '../../graph/map-layout.js';
import { passNames } from '../../graph/passes/index.js';
import { type Config, defaultConfig, parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { PRESETS } from '../../networks/presets.js';
import { inspectPlan } from '../../node/index.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { planFigures } from '../../runtime/engines/plan-figures.js';
import { plannedPrecision } from '../../runtime/engines/planned-precision.js';
import { chooseEngine } from '../../runtime/engines/table.js';
import { chooseWasmPrecision } from '../../runtime/engines/wasm/facts.js';
import { buildPrograms } from '../../runtime/engines/webgpu/programs.js';
import { collectConstants } from '../../runtime/engines/webgpu/weights.js';
import { paddedLength, padIds, textLengths } from '../../runtime/text-lengths.js';
import { readTensors } from '../golden.js';

describe('plan figures', () => {
  test('of the full network: at most 110 dispatches a frame, an arena near its lower bound, half the bytes in fp16', () => {
    const [fp32, fp16] = (['fp32', 'fp16'] as const).map(dtype =>
      planFigures({ ...defaultConfig('tmca'), maxTextLength: 32 }, choosePrecision(dtype, 'fp32', true)),
    );
    expect(fp32!.frame.dispatches).toBeLessThanOrEqual(110);
    expect(Object.values(fp32!.frame.kernels).reduce((sum, n) => sum + n, 0)).toBe(fp32!.frame.dispatches);
    for (const { frame } of [fp32!, fp16!]) expect(frame.arenaBytes / frame.arenaLowerBound).toBeLessThan(1.3);
    expect(fp16!.weightBytes / fp32!.weightBytes).toBeGreaterThan(0.5);
    expect(fp16!.weightBytes / fp32!.weightBytes).toBeLessThan(0.51);
    // 8.7 GMAC less the collapsed head's, which is about one.
    expect(fp32!.frame.gflop).toBeGreaterThan(14);
    expect(fp32!.frame.gflop).toBeLessThan(16.5);
  });

  test('of the shipped model, from its folder', async () => {
    const figures = await inspectPlan('models/nano');
    expect(figures.textLength).toBe(16);
    expect(figures.frame.dispatches).toBe(84);
    expect(figures.weightBytes).toBeLessThan(12e6);
  });

  /** Networks of the shipped configurations, and those that the reference was stored for. */
  const golden = ['tiny', 'odd', 'baseline'].map(name => `../shared/reference/golden/${name}/config.json`);
  const configs: [string, Config][] = [
    ...Object.entries(PRESETS).map(([name, { model }]): [string, Config] => [name, parseConfig(model, name)]),
    ...['test/fixtures/golden/micro/config.json', ...golden.filter(existsSync)].map((file): [string, Config] => [
      basename(dirname(file)),
      parseConfig(JSON.parse(readFileSync(file, 'utf8')), file),
    ]),
  ];
  const dtypes = ['fp32', 'fp16', 'int8'] as const;
  test.each(configs.flatMap(([name, config]) => dtypes.map(dtype => [name, dtype, config] as const)))(
    'memory of %s in %s: arenas near what is alive at once, all within what may be taken',
    (_, dtype, config) => {
      for (const shaderF16 of dtype === 'fp32' ? [true] : [true, false]) {
        const figures = planFigures(config, plannedPrecision(config, dtype, shaderF16));
        const { frame, text, deviceBytes, allowedBytes, weightBytes } = figures;
        // A network that takes an image alone has an empty text program.
        expect(text.dispatches > 0).toBe(Network.of(config).text !== null);
        const programs = text.dispatches > 0 ? [frame, text] : [frame];
        for (const { arenaBytes, arenaLowerBound, inputBytes, outputBytes } of programs) {
          expect(arenaBytes).toBeGreaterThanOrEqual(arenaLowerBound);
          expect(arenaBytes / arenaLowerBound).toBeLessThanOrEqual(1.3);
          expect(arenaLowerBound).toBeGreaterThanOrEqual(outputBytes);
          expect(inputBytes).toBeGreaterThan(0);
        }
        const { imageSize } = config;
        const width = dtype !== 'fp32' && shaderF16 ? 2 : 4;
        expect(frame.inputBytes).toBeGreaterThanOrEqual(3 * width * imageSize ** 2);
        expect(frame.outputBytes).toBe(Math.ceil((width * imageSize ** 2) / 16) * 16);
        const { weights, arena, other } = deviceBytes;
        // below half a megabyte of weights, uniform blocks of 256 bytes a dispatch weigh more than their share
        if (weightBytes > 5e5) expect(weights + arena + other).toBeLessThanOrEqual(allowedBytes);
        expect(other).toBeLessThan(
          256 * 2 * (frame.dispatches + text.dispatches) + frame.outputBytes + 2 * text.outputBytes,
        );
        expect(arena).toBe(frame.arenaBytes + text.arenaBytes);
        expect(allowedBytes).toBeCloseTo(1.15 * (weightBytes + frame.inputBytes + frame.outputBytes) + arena, 3);
      }
    },
  );

  test.each(dtypes)('in %s what programs know at load is the same for every length of a text', dtype => {
    const config = { ...parseConfig(PRESETS.nano.model, 'nano'), maxTextLength: 100, maxPositions: 128 };
    const precision = plannedPrecision(config, dtype, true);
    const keys = new StructuralKeys();
    const known = (length: number) => {
      const { frame, text } = buildPrograms(config, length, precision);
      return new Set(collectConstants([frame, text], keys).keys());
    };
    const lengths = textLengths(config.maxTextLength);
    expect(lengths.length).toBeGreaterThan(2);
    const [shortest, ...longer] = lengths.map(known);
    expect(shortest!.size).toBeGreaterThan(100);
    for (const each of longer) expect(each).toEqual(shortest);
  });

  test('each rewrite that is left out costs what it saves: dispatches, arithmetic, traffic or weights', () => {
    const rows = passFigures(parseConfig(PRESETS.nano.model, 'nano'), choosePrecision('fp32', 'fp32', true));
    expect(rows.map(({ without }) => without)).toEqual([null, ...passNames, 'report']);
    const of = Object.fromEntries(rows.map(({ without, figures }) => [without ?? 'nothing', figures]));
    const whole = of.nothing!;
    expect(whole.dispatches).toBe(84);
    for (const { without, figures } of rows.slice(1)) {
      expect(figures.dispatches, `${without}`).toBeGreaterThanOrEqual(whole.dispatches);
      expect(figures.movedBytes, `${without}`).toBeGreaterThan(whole.movedBytes);
      // nothing is computed twice because a rewrite is missing
      expect(figures.gflop / whole.gflop, `${without}`).toBeLessThan(1.25);
    }
    // three BatchNorms a level of the decoder; layer scales, one a block; projections of six attentions in the frame, two of which are alone
    const more = (name: string) => of[name]!.dispatches - whole.dispatches;
    expect(['batch-norm', 'layer-scale', 'head', 'report'].map(more)).toEqual([27, 20, 1, whole.textDispatches]);
    expect(of['norm-affine']!.weightBytes).toBeGreaterThan(whole.weightBytes);
    expect(of.head!.gflop / whole.gflop).toBeGreaterThan(1.15);
    expect(of.merge!.textDispatches - whole.textDispatches).toBe(6);
  });

  test('of a network that no default device holds: refused with the numbers', () => {
    const config = { ...defaultConfig('tmca'), imageSize: 1184, maxTextLength: 16 };
    expect(() => planFigures(config, choosePrecision('fp32', 'fp32', true))).toThrow(/at most 134217728 bytes/);
  });
});

describe('engine and precision', () => {
  const adapter = { vendor: 'acme', architecture: 'rocket', description: '', software: false };
  test('auto takes hardware, else wasm; by name, what was named; the reason names the adapter', () => {
    expect(chooseEngine('auto', adapter)).toEqual({
      device: 'webgpu',
      reason: 'a hardware adapter is present: acme rocket',
    });
    expect(chooseEngine('webgpu', { ...adapter, description: 'Rocket 9', software: true })).toEqual({
      device: 'webgpu',
      reason: 'webgpu was asked for; the adapter is Rocket 9',
    });
    expect(chooseEngine('auto', { ...adapter, software: true })).toEqual({
      device: 'wasm',
      reason: 'there is no hardware adapter, only acme rocket, which runs on the CPU; wasm runs instead',
    });
    expect(chooseEngine('auto', null).reason).toMatch(/^there is no WebGPU adapter; wasm/);
    expect(chooseEngine('wasm', adapter)).toEqual({ device: 'wasm', reason: 'wasm was asked for' });
    expect(chooseEngine('auto', { ...adapter, vendor: '', architecture: '' }).reason).toContain('unnamed');
  });
  test.each([
    ['auto', 'fp16', 'fp16', 'the model is stored in fp16; in wasm its arithmetic is fp32'],
    ['auto', 'fp32', 'fp32', 'the model is stored in fp32'],
    ['fp32', 'fp16', 'fp32', 'fp32 was asked for'],
    ['fp16', 'fp16', 'fp16', 'fp16 was asked for; in wasm arithmetic is fp32'],
    ['int8', 'fp32', 'fp32', 'int8 was asked for; in wasm arithmetic is fp32 on weights as they are stored, fp32'],
  ] as const)('in wasm, %s for a model in %s runs %s', (choice, stored, dtype, reason) => {
    expect(chooseWasmPrecision(choice, stored)).toEqual({ dtype, reason });
  });
  test.each([
    ['auto', 'fp16', true, 'fp16', 'f16', 'f16'],
    ['auto', 'fp16', false, 'fp16', 'f16', 'f32'],
    ['auto', 'fp32', true, 'fp32', 'f32', 'f32'],
    ['fp32', 'fp16', true, 'fp32', 'f32', 'f32'],
    ['fp16', 'fp32', false, 'fp16', 'f16', 'f32'],
    ['auto', 'int8', true, 'int8', 'f16', 'f16'],
    ['int8', 'fp32', false, 'int8', 'f16', 'f32'],
  ] as const)(
    '%s of a model in %s, shader-f16 %s: %s, weights %s, activations %s',
    (choice, stored, f16, ...expected) => {
      const { dtype, weights, activations, reason } = choosePrecision(choice, stored, f16);
      expect([dtype, weights, activations]).toEqual(expected);
      expect(reason).toContain(choice === 'auto' ? 'the model is stored in' : 'was asked for');
    },
  );
  test('activations that f16 cannot hold keep the device from f16 arithmetic, whatever it has', () => {
    const { weights, activations, reason } = choosePrecision('auto', 'fp16', true, true);
    expect([weights, activations]).toEqual(['f16', 'f32']);
    expect(reason).toContain('which f16 cannot hold');
    expect(choosePrecision('fp32', 'fp16', true, true).weights).toBe('f32');
  });
});

describe('text lengths', () => {
  test('powers of two from 16, and the limit itself', () => {
    expect(textLengths(100)).toEqual([16, 32, 64, 100]);
    expect(textLengths(16)).toEqual([16]);
    expect(textLengths(7)).toEqual([7]);
    expect([1, 16, 17, 100].map(n => paddedLength(textLengths(100), n))).toEqual([16, 16, 32, 100]);
  });
  test('padding is masked', () => {
    const { ids, mask } = padIds(Int32Array.of(2, 9, 3), 5);
    expect([[...ids], [...mask]]).toEqual([
      [2, 9, 3, 0, 0],
      [1, 1, 1, 0, 0],
    ]);
  });
});

test('layouts are each other’s inverse on maps, and leave other ranks alone', () => {
  const map = { shape: [2, 3, 2, 4], data: Float32Array.from({ length: 48 }, (_, i) => i) };
  const last = channelsLast(map);
  expect(last.shape).toEqual([2, 2, 4, 3]);
  expect([...last.data.slice(0, 4)]).toEqual([0, 8, 16, 1]);
  expect(channelsFirst(last)).toEqual(map);
  expect(channelsFirst({ shape: [3], data: [1, 2, 3] }).data).toEqual(Float32Array.of(1, 2, 3));
});

test('fill gives the parameters that golden.py stored', async () => {
  const stored = await readTensors('test/fixtures/golden/micro/model.safetensors');
  for (const [name, { shape, data }] of stored) expect(fill(name, shape), name).toEqual(data);
});
