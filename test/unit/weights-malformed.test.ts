import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../errors/index.js';
import { checkFinite, checkTensors } from '../../formats/model-folder/index.js';
import {
  encodeSafetensors,
  parseHeader,
  type SafetensorsDType,
  type SafetensorsTensor,
  tensorOf,
} from '../../formats/safetensors/index.js';
import { checkScales } from '../../formats/weights/int8.js';
import { failure } from './raw-safetensors.js';

const headerOf = (tensors: SafetensorsTensor[]) => {
  const bytes = encodeSafetensors(tensors);
  return parseHeader(bytes, bytes.length, 'm');
};
const float = (name: string, shape: number[]) =>
  tensorOf(name, shape, new Float32Array(shape.reduce((n, d) => n * d, 1)));
const as = (dtype: SafetensorsDType, name: string, count: number, width: number): SafetensorsTensor => ({
  name,
  dtype,
  shape: [count],
  bytes: new Uint8Array(count * width),
});

describe('checkTensors', () => {
  const expected = new Map<string, readonly number[]>([
    ['fc.weight', [4, 2]],
    ['fc.bias', [4]],
    ['conv.weight', [6, 1, 3, 5]],
  ]);
  const good = () => [float('fc.weight', [4, 2]), float('fc.bias', [4]), float('conv.weight', [6, 1, 3, 5])];
  const replaced = (tensor: SafetensorsTensor) => good().map(t => (t.name === tensor.name ? tensor : t));
  const whole = (name: string, shape: number[]) =>
    tensorOf(name, shape, new Int8Array(shape.reduce((n, d) => n * d, 1)));
  const int8 = (scale: SafetensorsTensor) => [...replaced(whole('fc.weight', [4, 2])), scale];
  const check = (tensors: SafetensorsTensor[]) => checkTensors(headerOf(tensors), expected, 'm/model.safetensors');

  test('accepts the network`s parameters, in F16, BF16 and int8 too, and PyTorch`s counters', () => {
    check(good());
    check(replaced(as('F16', 'fc.bias', 4, 2)));
    check(replaced(as('BF16', 'fc.bias', 4, 2)));
    check(int8(float('fc.weight.scale', [4])));
    check([...good(), as('I64', 'bn.num_batches_tracked', 1, 8)]);
  });

  const cases: [name: string, tensors: SafetensorsTensor[], code: ErrorCode, says: string][] = [
    [
      'one missing',
      good().slice(1),
      'MODEL_INCOMPLETE',
      'all 3 parameters must be there, got 1 missing: "fc.weight"; use a complete checkpoint',
    ],
    ['two missing', good().slice(2), 'MODEL_INCOMPLETE', 'got 2 missing: "fc.weight", "fc.bias"'],
    ['nothing at all', [], 'MODEL_INCOMPLETE', 'got 3 missing: "fc.weight", "fc.bias", "conv.weight"; use a complete'],
    [
      'another architecture',
      [float('vit.cls_token', [4])],
      'MODEL_INCOMPLETE',
      'none of its 1 tensors ("vit.cls_token", …) is known: this is another architecture',
    ],
    [
      'one extra',
      [...good(), float('head.x', [1])],
      'MODEL_MISMATCH',
      'no other tensors may be there, got 1 extra: "head.x"',
    ],
    [
      'an extra that looks like a counter',
      [...good(), float('x.num_batches_tracked.y', [])],
      'MODEL_MISMATCH',
      'got 1 extra',
    ],
    [
      'transposed',
      replaced(float('fc.weight', [2, 4])),
      'MODEL_MISMATCH',
      'tensor "fc.weight" must be [4,2], got [2,4] (looks transposed)',
    ],
    [
      'channels last',
      replaced(float('conv.weight', [3, 5, 1, 6])),
      'MODEL_MISMATCH',
      'must be [6,1,3,5], got [3,5,1,6] (looks transposed)',
    ],
    [
      'another size',
      replaced(float('fc.weight', [4, 3])),
      'MODEL_MISMATCH',
      'tensor "fc.weight" must be [4,2], got [4,3]; use',
    ],
    [
      'another rank',
      replaced(float('fc.bias', [4, 1])),
      'MODEL_MISMATCH',
      'tensor "fc.bias" must be [4], got [4,1]; use',
    ],
    [
      'two wrong shapes',
      [float('fc.weight', [2, 4]), float('fc.bias', [5]), good()[2]!],
      'MODEL_MISMATCH',
      '(looks transposed); tensor "fc.bias" must be [4], got [5]',
    ],
    [
      'F64',
      replaced(as('F64', 'fc.bias', 4, 8)),
      'MODEL_MISMATCH',
      'tensor "fc.bias" must be F32, F16, BF16, I8, got F64',
    ],
    [
      'I32',
      replaced(as('I32', 'fc.bias', 4, 4)),
      'MODEL_MISMATCH',
      'tensor "fc.bias" must be F32, F16, BF16, I8, got I32',
    ],
    [
      'int8 without its scales',
      replaced(whole('fc.weight', [4, 2])),
      'MODEL_INCOMPLETE',
      'got 1 missing: "fc.weight.scale"',
    ],
    [
      'scales without their int8 weight',
      [...good().slice(1), float('fc.weight.scale', [4])],
      'MODEL_INCOMPLETE',
      'got 1 missing: "fc.weight"',
    ],
    ['scales beside a float weight', [...good(), float('fc.weight.scale', [4])], 'MODEL_MISMATCH', '"fc.weight.scale"'],
    [
      'scales of the input channels',
      int8(float('fc.weight.scale', [2])),
      'MODEL_MISMATCH',
      'tensor "fc.weight.scale" must be [4], got [2]',
    ],
    [
      'scales of another rank',
      int8(float('fc.weight.scale', [4, 1])),
      'MODEL_MISMATCH',
      'tensor "fc.weight.scale" must be [4], got [4,1]',
    ],
    ['one scale for all', int8(float('fc.weight.scale', [])), 'MODEL_MISMATCH', 'must be [4], got []'],
    [
      'scales in half precision',
      int8(as('F16', 'fc.weight.scale', 4, 2)),
      'MODEL_MISMATCH',
      'tensor "fc.weight.scale" must be F32, got F16',
    ],
    [
      'int8 scales',
      int8(as('I8', 'fc.weight.scale', 4, 1)),
      'MODEL_MISMATCH',
      'tensor "fc.weight.scale" must be F32, got I8',
    ],
    [
      'int8 weights transposed',
      [...replaced(whole('fc.weight', [2, 4])), float('fc.weight.scale', [4])],
      'MODEL_MISMATCH',
      'tensor "fc.weight" must be [4,2], got [2,4] (looks transposed)',
    ],
    ['bytes without a sign', replaced(as('U8', 'fc.bias', 4, 1)), 'MODEL_MISMATCH', 'BF16, I8, got U8'],
  ];
  test.each(cases)('%s', async (_, tensors, code, says) => {
    const error = await failure(code, () => check(tensors));
    expect(error.message).toContain('checkTensors: m/model.safetensors: ');
    expect(error.message).toContain(says);
  });
});

