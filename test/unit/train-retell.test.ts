// Sentences as augmentation: what an epoch tells of a picture is true of it, and is the same for the same draw.

import { beforeAll, describe, expect, test } from 'vitest';
import { type Assembly, findRegions, loadAssembly } from '../../assembly/index.js';
import { readCaption } from '../../language/captions/index.js';
import {
  type AugmentSettings,
  augment,
  flip,
  type Sample,
  type TextSettings,
  zoom,
} from '../../train/batch/augment.js';
import { hourOf, type LesionsOf, SPECK, untrueOf } from '../../train/batch/lesions.js';
import { mistype, retell } from '../../train/batch/retell.js';
import { randomOf } from '../../train/random.js';

let assembly: Assembly;
beforeAll(async () => {
  assembly = await loadAssembly();
});
const lesionsOf: LesionsOf = (mask, size) => findRegions(assembly, mask, size, size, { minArea: SPECK });

const SIZE = 64;
/** Discs of a radius about a middle, in sides of the picture. */
function scene(text: string, ...discs: readonly (readonly [x: number, y: number, radius: number])[]): Sample {
  const mask = Uint8Array.from({ length: SIZE * SIZE }, (_, i) => {
    const [x, y] = [((i % SIZE) + 0.5) / SIZE, (Math.floor(i / SIZE) + 0.5) / SIZE];
    return discs.some(([a, b, radius]) => Math.hypot(x - a, y - b) <= radius) ? 1 : 0;
  });
  return { size: SIZE, picture: new Uint8Array(SIZE * SIZE * 3), mask, text };
}

const TEXT = 'one small pink oval polyp, located in top left of the image';
const NOTHING: TextSettings = { none: 0, bare: 0, part: 0, wrong: 0, paraphrase: 0, synonyms: 0, typos: 0 };
const sample = scene(TEXT, [0.2, 0.2, 0.1]);

interface Asked {
  readonly before?: Sample;
  readonly after?: Sample;
  readonly other?: string | null;
  readonly count?: number;
}

/** The texts of many epochs, those drawn alone. */
function told(
  settings: Partial<TextSettings>,
  { before = sample, after = before, other = null, count = 400 }: Asked = {},
) {
  const draw = (epoch: number) => ({ seed: 3, epoch, id: 'r' });
  const around = { lesionsOf, other };
  return Array.from(
    { length: count },
    (_, epoch) => retell(before, after, { ...NOTHING, ...settings }, draw(epoch), around)[0]!,
  );
}
const share = (texts: readonly string[], of: (text: string) => boolean) => texts.filter(of).length / texts.length;

describe('how much is told', () => {
  test('nothing asked for is the caption itself', () => expect(new Set(told({}))).toEqual(new Set([TEXT])));

  test('shares of nothing, of the class word, of parts, and the rest whole', () => {
    const texts = told({ none: 0.2, bare: 0.1, part: 0.4 }, { count: 4000 });
    expect(share(texts, text => text === '')).toBeCloseTo(0.2, 1);
    expect(share(texts, text => text === 'polyp')).toBeCloseTo(0.1, 1);
    expect(share(texts, text => text === TEXT)).toBeCloseTo(0.3, 1);
  });

  test('a part is each attribute alone, and every number of them', () => {
    const texts = new Set(told({ part: 1 }, { count: 4000 }));
    // the subsets of five attributes but none and all
    expect(texts.size).toBe(2 ** 5 - 2);
    for (const text of [
      'one polyp',
      'small polyp',
      'pink polyp',
      'oval polyp',
      'polyp, located in top left of the image',
      'one small pink oval polyp',
    ])
      expect(texts).toContain(text);
    expect(new Set(told({ part: 1 }, { before: scene('round polyp', [0.5, 0.5, 0.1]) }))).toEqual(new Set(['polyp']));
  });

  test('a caption in unknown words stays whole, but may be left out', () => {
    const unknown = scene('a strange thing on the left', [0.2, 0.5, 0.1]);
    const texts = told({ none: 0.3, bare: 0.3, part: 0.4, paraphrase: 1, typos: 1 }, { before: unknown });
    expect(new Set(texts)).toEqual(new Set(['', unknown.text]));
  });

  test('shorter ones stand in for what a network cannot take', () => {
    const around = { lesionsOf, other: null };
    const texts = retell(
      sample,
      sample,
      { ...NOTHING, paraphrase: 1, synonyms: 1 },
      { seed: 1, epoch: 1, id: 'r' },
      around,
    );
    expect(texts.slice(1)).toEqual([TEXT, 'polyp']);
  });
});

