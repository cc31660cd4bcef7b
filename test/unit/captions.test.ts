// Captions: what they say, and how it can be said otherwise.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ATTRIBUTES, type Finding, keep, saidOf, without } from '../../language/captions/finding.js';
import { clinical, paraphrase } from '../../language/captions/held-out.js';
import { readCaption, writeCaption } from '../../language/captions/index.js';
import { sayAsCaption, sayOtherwise } from '../../language/captions/wordings.js';
import { swapSides } from '../../language/mirror-words.js';
import { randomOf } from '../../train/random.js';

const read = (text: string): Finding => readCaption(text)!;
const POLYP = 'one small pink oval polyp, located in top left of the image';
const LUNGS = 'bilateral pulmonary infection, two infected areas, all left lung and upper lower right lung.';

const CAPTIONS = [
  POLYP,
  'three small, medium brown toe polyp, located in top left, top left, right of the image',
  'ten small white circle polyp, located in top right, top left, center of the image',
  'one medium white it is a triangular shape polyp, located in bottom of the image',
  'one small brown middle of ear polyp, located in center of the image',
  'medium yellow a large bone polyp',
  'two large polyps',
  'it is round polyp',
  'polyp',
  'polyp, located in right of the image',
  LUNGS,
  'unilateral pulmonary infection, one infected area, lower right lung.',
  'pulmonary infection.',
  'one small red round non-neoplastic polyp, located in left of the image',
];

describe('reading', () => {
  test('every attribute is told from its neighbours', () => {
    expect(read(POLYP)).toEqual({
      ...{ subject: 'polyp', noun: 'polyp', count: 1, extent: null },
      ...{ size: ['small'], colour: 'pink', shape: 'oval', place: ['top left'] },
    });
    expect(read('two small, medium white large polyp, located in top, right of the image')).toMatchObject({
      ...{ count: 2, size: ['small', 'medium'], colour: 'white', shape: 'large', place: ['top', 'right'] },
    });
    expect(read(LUNGS)).toEqual({
      ...{ subject: 'lung', noun: 'pulmonary infection', count: 2, extent: 'bilateral' },
      ...{ size: [], colour: null, shape: null },
      place: [
        { zones: ['all'], side: 'left' },
        { zones: ['upper', 'lower'], side: 'right' },
      ],
    });
  });

  test.each(CAPTIONS)('and written again: %s', text => expect(writeCaption(read(text))).toBe(text));

  test('the kind of a polyp is part of its name', () => {
    const finding = read('two large red irregular non-neoplastic polyps, located in left of the image');
    expect(finding).toMatchObject({ noun: 'non-neoplastic polyps', shape: 'irregular', colour: 'red' });
    expect(writeCaption(keep(finding, []))).toBe('non-neoplastic polyps');
    const texts = drawn(finding);
    for (const text of texts) expect(text).toMatch(/non-neoplastic polyps/);
    for (const text of texts) expect(text).not.toMatch(/irregular-shaped/);
  });

  test('capitals, spaces and a missing full stop do not matter', () => {
    expect(read('  One SMALL  pink oval\npolyp, located in Top Left of the image ')).toEqual(read(POLYP));
    expect(read('Bilateral pulmonary infection, two infected areas, all left lung and upper lower right lung')).toEqual(
      read(LUNGS),
    );
  });

  // What was left out of these could turn their meaning.
  test.each([
    'no polyp',
    'one small polyp without bleeding polyp',
    'one white previous polyp',
    'one small polyp removed polyp, located in left of the image',
    'suspicious polyp',
    'a polyp in the left of the image',
    'one small polyp, located in left of the colon',
    'one small polyp, located in left of the image and one in the right',
    'thirteen small polyp',
    'pulmonary infection, upper heart lung.',
    '',
  ])('a sentence in other words is not read: %s', text => expect(readCaption(text)).toBeNull());
});

test.skipIf(!existsSync('../shared/data'))('every caption of the published data sets is read and written again', () => {
  for (const [set, count] of [
    ['kvasir-seg', 1000],
    ['qata-cov19', 700],
  ] as const) {
    const { records } = JSON.parse(readFileSync(`../shared/data/${set}/dataset.json`, 'utf8'));
    expect(records).toHaveLength(count);
    for (const { text, prompts = {} } of records) {
      for (const caption of [text, ...Object.values<string>(prompts)]) {
        const finding = readCaption(caption);
        expect([caption, finding && writeCaption(finding)]).toEqual([caption, caption]);
      }
    }
  }
});

test('attributes are kept and left out, each for itself', () => {
  const finding = read(POLYP);
  expect(saidOf(finding)).toEqual(['count', 'size', 'colour', 'shape', 'place']);
  expect(saidOf(read(LUNGS))).toEqual(['count', 'extent', 'place']);
  for (const attribute of ATTRIBUTES) {
    expect(saidOf(keep(finding, [attribute]))).toEqual(attribute === 'extent' ? [] : [attribute]);
    expect(saidOf(without(finding, [attribute]))).toEqual(saidOf(finding).filter(said => said !== attribute));
  }
  expect(writeCaption(keep(finding, ['place']))).toBe('polyp, located in top left of the image');
  expect(writeCaption(keep(read(LUNGS), ['count']))).toBe('pulmonary infection, two infected areas.');
  expect(writeCaption(keep(finding, []))).toBe('polyp');
});

