// Which of the files that are dropped on the page are masks of which.

import { expect, test } from 'vitest';
import { type Named, sortFiles } from '../../demo/files.js';

const named = (path: string, type = 'image/png'): Named => ({
  path,
  file: { name: path.slice(path.lastIndexOf('/') + 1), type } as File,
});
const sorted = (...paths: string[]) => {
  const { pairs, masks } = sortFiles(paths.map(path => named(path)));
  return {
    pairs: pairs.map(({ image, mask }) => [image.path, mask?.path ?? null]),
    masks: masks.map(({ path }) => path),
  };
};

test.each([
  ['a suffix', ['a.jpg', 'a_mask.png'], 'a_mask.png'],
  ['another suffix', ['a.jpg', 'a-seg.png'], 'a-seg.png'],
  ['a word behind a dot', ['a.jpg', 'a.gt.png'], 'a.gt.png'],
  ['capitals', ['A.JPG', 'a_MASK.png'], 'a_MASK.png'],
  ['folders', ['images/a.jpg', 'masks/a.jpg'], 'masks/a.jpg'],
  ['folders within one', ['set/images/a.jpg', 'set/masks/a.png'], 'set/masks/a.png'],
])('a mask is told by %s', (_, paths, mask) => {
  expect(sorted(...paths)).toEqual({ pairs: [[paths[0], mask]], masks: [] });
});

test('order does not matter, and names that only contain the word are images', () => {
  expect(sorted('b_mask.png', 'maskerade.png', 'b.png')).toEqual({
    pairs: [
      ['maskerade.png', null],
      ['b.png', 'b_mask.png'],
    ],
    masks: [],
  });
});

test('a mask without its image is kept apart', () => {
  expect(sorted('x_mask.png')).toEqual({ pairs: [], masks: ['x_mask.png'] });
});

test('files that are no images are left out beside images, and alone are for the engine to refuse', () => {
  const text = named('notes.txt', 'text/plain');
  expect(sortFiles([named('a.png'), text]).pairs).toHaveLength(1);
  expect(sortFiles([text]).pairs.map(({ image }) => image.path)).toEqual(['notes.txt']);
});