describe('in what words', () => {
  test('paraphrases, words of the same meaning and slips of the keyboard, each by its probability', () => {
    expect(share(told({ paraphrase: 0.5 }, { count: 2000 }), text => text === TEXT)).toBeCloseTo(0.5, 1);
    for (const text of told({ synonyms: 1 }))
      expect(text).toMatch(/^one (little|small-sized) pinkish oval polyp, located in /);
    const typed = told({ typos: 0.4 }, { count: 2000 });
    expect(share(typed, text => text !== TEXT)).toBeCloseTo(0.4, 1);
    for (const text of typed) expect(Math.abs(text.length - TEXT.length)).toBeLessThan(2);
  });

  test('a slip changes one word, and no short one', () => {
    const random = randomOf('typos');
    for (let i = 0; i < 200; i++) {
      const words = mistype('a big red polyp at top', random).split(' ');
      expect([...words.slice(0, 3), ...words.slice(4)]).toEqual(['a', 'big', 'red', 'at', 'top']);
      expect(words[3]).toMatch(/^p[olyp]{3,5}$/);
    }
    expect(mistype('a b', random)).toBe('a b');
  });

  test('the hour is that of the picture', () => {
    const texts = told({ paraphrase: 1, synonyms: 1 }, { count: 800 });
    const hours = texts.flatMap(text => /at (\d+) o'clock/.exec(text)?.[1] ?? []);
    expect(new Set(hours)).toEqual(new Set([String(hourOf(lesionsOf(sample.mask, SIZE), SIZE))]));
  });
});

test('hours go round the clock, and the middle and two lesions have none', () => {
  const at = (...discs: [number, number, number][]) => hourOf(lesionsOf(scene('', ...discs).mask, SIZE), SIZE);
  const hours = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11].map(hour => {
    const angle = (hour / 12) * 2 * Math.PI;
    return at([0.5 + 0.35 * Math.sin(angle), 0.5 - 0.35 * Math.cos(angle), 0.08]);
  });
  expect(hours).toEqual([12, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  expect([at([0.5, 0.5, 0.2]), at([0.2, 0.2, 0.1], [0.8, 0.8, 0.1])]).toEqual([null, null]);
});

describe('a zoom', () => {
  const finding = readCaption(TEXT)!;
  const untrue = (before: Sample, after: Sample) =>
    untrueOf(readCaption(before.text) ?? finding, lesionsOf(before.mask, SIZE), lesionsOf(after.mask, SIZE), SIZE);

  test.each<[string, Sample, number, string[]]>([
    ['leaves a lesion where it is', sample, 1.1, []],
    ['pushes it into another ninth', scene(TEXT, [0.4, 0.4, 0.05]), 2, ['place']],
    ['makes it larger than its word', scene(TEXT, [0.5, 0.5, 0.15]), 1.3, ['size']],
    ['loses one of two', scene(TEXT, [0.5, 0.5, 0.1], [0.06, 0.06, 0.05]), 1.4, ['count', 'extent', 'size', 'place']],
    ['moves a lung with its lesion', scene('pulmonary infection, upper left lung.', [0.4, 0.4, 0.05]), 2, []],
  ])('%s', (_, before, factor, lost) => {
    const after = zoom(before, factor);
    expect(untrue(before, after)).toEqual(lost);
    expect(untrue(before, flip(after))).toEqual(lost);
  });

  test('what it has made untrue is left out of every text, the whole one too', () => {
    const before = scene('one small pink oval polyp, located in center of the image', [0.4, 0.4, 0.1]);
    const after = zoom(before, 2);
    const texts = told({ part: 0.5, paraphrase: 0.5, synonyms: 0.5 }, { before, after });
    for (const text of texts) expect(text).not.toMatch(/cent|middle/);
    expect(told({}, { before, after })).toContain('one pink oval polyp');
  });
});

describe('wrong sentences', () => {
  test("are another record's, or its own with the sides swapped", () => {
    const other = 'two large white round polyp, located in bottom of the image';
    const texts = told({ wrong: 0.5 }, { other, count: 2000 });
    const swapped = TEXT.replace('left', 'right');
    expect(new Set(texts)).toEqual(new Set([TEXT, other, swapped]));
    expect(share(texts, text => text === TEXT)).toBeCloseTo(0.5, 1);
    expect(share(texts, text => text === other)).toBeCloseTo(0.25, 1);
    expect(new Set(told({ wrong: 1 }))).toEqual(new Set([swapped]));
  });
});

test('augmented and retold: sides are those of the picture, and a draw is its seed, epoch and record', () => {
  const text: TextSettings = { ...NOTHING, part: 0.5, paraphrase: 0.5, synonyms: 0.5 };
  const settings: AugmentSettings = {
    zoom: { probability: 0.5, min: 0.9, max: 1.2 },
    jitter: { probability: 0, brightness: 0, contrast: 0, saturation: 0 },
    flip: { probability: 0.5 },
    text,
  };
  const epochs = (seed: number, id: string) =>
    Array.from({ length: 200 }, (_, epoch) => {
      const draw = { seed, epoch, id };
      const seen = augment(sample, settings, draw);
      const [drawn] = retell(sample, seen, text, draw, { lesionsOf, other: null });
      const [lesion] = lesionsOf(seen.mask, SIZE);
      const onLeft = lesion!.box[0] + lesion!.box[2] / 2 < SIZE / 2;
      expect(drawn).not.toMatch(onLeft ? /right|at [12] o'clock/ : /left|at 1[01] o'clock/);
      return drawn;
    });
  expect(epochs(1, 'a')).toEqual(epochs(1, 'a'));
  expect(epochs(1, 'a')).not.toEqual(epochs(2, 'a'));
  expect(epochs(1, 'a')).not.toEqual(epochs(1, 'b'));
});
