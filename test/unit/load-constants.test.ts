import { describe, expect, test } from 'vitest';
import { type SafetensorsTensor, tensorOf, toFloat32 } from '../../formats/safetensors/index.js';
import { loadConstants } from '../../formats/weights/load-constants.js';
import { ReusedMemory } from '../../formats/weights/reused-memory.js';
import { builder as b } from '../../graph/builder.js';
import type { Tensor } from '../../graph/graph.js';

describe('ReusedMemory', () => {
  test('arrays come back by their length, empty where zeros are asked for', () => {
    const memory = new ReusedMemory();
    const first = memory.zeros(3);
    first.fill(7);
    expect(memory.zeros(3)).not.toBe(first);
    memory.recycle();
    expect(memory.zeros(2)).toEqual(Float32Array.of(0, 0));
    const again = [memory.zeros(3), memory.zeros(3)];
    expect(again).toContain(first);
    for (const array of again) expect(array).toEqual(new Float32Array(3));
  });

  test('single precision is read in place, anything else copied', () => {
    const memory = new ReusedMemory();
    const own = Float32Array.of(1, 2);
    expect(memory.of(own)).toBe(own);
    expect(memory.of(Float64Array.of(1, 2))).toEqual(own);
    memory.recycle();
    expect(memory.take(2)).not.toBe(own);
  });
});

describe('loadConstants', () => {
  /** Parameters 0, 1, … of two numbers each, in one array that is written anew for each: as a file lends them. */
  async function* lent(count: number): AsyncGenerator<SafetensorsTensor> {
    const memory = new Float32Array(2);
    for (let i = 0; i < count; i++) {
      memory.set([i, 10 * i]);
      yield tensorOf(`${i}`, [2], memory);
    }
    memory.fill(Number.NaN);
  }

  test('what waits for later parameters is computed from what they were', async () => {
    const parameter = (i: number) => b.parameter(`${i}`, [2]);
    const sums: Tensor[] = [b.add(parameter(0), parameter(3)), b.mul(parameter(1), parameter(2)), parameter(4)];
    const constants = new Map(
      sums.map((tensor, i) => [`${i}`, { tensor, ...(tensor.op === 'parameter' ? { direct: '4' } : {}) }]),
    );
    const found = new Map<string, number[]>();
    const asked: (boolean | undefined)[] = [];
    const stream = {
      tensors(borrowed?: boolean) {
        asked.push(borrowed);
        return lent(5);
      },
    };
    await loadConstants('test', constants, stream, (key, _, values) => {
      found.set(key, [...toFloat32(values)]);
    });
    expect(asked).toEqual([true]);
    expect(Object.fromEntries(found)).toEqual({ 0: [3, 30], 1: [2, 200], 2: [4, 40] });
  });

  test('finite weights whose product at load is not finite are refused, with their names', async () => {
    const scaled = b.mul(b.parameter('conv.weight', [2]), b.parameter('bn.weight', [2]));
    const stream = {
      async *tensors() {
        yield tensorOf('conv.weight', [2], Float32Array.of(1, -1e30));
        yield tensorOf('bn.weight', [2], Float32Array.of(1, 1e10));
      },
    };
    await expect(loadConstants('test', new Map([['0', { tensor: scaled }]]), stream, () => {})).rejects.toMatchObject({
      code: 'MODEL_NOT_FINITE',
      message:
        'test: what weights make at load must be finite, got -Infinity of conv.weight, bn.weight; train or convert the model again',
    });
  });
});
