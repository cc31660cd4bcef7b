// Uniform blocks: read from WGSL, given by name, packed. And that every kernel of real programs is given what its WGSL asks for.

import { describe, expect, test } from 'vitest';
import { assembleShader } from '../../gpu/shader.js';
import { laneIncludes } from '../../gpu/software/lane-includes.js';
import { hardwareTuning, type Tuning } from '../../gpu/tuning.js';
import { packUniforms, uniformFields, writeUniforms } from '../../gpu/uniforms.js';
import { parseConfig } from '../../networks/config.js';
import { PRESETS } from '../../networks/presets.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { buildPrograms } from '../../runtime/engines/webgpu/programs.js';
import { minifyWgsl } from '../../tools/minify-wgsl.js';
import { programsOf, trainingPrograms } from '../../train/step/programs.js';

const source = `
struct Other { x: u32 }
struct Dims {
  count: u32, // in packets, not: f32
  eps: f32,
}
@group(0) @binding(0) var<uniform> dims: Dims;
`;
const fields = [
  { name: 'count', type: 'u32' },
  { name: 'eps', type: 'f32' },
];

describe('fields', () => {
  test('are those of the struct of the uniform variable, in its order', () => {
    expect(uniformFields('k', source)).toEqual(fields);
    expect(uniformFields('k', minifyWgsl(source))).toEqual(fields);
  });

  test('are none where there is no uniform variable', () => {
    expect(uniformFields('k', 'struct Dims { n: u32 }')).toEqual([]);
  });

  test.each([
    ['struct Dims { n: u32, at: vec4u }', 'at: vec4u'],
    ['struct Other { n: u32 }', 'Dims'],
  ])('of other types are refused: %s', (struct, got) => {
    const text = `${struct} @group(0) @binding(0) var<uniform> dims: Dims;`;
    expect(() => uniformFields('k', text)).toThrow(
      expect.objectContaining({ code: 'INTERNAL', message: expect.stringContaining(`got "${got}"`) }),
    );
  });
});

describe('values', () => {
  const block = (values: Record<string, number>) => ({ kernel: 'k', fields: uniformFields('k', source), values });

  test('lie in the order of the struct, whatever theirs', () => {
    for (const values of [
      { count: 3, eps: 1 },
      { eps: 1, count: 3 },
    ]) {
      const { bytes } = packUniforms([block(values)], 256);
      expect([...bytes]).toEqual([3, 0, 0, 0, 0, 0, 128, 63, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
  });

  test('are aligned, and rounded up to 16 bytes', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const five = {
      kernel: 'five',
      fields: names.map(name => ({ name, type: 'u32' as const })),
      values: Object.fromEntries(names.map(name => [name, 2])),
    };
    const { bytes, ranges } = packUniforms(
      [block({ count: 1, eps: 1 }), { kernel: 'none', fields: [], values: {} }, five],
      256,
    );
    expect(ranges).toEqual([
      { offset: 0, size: 16 },
      { offset: 256, size: 16 },
      { offset: 512, size: 32 },
    ]);
    expect(bytes.length).toBe(544);
    expect([...bytes.subarray(512, 536)]).toEqual([2, 2, 2, 2, 2, 0].flatMap(n => [n, 0, 0, 0]));
  });

  test.each([
    ['one too few', { count: 1 }, 'uniforms of k must be count, eps, got count;'],
    ['one too many', { count: 1, eps: 1, tau: 1 }, 'must be count, eps, got count, eps, tau;'],
    ['another name', { count: 1, toString: 1 }, 'must be count, eps, got count, toString;'],
    ['a fraction', { count: 0.5, eps: 1 }, 'count of k must be a natural number below 2^32, got 0.5;'],
    ['below zero', { count: -1, eps: 1 }, 'got -1;'],
    ['beyond 32 bits', { count: 2 ** 32, eps: 1 }, 'got 4294967296;'],
    ['not a number', { count: Number.NaN, eps: 1 }, 'got NaN;'],
  ])('%s: refused', (_, values, message) => {
    expect(() => writeUniforms(new DataView(new ArrayBuffer(16)), block(values as never))).toThrow(
      expect.objectContaining({ code: 'INTERNAL', message: expect.stringContaining(message) }),
    );
  });
});

describe('every call of real programs gives what its WGSL declares', () => {
  const tunings: Record<string, Tuning> = {
    hardware: hardwareTuning,
    'eight lanes': { ...hardwareTuning, lanes: 8 },
    'one lane': { ...hardwareTuning, lanes: 1 },
  };
  const features = { f16: true, subgroups: true };

  test.each(['nano', 'unet-nano'] as const)('%s', preset => {
    const config = parseConfig(PRESETS[preset].model, preset);
    const length = 16;
    for (const [name, tuning] of Object.entries(tunings)) {
      const { frame, text } = buildPrograms(config, length, choosePrecision('fp32', 'fp32', true), tuning);
      const step = programsOf(trainingPrograms(config, { batch: 4, microBatch: 2, length, tuning }));
      const programs = [frame, text, ...step.map(({ program }) => program)];
      const calls = programs.flatMap(program => program.calls);
      expect(calls.length).toBeGreaterThan(100);
      for (const { shader, uniforms } of calls) {
        const text = assembleShader(shader, features, laneIncludes);
        const block = {
          kernel: `${shader.name} (${name})`,
          fields: uniformFields(shader.name, text),
          values: uniforms,
        };
        expect(block.fields).not.toEqual([]);
        packUniforms([block], 256);
      }
    }
  });
});
