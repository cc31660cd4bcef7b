// The builder of the page: sentences from choices, and choices from sentences.

import { expect, test } from 'vitest';
import { compose, parse } from '../../demo/image/sentence.js';

const NONE = { count: '', size: '', colour: '', shape: '', place: '' };

test.each([
  [NONE, ''],
  [{ ...NONE, count: 'one' }, 'one polyp'],
  [{ ...NONE, place: 'top left' }, 'polyp, located in top left of the image'],
  [{ ...NONE, colour: 'red', shape: 'oval' }, 'red oval polyp'],
  [
    { count: 'two', size: 'small', colour: 'pink', shape: 'round', place: 'center' },
    'two small pink round polyp, located in center of the image',
  ],
])('a sentence and its choices say the same: %o', (choices, sentence) => {
  expect(compose(choices)).toBe(sentence);
  expect(parse(sentence)).toEqual(choices);
});

test('spelling of spaces, capitals, plural and full stop does not matter', () => {
  expect(parse('  Two  small polyps, located in Top of the image. ')).toEqual({
    ...NONE,
    ...{ count: 'two', size: 'small', place: 'top' },
  });
});

test.each(['a polyp', 'small one polyp', 'one polyp, located in heaven of the image', 'one lesion', 'one one polyp'])(
  'other words are nobody’s choices: %s',
  sentence => expect(parse(sentence)).toBeUndefined(),
);
