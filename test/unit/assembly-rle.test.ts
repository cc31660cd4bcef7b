import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countsToMask, countsToText, decodeRle, encodeRle, maskToCounts, textToCounts } from '../../assembly/rle.js';
import fixture from '../fixtures/rle.json';

const masks = fc
  .record({ width: fc.integer({ min: 1, max: 140 }), height: fc.integer({ min: 1, max: 40 }) })
  .chain(({ width, height }) =>
    fc
      .uint8Array({ minLength: width * height, maxLength: width * height, max: 1 })
      .map(mask => ({ width, height, mask })),
  );

describe('run lengths', () => {
  test.each(fixture)("are pycocotools' ($height x $width)", ({ height, width, mask, counts }) => {
    const pixels = Uint8Array.from(mask, Number);
    expect(encodeRle(pixels, width, height)).toEqual({ size: [height, width], counts });
    expect(decodeRle({ size: [height, width], counts })).toEqual(pixels);
  });

  test('run down the columns, zeros first', () => {
    // 1 0 1
    // 1 0 0
    const counts = maskToCounts(Uint8Array.of(1, 0, 9, 1, 0, 0), 3, 2);
    expect(counts).toEqual(Int32Array.of(0, 2, 2, 1, 1));
    expect(countsToMask(counts, 3, 2)).toEqual(Uint8Array.of(1, 0, 1, 1, 0, 0));
  });

  test('come back for any mask', () => {
    fc.assert(
      fc.property(masks, ({ width, height, mask }) => {
        expect(decodeRle(encodeRle(mask, width, height))).toEqual(mask);
      }),
    );
  });

  test('come back as text for any lengths', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 2 ** 31 - 1 })), counts => {
        expect(Array.from(textToCounts(countsToText(counts)))).toEqual(counts);
      }),
    );
  });
});

describe('what is no such encoding', () => {
  test.each([
    ['0"', 'got """ at 1'],
    ['0q', 'got "q" at 1'],
    ['P', 'got its end within a number'],
    ['PPPPPPPP0', 'got "P" at 7'],
    ['@', 'got "@" at 0'],
  ])('%j', (counts, message) => {
    expect(() => textToCounts(counts)).toThrow(`decodeRle: counts must be COCO's compressed text, ${message}`);
  });

  test('lengths that do not fill the mask', () => {
    expect(() => countsToMask([1, 2], 2, 2)).toThrow('sum to 2 x 2, got a sum of 3');
    expect(() => countsToMask([-1, 5], 2, 2)).toThrow('not negative');
    expect(() => countsToMask([0.5, 3.5], 2, 2)).toThrow('must be whole');
    expect(() => encodeRle(new Uint8Array(3), 2, 2)).toThrow('encodeRle: mask must hold 2 x 2 bytes, got 3');
  });
});
