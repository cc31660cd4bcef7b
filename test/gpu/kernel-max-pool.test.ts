// max-pool and its gradient, against loops in double precision.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type MaxPoolDims, maxPool } from '../../gpu/kernels/convolution/max-pool.js';
import { maxPoolGradient } from '../../gpu/kernels/convolution/max-pool-gradient.js';
import { normals } from '../numbers.js';
import { expectClose, tolerance } from '../tolerance.js';
import { floats, given, repeatable } from './gradient-harness.js';
import { asStored, getGpu, runKernel, variations } from './harness.js';
import { noise } from './reference-kernels.js';

type Window = Omit<MaxPoolDims, 'outHeight' | 'outWidth'>;

const side = (n: number, { size, stride, padding }: Window) => Math.floor((n + 2 * padding - size) / stride) + 1;
const dimsOf = (w: Window): MaxPoolDims => ({ ...w, outHeight: side(w.height, w), outWidth: side(w.width, w) });

/** Where in x the largest number of each window is: the first of those that are equal, row by row. */
function winners(x: ArrayLike<number>, d: MaxPoolDims): number[] {
  const found: number[] = [];
  for (let b = 0; b < d.batch; b++)
    for (let i = 0; i < d.outHeight; i++)
      for (let j = 0; j < d.outWidth; j++)
        for (let c = 0; c < d.channels; c++) {
          const inside: number[] = [];
          for (let k = 0; k < d.size; k++)
            for (let l = 0; l < d.size; l++) {
              const [row, column] = [i * d.stride - d.padding + k, j * d.stride - d.padding + l];
              if (row >= 0 && row < d.height && column >= 0 && column < d.width)
                inside.push(((b * d.height + row) * d.width + column) * d.channels + c);
            }
          const most = Math.max(...inside.map(at => x[at]!));
          found.push(inside.find(at => x[at] === most)!);
        }
  return found;
}

const cases: Window[] = [
  { batch: 1, height: 2, width: 2, channels: 1, size: 2, stride: 2, padding: 0 },
  { batch: 2, height: 7, width: 5, channels: 3, size: 2, stride: 2, padding: 0 },
  { batch: 1, height: 33, width: 9, channels: 8, size: 2, stride: 2, padding: 0 },
  { batch: 2, height: 9, width: 8, channels: 4, size: 3, stride: 2, padding: 1 },
  { batch: 1, height: 5, width: 6, channels: 5, size: 3, stride: 1, padding: 1 },
  { batch: 1, height: 4, width: 9, channels: 12, size: 2, stride: 3, padding: 1 },
];
const title = '[$batch,$height,$width,$channels], windows of $size, $stride apart, padded by $padding';

describe.each((await variations()).filter(v => v.act === v.weight))('max-pool, $name', ({ gpu, act }) => {
  test.each(cases)(title, async window => {
    const dims = dimsOf(window);
    const x = asStored(normals(dims.batch * dims.height * dims.width * dims.channels), act);
    const expected = winners(x, dims).map(at => x[at]!);
    const [y] = await runKernel(gpu, maxPool(dims, { x: 0, out: 1 }, { act }), [
      { data: x, storage: act },
      { length: expected.length, storage: act },
    ]);
    expect([...y!]).toEqual(expected);
  });
});

describe('max-pool gradient', () => {
  async function check(window: Window, x: Float32Array) {
    const dims = dimsOf(window);
    const at = winners(x, dims);
    const dy = noise(at.length, 2);
    const expected = new Float64Array(x.length);
    at.forEach((place, i) => {
      expected[place]! += dy[i]!;
    });
    const calls = [maxPoolGradient(dims, { x: 0, dy: 1, out: 2 })];
    const [dx] = await repeatable(await getGpu(), calls, [given(x), given(dy), floats(x.length)]);
    expectClose(dx!, expected, tolerance.f32);
  }

  const numbers = ({ batch, height, width, channels }: Window) => noise(batch * height * width * channels, 1);

  test.each(cases)(title, window => check(window, numbers(window)));

  test.each(cases)(`${title}: equal numbers`, window =>
    check(
      window,
      numbers(window).map(v => Math.round(v)),
    ),
  );

  test('any sizes', async () => {
    const window = fc
      .record({ height: fc.integer({ min: 3, max: 12 }), width: fc.integer({ min: 3, max: 12 }) })
      .chain(map =>
        fc.record({
          size: fc.integer({ min: 1, max: 3 }),
          stride: fc.integer({ min: 1, max: 4 }),
          channels: fc.integer({ min: 1, max: 8 }),
          padding: fc.integer({ min: 0, max: 1 }),
          ...{ height: fc.constant(map.height), width: fc.constant(map.width), batch: fc.constant(2) },
        }),
      )
      .filter(({ size, padding }) => 2 * padding <= size);
    await fc.assert(
      fc.asyncProperty(window, window => check(window, numbers(window).map(Math.round))),
      { numRuns: 15 },
    );
  });
});
