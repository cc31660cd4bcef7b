import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { fromHalf, toHalf } from '../../assembly/half.js';
import { type Assembly, loadAssembly } from '../../assembly/instance.js';

let assembly: Assembly;
beforeAll(async () => {
  assembly = await loadAssembly();
});

/** All 65,536 halves, and their values by the definition: sign, 5 bits of exponent, 10 of mantissa. */
const every = Uint16Array.from({ length: 65536 }, (_, i) => i);
function value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? (1024 + mantissa) * 2 ** (exponent - 25) : mantissa * 2 ** -24);
}

const isNaNBits = (bits: number) => (bits & 0x7c00) === 0x7c00 && (bits & 1023) !== 0;
const one = (x: number) => toHalf(assembly, Float32Array.of(x))[0]!;

/** Round to nearest even, from the definition: the two neighbours among the halves, and the even one of a tie. */
function nearestEven(x: number): number {
  const sign = Object.is(x, -0) || x < 0 ? 0x8000 : 0;
  const a = Math.abs(x);
  if (a >= 65520) return sign | 0x7c00;
  let low = 0;
  let high = 0x7bff;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (value(middle) <= a) low = middle;
    else high = middle - 1;
  }
  const up = low === 0x7bff ? 65536 : value(low + 1);
  const [below, above] = [a - value(low), up - a];
  return sign | (below < above || (below === above && low % 2 === 0) ? low : low + 1);
}

test('every half becomes its value', () => {
  const floats = fromHalf(assembly, every);
  for (const bits of every) {
    if (!Object.is(floats[bits], value(bits))) throw new Error(`${bits.toString(16)}: ${floats[bits]}`);
  }
});

test('every half survives the round trip; NaNs stay NaN with their sign and payload, quieted', () => {
  const back = toHalf(assembly, fromHalf(assembly, every));
  for (const bits of every) {
    const expected = isNaNBits(bits) ? bits | 0x200 : bits;
    if (back[bits] !== expected) throw new Error(`${bits.toString(16)} came back as ${back[bits]!.toString(16)}`);
  }
});

test('the points halfway between neighbours go to the even one, and their neighbours in f32 to the nearer', () => {
  const bits = new Uint32Array(1);
  const float = new Float32Array(bits.buffer);
  const inputs: number[] = [];
  for (let h = 0; h < 0x7c00; h++) {
    float[0] = (value(h) + (h === 0x7bff ? 65536 : value(h + 1))) / 2;
    const middle = bits[0]!;
    for (const delta of [-1, 0, 1]) {
      bits[0] = middle + delta;
      inputs.push(float[0]!, -float[0]!);
    }
  }
  const got = toHalf(assembly, Float32Array.from(inputs));
  for (const [i, x] of inputs.entries()) {
    if (got[i] !== nearestEven(x)) throw new Error(`${x}: ${got[i]!.toString(16)}, not ${nearestEven(x).toString(16)}`);
  }
});

test('any float rounds to nearest even', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true }), x => {
      expect(one(x)).toBe(nearestEven(x));
    }),
    { numRuns: 500 },
  );
});

test('limits', () => {
  const cases: [number, number][] = [
    [65504, 0x7bff],
    [65519.996, 0x7bff],
    [65520, 0x7c00],
    [3.4e38, 0x7c00],
    [Number.NEGATIVE_INFINITY, 0xfc00],
    [2 ** -24, 1],
    [2 ** -25, 0],
    [2 ** -25 * 1.0001, 1],
    [1e-45, 0],
    [-0, 0x8000],
  ];
  for (const [x, bits] of cases) expect([x, one(x)]).toEqual([x, bits]);
  expect(isNaNBits(one(Number.NaN))).toBe(true);
});

test('lengths that are no multiple of a group or a chunk', () => {
  for (const length of [0, 1, 7, 9, 16383, 16385]) {
    const values = Float32Array.from({ length }, (_, i) => i);
    expect(Array.from(toHalf(assembly, values))).toEqual(Array.from(values, nearestEven));
    expect(fromHalf(assembly, toHalf(assembly, values))).toHaveLength(length);
  }
  expect(() => toHalf(assembly, new Float32Array(3), new Uint16Array(2))).toThrow(
    'toHalf: out must hold 3 values, got 2',
  );
});
