// The generated header, what names a pipeline, and GELU's formula, all without a device.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Shader, spread } from '../../gpu/kernel.js';
import { includes } from '../../gpu/kernels/shared/includes.js';
import { packed } from '../../gpu/kernels/shared/packet.js';
import { assembleShader, locateLine, moduleKey, shaderKey, shaderParts } from '../../gpu/shader.js';
import { fromHalf, toHalf } from '../half.js';

const all = { f16: true, subgroups: true };
const none = { f16: false, subgroups: false };
const source = '// Doubles.\n\nfn main() {}';
const shader = (more: Partial<Shader> = {}): Shader => ({ name: 'double', source, act: 'f32', ...more });

describe('header', () => {
  test('f32 without weights', () => {
    expect(assembleShader(shader(), all)).toMatchInlineSnapshot(`
      "alias act = f32;
      alias act4 = vec4<f32>;
      alias stored = act;
      alias stored4 = act4;
      // Doubles.

      fn main() {}
      "
    `);
  });

  test('a packet is one number or four, in arithmetic and in storage', () => {
    expect(assembleShader(shader({ packet: 1 }), all)).toMatchInlineSnapshot(`
      "alias act = f32;
      alias act4 = vec4<f32>;
      alias stored = act;
      alias stored4 = act4;
      const PACKET: u32 = 1u;
      alias Packet = f32;
      alias ActPacket = act;
      alias PacketBits = u32;
      fn wide(x: Packet) -> vec4f { return vec4f(x); }
      fn narrow(x: vec4f) -> Packet { return x.x; }
      fn total(x: Packet) -> f32 { return x; }
      alias stored_packet = ActPacket;
      // Doubles.

      fn main() {}
      "
    `);
    expect(assembleShader(shader({ packet: 4, act: 'f16' }), all)).toMatchInlineSnapshot(`
      "enable f16;
      alias act = f16;
      alias act4 = vec4<f16>;
      fn stored(x: f32) -> act { let b = bitcast<u32>(x); return act(select(x, bitcast<f32>(b | 0x7fc00000u), (b & 0x7fffffffu) >= 0x477ff000u)); }
      fn stored4(x: vec4f) -> act4 { let b = bitcast<vec4u>(x); return act4(select(x, bitcast<vec4f>(b | vec4u(0x7fc00000u)), (b & vec4u(0x7fffffffu)) >= vec4u(0x477ff000u))); }
      const PACKET: u32 = 4u;
      alias Packet = vec4f;
      alias ActPacket = act4;
      alias PacketBits = ActPacket;
      fn wide(x: Packet) -> vec4f { return x; }
      fn narrow(x: vec4f) -> Packet { return x; }
      fn total(x: Packet) -> f32 { return dot(x, vec4f(1.0)); }
      fn stored_packet(x: Packet) -> ActPacket { return stored4(x); }
      // Doubles.

      fn main() {}
      "
    `);
  });

  test('a packet of weights is read from whatever they are stored in', () => {
    const lines = (packet: 1 | 4) => {
      const text = assembleShader(shader({ packet, weight: 'i8' }), all).split('\n');
      return text.slice(text.indexOf('alias stored_packet = ActPacket;') + 1, -4);
    };
    expect(lines(1)).toEqual([
      'alias WeightPacket = weight1;',
      'fn packet_index(i: u32) -> u32 { return weight1_index(i); }',
      'fn unpack_packet(w: WeightPacket, i: u32) -> Packet { return unpack_weight1(w, i); }',
    ]);
    expect(lines(4)).toEqual([
      'alias WeightPacket = weight4;',
      'fn packet_index(i: u32) -> u32 { return i; }',
      'fn unpack_packet(w: WeightPacket, i: u32) -> Packet { return unpack_weight(w); }',
    ]);
  });

  test('the source of either width is one file, whatever the name in reports', () => {
    const files = [packed('double', source, 1), packed('double', source, 4)].map(kernel => {
      const parts = shaderParts({ ...kernel, act: 'f32' }, all);
      return [kernel.name, parts.at(-1)!.file];
    });
    expect(files).toEqual([
      ['double', 'double.wgsl'],
      ['double-vec4', 'double.wgsl'],
    ]);
  });

  test('packets of another width are another module', () => {
    const keys = [undefined, 1, 4].map(packet => moduleKey(shader(packet ? { packet: packet as 1 | 4 } : {}), all));
    expect(new Set(keys).size).toBe(3);
  });

  test('a picture is a frame of a video or a texture, read alike', () => {
    const external = shader({ texture: 'external' });
    expect(assembleShader(external, all)).toMatchInlineSnapshot(`
      "alias act = f32;
      alias act4 = vec4<f32>;
      alias stored = act;
      alias stored4 = act4;
      @group(1) @binding(0) var source: texture_external;
      fn source_at(at: vec2u) -> vec4f { return textureLoad(source, at); }
      // Doubles.

      fn main() {}
      "
    `);
    const plain = shader({ texture: '2d' });
    expect(assembleShader(plain, all)).toContain('return textureLoad(source, at, 0);');
    expect(new Set([shader(), external, plain].map(each => moduleKey(each, all))).size).toBe(3);
  });

  test('f16 weights are native where the device has shader-f16', () => {
    const tile = { TILE_M: 4, TILE_N: 8 };
    expect(assembleShader(shader({ weight: 'f16', tile }), all)).toMatchInlineSnapshot(`
      "enable f16;
      alias act = f32;
      alias act4 = vec4<f32>;
      alias stored = act;
      alias stored4 = act4;
      alias weight4 = vec4<f16>;
      alias weight1 = f16;
      fn unpack_weight(w: weight4) -> vec4f { return vec4f(w); }
      fn weight1_index(i: u32) -> u32 { return i; }
      fn unpack_weight1(w: weight1, i: u32) -> f32 { return f32(w); }
      const TILE_M: u32 = 4u;
      const TILE_N: u32 = 8u;
      // Doubles.

      fn main() {}
      "
    `);
  });

  test('f16 weights are packed in pairs where it has not', () => {
    expect(assembleShader(shader({ weight: 'f16' }), none)).toMatchInlineSnapshot(`
      "alias act = f32;
      alias act4 = vec4<f32>;
      alias stored = act;
      alias stored4 = act4;
      alias weight4 = vec2u;
      alias weight1 = u32;
      fn unpack_weight(w: weight4) -> vec4f { return vec4f(unpack2x16float(w.x), unpack2x16float(w.y)); }
      fn weight1_index(i: u32) -> u32 { return i >> 1u; }
      fn unpack_weight1(w: weight1, i: u32) -> f32 { return unpack2x16float(w)[i & 1u]; }
      // Doubles.

      fn main() {}
      "
    `);
  });

  test('includes and extensions are named in the opening comments only', () => {
    const text = '// include: leaky-relu\n// enable: subgroups\nfn main() {}\n// include: gelu\n';
    const parts = shaderParts(shader({ source: text }), all);
    expect(parts.map(part => part.file)).toEqual(['header', 'include/leaky-relu.wgsl', 'double.wgsl']);
    expect(parts[0]!.text).toMatch(/^enable subgroups;\n/);
    expect(parts[2]!.text).toBe(text);
  });

  test('a kernel may bring files of its own', () => {
    const own = shader({
      source: '// include: leaky-relu, halves\nfn main() {}',
      includes: { halves: 'const half = 0.5;' },
    });
    const parts = shaderParts(own, all);
    expect(parts.map(part => part.file)).toEqual([
      'header',
      'include/leaky-relu.wgsl',
      'include/halves.wgsl',
      'double.wgsl',
    ]);
    expect(parts[2]!.text).toBe('const half = 0.5;\n');
    expect(() => shaderParts(shader({ source: own.source }), all)).toThrow('got "halves"');
  });

  test('an include may be swapped for another, which brings its extensions and makes another pipeline', () => {
    const own = shader({
      source: '// include: tile\nfn main() {}',
      includes: { tile: 'const tile = 1;', lanes: '// enable: subgroups\nconst lanes = 1;' },
    });
    const swapped = { ...own, swap: { tile: 'lanes' } };
    const parts = shaderParts(swapped, all);
    expect(parts.map(part => part.file)).toEqual(['header', 'include/lanes.wgsl', 'double.wgsl']);
    expect(parts[0]!.text).toMatch(/^enable subgroups;\n/);
    expect(shaderParts(own, all)[0]!.text).not.toContain('enable');
    expect(moduleKey(swapped, all)).not.toBe(moduleKey(own, all));
    expect(() => shaderParts(swapped, none)).toThrow('must have subgroups');
  });

  test('lines of the assembled text lead back to their files', () => {
    const parts = shaderParts(shader({ source: '// include: gelu\nfn main() {}' }), all);
    const lines = assembleShader(shader({ source: '// include: gelu\nfn main() {}' }), all).split('\n');
    expect(locateLine(parts, 1)).toEqual({ file: 'header', line: 1 });
    expect(locateLine(parts, 1 + lines.indexOf('fn main() {}'))).toEqual({ file: 'double.wgsl', line: 2 });
    const gelu = includes.gelu!.split('\n');
    const line = gelu.findIndex(text => text.startsWith('fn gelu4'));
    expect(locateLine(parts, 1 + lines.indexOf(gelu[line]!))).toEqual({ file: 'include/gelu.wgsl', line: line + 1 });
  });

  test.each([
    [shader({ act: 'f16' }), 'UNSUPPORTED', 'f16 activations of double must have shader-f16'],
    [shader({ source: '// enable: subgroups' }), 'UNSUPPORTED', 'double must have subgroups'],
    [shader({ source: '// enable: f16' }), 'INTERNAL', 'known extension (subgroups), got "f16"'],
    [shader({ source: '// include: toString' }), 'INTERNAL', 'got "toString"'],
    [shader({ tile: { TILE_M: 1.5 } }), 'INTERNAL', 'tile TILE_M of double must be an unsigned integer, got 1.5'],
  ] as const)('refuses %o', (wrong, code, message) => {
    expect(() => assembleShader(wrong, none)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    );
  });
});

