// Random streams, augmentation and the sentence that follows its picture.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canSwapSides, swapSides } from '../../language/mirror-words.js';
import { type AugmentSettings, augment, flip, jitter, type Sample, zoom } from '../../train/batch/augment.js';
import { fnv1a64, Random, type RandomState, randomOf, splitMix64 } from '../../train/random.js';

describe('random numbers', () => {
  test('SplitMix64, FNV-1a and xoshiro128** give their published sequences', () => {
    const next = splitMix64(1234567n);
    expect([next(), next(), next()]).toEqual([6457827717110365317n, 3203168211198807973n, 9817491932198370423n]);
    expect(fnv1a64(new TextEncoder().encode('foobar'))).toBe(0x85944171f73967e8n);
    const random = new Random([1, 2, 3, 4]);
    const words = Array.from({ length: 8 }, () => random.word());
    expect(words).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849]);
  });

  test('a stream is its key alone, and goes on from its state', () => {
    expect(randomOf(7, 2, 'a').state).toEqual(randomOf(7, 2, 'a').state);
    const states = [
      randomOf(7, 2, 'a'),
      randomOf(7, 3, 'a'),
      randomOf(8, 2, 'a'),
      randomOf(72, 'a'),
      randomOf('7', 2, 'a'),
    ];
    expect(new Set(states.map(({ state }) => state.join())).size).toBe(5);
    const random = randomOf('resume');
    random.word();
    const resumed = new Random(random.state);
    expect([resumed.word(), resumed.unit()]).toEqual([random.word(), random.unit()]);
  });

  test.each([[[0, 0, 0, 0]], [[1, 2, 3]], [[1, 2, 3, -1]], [[1, 2, 3, 2 ** 32]], [[1.5, 2, 3, 4]]])(
    'no generator from %j',
    state => {
      const message = /state must be four 32-bit words/;
      expect(() => new Random(state as unknown as RandomState)).toThrow(message);
    },
  );

  test('uniform in its range: mean, bounds, every value of below', () => {
    const random = randomOf('uniform');
    const values = Array.from({ length: 20_000 }, () => random.between(2, 6));
    expect(Math.min(...values)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...values)).toBeLessThan(6);
    // standard error of the mean: 4 / sqrt(12 * 20000) = 0.008
    expect(Math.abs(values.reduce((a, b) => a + b) / values.length - 4)).toBeLessThan(0.04);
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 14_000; i++) counts[random.below(7)]++;
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(250);
    expect(() => random.below(0)).toThrow(/count must be an integer in 1\.\.2\^32, got 0/);
    expect([random.chance(0), random.chance(1)]).toEqual([false, true]);
  });

  test('shuffle gives permutations, all of them', () => {
    const random = randomOf('shuffle');
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle(['a', 'b', 'c']).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual(['abc', 'acb', 'bac', 'bca', 'cab', 'cba']);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(180);
  });
});

const side = fc
  .tuple(fc.constantFrom('left', 'right', 'leftmost', 'Rightwards', 'leftward', 'bright', 'lefty', 'o', ''), fc.nat(2))
  .map(([word, form]) => [word, word.toUpperCase(), word.slice(0, 1).toUpperCase() + word.slice(1)][form]!);
const sentence = fc
  .array(fc.oneof(side, fc.string({ unit: 'grapheme', maxLength: 4 }), fc.constantFrom(' ', ', ', '-', '. ')))
  .map(parts => parts.join(''));