/** Texts as training draws them. @param vary probability that a word gives way to another */
function drawn(finding: Finding, { vary = 0.5, hour = null as number | null, count = 400 } = {}): string[] {
  const random = randomOf('wordings');
  const saying = {
    choose: <T>(options: readonly T[]) => options[random.below(options.length)]!,
    vary: () => random.chance(vary),
    hour,
  };
  return Array.from({ length: count }, () => sayOtherwise(finding, saying));
}

const SIDES = /\b(?:left|right)\b/g;

describe('other wordings', () => {
  test('are many, and say each attribute once', () => {
    const texts = drawn(read(POLYP));
    expect(new Set(texts).size).toBeGreaterThan(100);
    for (const text of texts) {
      expect(text).toMatch(/\b(?:small|little|small-sized)\b/);
      expect(text).toMatch(/\bpink(?:ish)?\b/);
      expect(text).toMatch(/\bov(?:al|oid)\b/);
      expect(text).toMatch(/\bpolyp\b/);
      expect(text.match(SIDES)).toEqual(['left']);
      expect(text).toMatch(/\b(?:top|upper)\b/);
      expect(text).not.toMatch(/undefined|null| {2}| [.,;:]|, *,|\.\.|, *\./);
    }
  });

  test('say nothing that was not said', () => {
    const words = /small|little|pink|oval|ovoid|left|right|top|upper|one|two/;
    for (const text of drawn(keep(read(POLYP), []))) expect(text).not.toMatch(words);
    for (const text of drawn(keep(read(POLYP), ['colour']))) expect(text.replace(/pink(ish)?/, '')).not.toMatch(words);
    for (const text of drawn(keep(read(LUNGS), ['extent']))) expect(text).not.toMatch(/left|right|area|upper/);
  });

  test('follow number and sound', () => {
    const two = drawn(read('two large orange heart polyp, located in top, right of the image'));
    for (const text of two) {
      expect(text).toMatch(/\bpolyps\b/);
      expect(text).toMatch(/\bheart-shaped\b/);
      expect(text).not.toMatch(/\bis\b|\ba (?:large|big)/);
    }
    const vowels = drawn(read('orange polyp')).filter(text => /\ba[n]? /.test(text));
    expect(vowels.length).toBeGreaterThan(0);
    for (const text of vowels) expect(text).toMatch(/\ban orange/);
  });

  test('name an hour only where one is known, and then a side or the hour', () => {
    const texts = drawn(read(POLYP), { hour: 10 });
    expect(texts.some(text => /at 10 o'clock/.test(text))).toBe(true);
    for (const text of texts) expect(/left/.test(text)).toBe(!/o'clock/.test(text));
    expect(drawn(read(POLYP)).join()).not.toMatch(/o'clock/);
    expect(drawn(read('two polyp, located in left, right of the image'), { hour: 9 }).join()).not.toMatch(/o'clock/);
    expect(drawn(keep(read(POLYP), ['size']), { hour: 9 }).join()).not.toMatch(/o'clock/);
  });

  test('lungs keep their sides and zones apart', () => {
    for (const text of drawn(read(LUNGS))) {
      expect(text.match(SIDES)).toEqual(['left', 'right']);
      expect(text).toMatch(/(?:all|whole|entire) left lung.*(?:upper.*lower.*right|right.*upper.*lower)/);
      expect(text).not.toMatch(/undefined|null| {2}| [.,;:]/);
    }
  });

  test('a caption whose words alone give way stays one', () => {
    const always = { choose: <T>(options: readonly T[]) => options[0]!, vary: () => true, hour: 10 };
    expect(sayAsCaption(read(POLYP), always)).toBe('one little pinkish oval polyp, located in upper left of the image');
    expect(sayAsCaption(read(LUNGS), always)).toBe(LUNGS);
  });
});

describe('wordings for evaluation', () => {
  test('say all that is known in sentences of their own', () => {
    expect(paraphrase(read(POLYP))).toBe('There is a small pink oval-shaped polyp at the top left.');
    expect(clinical(read(POLYP))).toBe(
      'Colonoscopy reveals a small pink oval polypoid lesion in the left upper quadrant.',
    );
    const two = read('two small, medium white circle polyp, located in top, top, center of the image');
    expect(paraphrase(two)).toBe(
      'There are two small and medium white circular-shaped polyps at the top and the center.',
    );
    expect(clinical(two)).toMatch(/reveals two .* polypoid lesions in the upper third and the central third\.$/);
    expect(paraphrase(read(LUNGS))).toBe(
      'There is an infection of both lungs, in two areas: the all left lung and the upper lower right lung.',
    );
    expect(clinical(read(LUNGS))).toBe(
      'Opacities consistent with pneumonia, all left zones; right upper and lower zones.',
    );
    expect([paraphrase(read('polyp')), clinical(read('polyp'))]).toEqual([
      'There is a polyp.',
      'Colonoscopy reveals a polypoid lesion.',
    ]);
  });

  test('are never drawn in training', () => {
    for (const text of CAPTIONS) {
      const finding = read(text);
      const seen = drawn(finding, { hour: 10, count: 300 }).map(each => each.toLowerCase());
      for (const held of [paraphrase(finding), clinical(finding)]) expect(seen).not.toContain(held.toLowerCase());
      expect(seen.join()).not.toMatch(/there (?:is|are)|at the|reveals|polypoid|quadrant|third|opacities|pneumonia/);
    }
  });

  test('a mirrored picture has the mirrored sentence', () => {
    const mirrored = read(swapSides(POLYP));
    expect(paraphrase(mirrored)).toBe(swapSides(paraphrase(read(POLYP))));
    expect(clinical(mirrored)).toBe(swapSides(clinical(read(POLYP))));
  });
});