describe('keys', () => {
  test('do not depend on the order of constants or tiles', () => {
    const [a, b] = [shader({ tile: { M: 1, N: 2 } }), shader({ tile: { N: 2, M: 1 } })];
    expect(shaderKey(a, { X: 1, Y: 2 }, all)).toBe(shaderKey(b, { Y: 2, X: 1 }, all));
  });

  test('differ whenever the text or the constants do', () => {
    const variants = [
      shader(),
      shader({ act: 'f16' }),
      shader({ weight: 'f32' }),
      shader({ weight: 'f16' }),
      shader({ tile: { M: 1 } }),
      shader({ tile: { M: 2 } }),
      shader({ name: 'treble' }),
    ];
    const keys = variants.flatMap(v => [undefined, { X: 1 }, { X: 2 }].map(constants => shaderKey(v, constants, all)));
    expect(new Set(keys).size).toBe(keys.length);
    expect(moduleKey(shader({ weight: 'f16' }), none)).not.toBe(moduleKey(shader({ weight: 'f16' }), all));
  });
});

describe('gelu.wgsl', () => {
  const round = Math.fround;
  const text = includes.gelu!;
  const number = (pattern: RegExp) => Number(pattern.exec(text)![1]);
  const slope = number(/1\.0 \/ \(1\.0 \+ ([\d.]+) \* a\)/);
  const clamp = number(/min\(abs\(x\), vec4f\(([\d.]+)\)\)/);
  const numbers = (line: RegExp) => [...line.exec(text)![0].matchAll(/-?\d+\.\d+/g)].map(match => Number(match[0]));
  // Horner's scheme in two lines; the inner one has the higher powers.
  const coefficients = [...numbers(/let p = .*/), ...numbers(/let high = .*/)];

  /** The file's formula with its own constants, rounded to f32 after every operation. */
  function upperTail(a: number): number {
    const t = round(1 / round(1 + round(round(slope) * a)));
    const p = coefficients.reduceRight((sum, c) => round(t * round(round(c) + sum)), 0);
    return round(p * round(Math.exp(round(round(-0.5 * a) * a))));
  }

  function gelu(x: number): number {
    const a = Math.min(Math.abs(x), clamp);
    return round(Math.max(x, 0) - round(a * upperTail(a)));
  }

  /** erfc to double precision: the Maclaurin series below 3, the continued fraction above. */
  function erfc(z: number): number {
    if (z < 3) {
      let [term, sum] = [z, z];
      for (let n = 1; n < 100; n++) {
        term *= (-z * z) / n;
        sum += term / (2 * n + 1);
      }
      return 1 - (2 / Math.sqrt(Math.PI)) * sum;
    }
    let fraction = 0;
    for (let k = 80; k > 0; k--) fraction = k / 2 / (z + fraction);
    return Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction);
  }
  const exact = (x: number) => Math.max(x, 0) - (Math.abs(x) / 2) * erfc(Math.abs(x) / Math.SQRT2);

  test('the oracle: erfc(1) and erfc(4) from tables', () => {
    expect(erfc(1)).toBeCloseTo(0.15729920705028513, 14);
    expect(erfc(4) / 1.541725790028002e-8).toBeCloseTo(1, 12);
  });

  test('is within 5e-7 of the exact function from -14 to 14', () => {
    expect(coefficients.length).toBe(8);
    let worst = 0;
    for (let i = -14_000; i <= 14_000; i++)
      worst = Math.max(worst, Math.abs(gelu(round(i / 1000)) - exact(round(i / 1000))));
    expect(worst).toBeLessThan(5e-7);
    expect(worst).toBeGreaterThan(0);
  });

  // What AdamW makes of a gradient near 1e-8 hangs on its relative error, and the derivative is this tail's.
  test('its tail is within 8e-7 of itself up to 5', () => {
    let worst = 0;
    for (let i = 0; i <= 5_000; i++) {
      const a = round(i / 1000);
      worst = Math.max(worst, Math.abs(upperTail(a) / (erfc(a / Math.SQRT2) / 2) - 1));
    }
    expect(worst).toBeLessThan(8e-7);
  });

  test('stays finite and right at the ends of f32', () => {
    for (const x of [1e4, 65504, 1e20, 3.4e38].map(round)) {
      expect(gelu(x)).toBe(x);
      expect(Math.abs(gelu(-x))).toBeLessThan(1e-30);
    }
    expect(gelu(0)).toBe(0);
  });
});