describe('sides of a sentence', () => {
  test.each([
    ['one polyp in the left', 'one polyp in the right'],
    ['top LEFT, bottom Right', 'top RIGHT, bottom Left'],
    ['Left-sided; (right)', 'Right-sided; (left)'],
    ['the leftmost, moving rightwards', 'the rightmost, moving leftwards'],
    ['bright lefty copyright left_1 éright', 'bright lefty copyright left_1 éright'],
    ['between left and right', 'between right and left'],
    ['lEFt', 'right'],
    ['leftwardſ', 'rightwards'],
    ['', ''],
  ])('%s → %s', (text, swapped) => expect(swapSides(text)).toBe(swapped));

  test('twice is the sentence itself, in the three cases that are kept', () => {
    fc.assert(
      fc.property(sentence, text => {
        const odd = text.match(/left\w*|right\w*/giu)?.some(w => !/^([a-z]+|[A-Z]+|[A-Z][a-z]+)$/.test(w));
        fc.pre(!odd);
        expect(swapSides(swapSides(text))).toBe(text);
      }),
    );
  });

  test('a clock names sides that no word shows', () => {
    const texts = ["polyp at 3 o'clock", 'at 9 O’CLOCK', '10 oclock', 'left of the image', 'no clocks'];
    expect(texts.map(canSwapSides)).toEqual([false, false, false, true, true]);
  });
});

/** Pictures whose red says what the mask says, so that one can be told from the other. */
const sample: fc.Arbitrary<Sample> = fc
  .tuple(fc.integer({ min: 1, max: 9 }), fc.nat(), sentence)
  .map(([size, seed, text]) => {
    const random = randomOf('sample', seed);
    const mask = Uint8Array.from({ length: size * size }, () => random.below(2));
    const picture = Uint8Array.from({ length: size * size * 3 }, (_, i) =>
      i % 3 === 0 ? 255 * mask[(i / 3) | 0]! : random.below(256),
    );
    return { size, picture, mask, text };
  });

