// The probability map as a picture: where it reaches a threshold, the mask of that threshold is set.

import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { loadAssembly, upsampleMask } from '../../assembly/index.js';
import { encodeProbability } from '../../node/images/probability-image.js';

const read = async (png: Uint8Array) => {
  const bytes = await sharp(png).toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer();
  return new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
};
/** Noise in 0..1. */
const map = Float32Array.from({ length: 49 }, (_, i) => ((i * i * 31 + i * 7) % 101) / 100);

describe('encodeProbability', () => {
  test.each([
    [7, 7],
    [33, 20],
    [1, 1],
    [5, 64],
    [3, 2],
  ])('%i x %i agrees with the mask of every threshold', async (width, height) => {
    const assembly = await loadAssembly();
    const values = await read(await encodeProbability(map, 7, width, height));
    for (const threshold of [0.1, 0.3, 0.5, 0.77]) {
      const mask = upsampleMask(assembly, map, 7, width, height, { threshold });
      const off = mask.filter((set, i) => {
        const value = values[i]! - threshold * 65535;
        // a value within rounding of the threshold may lie on either side
        return Math.abs(value) > 1 && value > 0 !== (set === 1);
      });
      expect(off).toHaveLength(0);
    }
  });

  test('0 is black and 1 is white, at its own size to the value', async () => {
    expect([...(await read(await encodeProbability(Float32Array.of(0, 1, 0.5, 0.25), 2, 2, 2)))]).toEqual([
      0, 65535, 32768, 16384,
    ]);
  });

  test('wants all of the map', async () => {
    await expect(encodeProbability(map, 8, 4, 4)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: 'encodeProbability: map must hold 8 x 8 values, got 49',
    });
  });
});