test('spread covers the count within the limit of a dimension, with less than a row to spare', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), count => {
      const [x, y, z] = spread(count);
      expect(Math.max(x, y)).toBeLessThanOrEqual(65535);
      expect(x * y * z).toBeGreaterThanOrEqual(count);
      expect(x * y * z - count).toBeLessThan(y);
    }),
    { seed: 7 },
  );
});

describe('half precision of the tests', () => {
  test('every half survives the round trip', () => {
    const wrong = [];
    for (let h = 0; h < 65536; h++) {
      const x = fromHalf(h);
      const back = toHalf(x);
      if (Number.isNaN(x) ? !Number.isNaN(fromHalf(back)) : back !== h) wrong.push(h);
    }
    expect(wrong).toEqual([]);
  });

  test('rounds to the nearest half, ties to even', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0x7bfe }), fc.double({ min: 0, max: 1, noNaN: true }), (h, part) => {
        const [low, high] = [fromHalf(h), fromHalf(h + 1)];
        const x = Math.fround(low + part * (high - low));
        const middle = (low + high) / 2;
        const expected = x < middle || (x === middle && h % 2 === 0) ? h : h + 1;
        expect([toHalf(x), toHalf(-x)]).toEqual([expected, expected | 0x8000]);
      }),
      { seed: 7 },
    );
    expect([65519, 65520, 1e9].map(toHalf)).toEqual([0x7bff, 0x7c00, 0x7c00]);
  });
});