describe('steps', () => {
  test('flip mirrors picture, mask and sentence; twice is the sample itself', () => {
    const picture = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    const flipped = flip({ size: 2, picture, mask: Uint8Array.from([1, 0, 0, 0]), text: 'in the left' });
    expect([...flipped.picture]).toEqual([4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
    expect([...flipped.mask]).toEqual([0, 1, 0, 0]);
    expect(flipped.text).toBe('in the right');
    fc.assert(
      fc.property(sample, s => {
        const twice = flip(flip(s));
        expect(twice.picture).toEqual(s.picture);
        expect(twice.mask).toEqual(s.mask);
      }),
    );
  });

  test('zoom moves mask and picture together: where the red is pure, the mask says the same', () => {
    const factor = fc.double({ min: 0.5, max: 3, noNaN: true });
    fc.assert(
      fc.property(sample, factor, (s, f) => {
        const { picture, mask } = zoom(s, f);
        for (let i = 0; i < mask.length; i++) {
          if (picture[3 * i] === 255) expect(mask[i]).toBe(1);
          if (picture[3 * i] === 0) expect(mask[i]).toBe(0);
        }
      }),
    );
  });

  test('zoom by 1 changes nothing, by 2 shows the middle, by a half repeats the border', () => {
    const grey = (values: number[]) => Uint8Array.from(values.flatMap(x => [x, x, x]));
    const picture = grey([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150]);
    const mask = Uint8Array.from([0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    const s = { size: 4, picture, mask, text: 'x' };
    expect(zoom(s, 1)).toEqual(s);
    const twice = zoom(s, 2);
    expect([...twice.mask]).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1]);
    // centres at 0.75, 1.25, 1.75 and 2.25 along each axis of 40 y + 10 x
    expect(twice.picture[0]).toBe(Math.round(40 * 0.75 + 10 * 0.75));
    expect(twice.picture[(3 * 4 + 1) * 3]).toBe(Math.round(40 * 2.25 + 10 * 1.25));
    const half = zoom(s, 0.5);
    expect([half.picture[0], half.picture[45]]).toEqual([0, 150]);
    expect(() => zoom(s, 0)).toThrow(/factor must be above 0, got 0/);
  });

  test('colours: factors of 1 change nothing, the ends are black, grey and mean grey, the mask stays', () => {
    fc.assert(
      fc.property(sample, s => {
        const to = (brightness: number, contrast: number, saturation: number) =>
          jitter(s, { brightness, contrast, saturation });
        expect(to(1, 1, 1).picture).toEqual(s.picture);
        expect(to(0, 1, 1).picture.every(x => x === 0)).toBe(true);
        expect(new Set(to(1, 0, 1).picture).size).toBe(1);
        const grey = to(1, 1, 0).picture;
        for (let i = 0; i < grey.length; i += 3) expect(new Set(grey.subarray(i, i + 3)).size).toBe(1);
        for (const f of [0.3, 1.7]) expect(to(f, f, f).mask).toBe(s.mask);
        expect(to(1.4, 1, 1).picture).toEqual(s.picture.map(x => Math.min(255, Math.round(x * 1.4))));
      }),
    );
    // by hand: luma of (100, 150, 200) is 140.75, saturation 2 doubles the distances
    const one = { size: 1, picture: Uint8Array.from([100, 150, 200]), mask: Uint8Array.from([1]), text: '' };
    expect([...jitter(one, { brightness: 1, contrast: 1, saturation: 2 }).picture]).toEqual([59, 159, 255]);
  });
});

const settings: AugmentSettings = {
  zoom: { probability: 0.5, min: 0.8, max: 1.4 },
  jitter: { probability: 0.5, brightness: 0.2, contrast: 0.2, saturation: 0.2 },
  flip: { probability: 0.5 },
  text: { none: 0, bare: 0, part: 0, wrong: 0, paraphrase: 0, synonyms: 0, typos: 0 },
};
const still: AugmentSettings = {
  ...settings,
  zoom: { ...settings.zoom, probability: 0 },
  jitter: { ...settings.jitter, probability: 0 },
};

describe('augment', () => {
  const [s] = fc.sample(
    sample.filter(({ size }) => size > 4),
    { numRuns: 1, seed: 3 },
  ) as [Sample];

  test('depends on seed, epoch and record alone', () => {
    const draw = (seed: number, epoch: number, id: string) => JSON.stringify(augment(s, settings, { seed, epoch, id }));
    expect(draw(1, 2, 'a')).toBe(draw(1, 2, 'a'));
    const epochs = Array.from({ length: 8 }, (_, epoch) => draw(1, epoch, 'a'));
    expect(new Set(epochs).size).toBeGreaterThan(3);
    expect(epochs).not.toEqual(Array.from({ length: 8 }, (_, epoch) => draw(2, epoch, 'a')));
    expect(epochs).not.toEqual(Array.from({ length: 8 }, (_, epoch) => draw(1, epoch, 'b')));
  });

  test('switching one step off changes no other', () => {
    const flips = (which: AugmentSettings) =>
      Array.from(
        { length: 200 },
        (_, epoch) => augment({ ...s, text: 'left' }, which, { seed: 5, epoch, id: 'r' }).text,
      );
    expect(flips(still)).toEqual(flips(settings));
    const right = flips(still).filter(text => text === 'right').length;
    expect(right).toBeGreaterThan(70);
    expect(right).toBeLessThan(130);
  });

  test('off is the sample itself, and a clock is never mirrored', () => {
    const draws = Array.from({ length: 40 }, (_, epoch) => ({ seed: 1, epoch, id: 'r' }));
    const off = { ...still, flip: { probability: 0 } };
    for (const draw of draws) expect(augment(s, off, draw)).toBe(s);
    const clock = { ...s, text: "left, at 9 o'clock" };
    for (const draw of draws) expect(augment(clock, { ...still, flip: { probability: 1 } }, draw)).toBe(clock);
  });

  test('arrays of another size are refused', () => {
    const short = { ...s, mask: s.mask.subarray(1) };
    expect(() => augment(short, settings, { seed: 1, epoch: 0, id: 'r' })).toThrow(/a sample of size \d+ must have/);
  });
});