describe('checkFinite', () => {
  const bits = (dtype: SafetensorsDType, words: Uint16Array | Uint32Array): SafetensorsTensor => ({
    ...tensorOf('w', [words.length], words),
    dtype,
  });

  test('accepts every finite pattern of 16 bits, zeros, subnormals and extremes of 32', () => {
    const patterns = Array.from({ length: 65536 }, (_, i) => i);
    checkFinite('w', bits('F16', Uint16Array.from(patterns.filter(h => (h & 0x7c00) !== 0x7c00))));
    checkFinite('w', bits('BF16', Uint16Array.from(patterns.filter(h => (h & 0x7f80) !== 0x7f80))));
    checkFinite('w', bits('F32', Uint32Array.of(0, 0x80000000, 1, 0x7f7fffff, 0xff7fffff, 0x00800000)));
    checkFinite('w', tensorOf('w', [0], new Float32Array(0)));
    checkFinite('ids', tensorOf('ids', [1], Int32Array.of(-1)));
  });

  const cases: [name: string, tensor: SafetensorsTensor, says: string][] = [
    [
      'NaN',
      tensorOf('w', [3], Float32Array.of(0, 1, Number.NaN)),
      'tensor "w": weights must be finite, got NaN at index 2 (F32)',
    ],
    ['Infinity', tensorOf('w', [2], Float32Array.of(Infinity, 1)), 'got Infinity at index 0 (F32)'],
    ['-Infinity', tensorOf('w', [2], Float32Array.of(0, -Infinity)), 'got -Infinity at index 1 (F32)'],
    ['a signalling NaN', bits('F32', Uint32Array.of(0x7f800001)), 'got NaN at index 0 (F32)'],
    ['a negative NaN', bits('F32', Uint32Array.of(0, 0xffffffff)), 'got NaN at index 1 (F32)'],
    ['an F16 infinity', bits('F16', Uint16Array.of(0x7bff, 0x7c00)), 'got Infinity at index 1 (F16)'],
    ['an F16 NaN', bits('F16', Uint16Array.of(0xfc01)), 'got NaN at index 0 (F16)'],
    ['a BF16 infinity', bits('BF16', Uint16Array.of(0, 0xff80)), 'got -Infinity at index 1 (BF16)'],
  ];
  test.each(cases)('%s', async (_, tensor, says) => {
    const error = await failure('MODEL_NOT_FINITE', () => checkFinite('w', tensor));
    expect(error.message).toContain(says);
  });

  test.each<[string, SafetensorsTensor]>([
    ['F32', tensorOf('bn.running_var', [3], Float32Array.of(1, -1e-6, 0))],
    ['BF16', bits('BF16', Uint16Array.of(0x3f80, 0xbf80))],
    ['F16', bits('F16', Uint16Array.of(0x3c00, 0x8001))],
  ])('a variance below zero is refused in %s, since with epsilon it may look like one', async (_, tensor) => {
    checkFinite('bn.weight', tensor);
    const error = await failure('MODEL_NOT_FINITE', () => checkFinite('bn.running_var', tensor));
    expect(error.message).toMatch(/tensor "bn.running_var": variances must not be negative, got -\S+ at index 1;/);
  });

  test('a variance of zero is one', () => {
    checkFinite('bn.running_var', tensorOf('bn.running_var', [3], Float32Array.of(0, -0, 1)));
  });

  test('finds it in memory that is not aligned', async () => {
    const shifted = new Uint8Array(9);
    shifted.set(tensorOf('w', [2], Float32Array.of(1, Number.NaN)).bytes, 1);
    await failure('MODEL_NOT_FINITE', () => checkFinite('w', { dtype: 'F32', bytes: shifted.subarray(1) }));
  });
});

describe('checkScales', () => {
  const scales = (...values: number[]) => tensorOf('w.scale', [values.length], Float32Array.from(values));
  const cases: [name: string, tensor: SafetensorsTensor, says: string][] = [
    ['a zero', scales(1, 0), 'tensor "w.scale": scales of int8 weights must be positive numbers, got 0 at index 1'],
    ['a NaN', scales(Number.NaN), 'got NaN at index 0'],
    ['an infinity', scales(1, 2, Infinity), 'got Infinity at index 2'],
    ['a negative one', scales(-1e-3), 'got -0.001'],
  ];
  test.each(cases)('%s', async (_, tensor, says) => {
    const error = await failure('MODEL_NOT_FINITE', () => checkScales(tensor));
    expect(error.message).toContain(says);
  });
  test('gives what is right', () => {
    expect([...checkScales(scales(1e-30, 2))]).toEqual([Math.fround(1e-30), 2]);
  });
});
