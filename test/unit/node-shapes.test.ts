// Masks that are no files: polygons and run lengths as COCO has them, and data sets of them.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, test } from 'vitest';
import { encodeRle, maskToCounts } from '../../assembly/index.js';
import { openDataset, surveyDataset } from '../../node/datasets/dataset.js';
import { readMask } from '../../node/images/masks.js';
import { drawShapes, readShape, type ShapeMask } from '../../node/images/shapes.js';
import { decodeRecord } from '../../train/data/decode.js';
import { datasetFolder, emptyFiles } from './dataset-folder.js';

const set = datasetFolder();
const invalid = (message: RegExp) => ({ code: 'DATASET_INVALID', message: expect.stringMatching(message) });

const rows = ({ width, height, shapes }: ShapeMask): string[] => {
  const mask = drawShapes({ width, height, shapes });
  return Array.from({ length: height }, (_, y) => mask.subarray(y * width, (y + 1) * width).join(''));
};

describe('shapes', () => {
  test('a pixel belongs to a polygon where its centre lies inside', () => {
    const square = [1, 1, 4, 1, 4, 3, 1, 3];
    expect(rows({ width: 6, height: 4, shapes: [{ rings: [square] }] })).toEqual([
      '000000',
      '011100',
      '011100',
      '000000',
    ]);
    // moved by less than half a pixel it covers the same centres
    expect(rows({ width: 6, height: 4, shapes: [{ rings: [square.map(v => v + 0.4)] }] })).toEqual([
      '000000',
      '011100',
      '011100',
      '000000',
    ]);
    const triangle = { rings: [[0, 0, 4, 0, 0, 4]] };
    expect(rows({ width: 4, height: 4, shapes: [triangle] })).toEqual(['1110', '1100', '1000', '0000']);
  });
  test('is the even-odd rule, whatever the polygon, its direction and its place', () => {
    const point = fc.double({ min: -3, max: 12, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(point, point), { minLength: 3, maxLength: 7 }), points => {
        const [width, height] = [9, 7];
        const ring = points.flat();
        const inside = (x: number, y: number) =>
          points.reduce((is, [x1, y1], i) => {
            const [x0, y0] = points.at(i - 1)!;
            const crosses = y0 <= y !== y1 <= y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0);
            return crosses ? !is : is;
          }, false);
        const mask = drawShapes({ width, height, shapes: [{ rings: [ring] }] });
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) expect(mask[y * width + x]).toBe(inside(x + 0.5, y + 0.5) ? 1 : 0);
        }
      }),
    );
  });
  test('polygons that overlap are united, and run lengths, compressed or not, with them', () => {
    const [width, height] = [5, 3];
    const drawn = Uint8Array.from([0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    const { counts } = encodeRle(drawn, width, height);
    const rings = [
      [0, 0, 2, 0, 2, 2, 0, 2],
      [1, 1, 3, 1, 3, 3, 1, 3],
    ];
    const united = ['11001', '11101', '01100'];
    expect(rows({ width, height, shapes: [{ rings }, { counts }] })).toEqual(united);
    const plain = [...maskToCounts(drawn, width, height)];
    expect(rows({ width, height, shapes: [{ counts: plain }, { rings }] })).toEqual(united);
  });
  test.each([
    ['a box alone', [], /only a box/],
    ['nothing', undefined, /only a box/],
    ['a polygon of two corners', [[0, 0, 1, 1]], /three or more/],
    ['an odd list', [[0, 0, 1, 1, 2, 2, 3]], /three or more/],
    ['words', [['a', 0, 1, 1, 2, 2]], /three or more/],
    ['run lengths of another size', { size: [3, 2], counts: [6] }, /size \[3,2\] for an image of 2 x 3/],
    ['run lengths that are too few', { size: [2, 3], counts: [5] }, /sum to 5, not 6/],
    ['run lengths that go back', { size: [2, 3], counts: [8, -2] }, /sum to 6, not 6|run lengths/],
    ['text that is none', { size: [2, 3], counts: 'é' }, /cannot be read/],
    ['counts of another kind', { size: [2, 3], counts: 6 }, /sum to 0, not 6|cannot be read/],
  ])('%s is a fault', (_, segmentation, fault) => {
    expect(readShape(segmentation, 3, 2)).toEqual({ fault: expect.stringMatching(fault) });
  });
  test('the reader of masks takes shapes, at the size of their image alone', async () => {
    const source = { width: 4, height: 2, shapes: [{ rings: [[0, 0, 2, 0, 2, 2, 0, 2]] }] };
    const { foreground, empty } = await readMask(source, { width: 4, height: 2, orientation: 1 });
    expect([...foreground]).toEqual([1, 1, 0, 0, 1, 1, 0, 0]);
    expect(empty).toBe(false);
    await expect(readMask(source, { width: 2, height: 4, orientation: 1 })).rejects.toMatchObject(
      invalid(/an image of 2 x 4 and a mask of 4 x 2 in the annotations/),
    );
  });
  test('training draws them too', async () => {
    await mkdir(set.path, { recursive: true });
    const image = join(set.path, 'a.png');
    await sharp({ create: { width: 4, height: 2, channels: 3, background: '#888' } })
      .png()
      .toFile(image);
    const mask = { width: 4, height: 2, shapes: [{ rings: [[0, 0, 2, 0, 2, 2, 0, 2]] }] };
    expect(await decodeRecord({ id: 'a', image, mask, size: 2 })).toMatchObject({
      mask: Uint8Array.from([1, 0, 1, 0]),
    });
  });
});

describe("COCO's JSON", () => {
  const square = (x: number) => [[x, 0, x + 1, 0, x + 1, 2, x, 2]];
  const coco = (names: readonly string[], more: object = {}) => ({
    info: {},
    images: names.map((file_name, id) => ({ id, file_name, width: 4, height: 2 })),
    annotations: names.flatMap((_, id) => [
      { id: 2 * id, image_id: id, category_id: 1, segmentation: square(0) },
      { id: 2 * id + 1, image_id: id, category_id: 2, segmentation: square(2) },
    ]),
    categories: [
      { id: 1, name: 'polyp' },
      { id: 2, name: 'tool' },
    ],
    ...more,
  });
  const open = (options: object = {}) => openDataset(set.path, { text: 'polyp', ...options });
  const covered = (mask: unknown) => rows(mask as ShapeMask)[0];

  test('beside the images of each split, as Roboflow exports it, annotations united', async () => {
    await set.write({
      'train/_annotations.coco.json': coco(['a.jpg']),
      'valid/_annotations.coco.json': coco(['b.jpg', 'c.jpg']),
      ...emptyFiles('train/a.jpg', 'valid/b.jpg', 'valid/c.jpg'),
    });
    const { records } = await open();
    expect(records.map(({ id, split, image }) => [id, split, image])).toEqual([
      ['a', 'train', join(set.path, 'train/a.jpg')],
      ['b', 'val', join(set.path, 'valid/b.jpg')],
      ['c', 'val', join(set.path, 'valid/c.jpg')],
    ]);
    expect(covered(records[0]!.mask)).toBe('1010');
    expect((await surveyDataset(set.path)).splits).toEqual({ train: 1, val: 2 });
  });
  test('annotations/ with instances and captions, images in a folder for each split', async () => {
    const captions = { images: [], annotations: [{ image_id: 0, caption: 'one polyp ' }] };
    await set.write({
      'annotations/instances_val2017.json': coco(['a.jpg']),
      'annotations/captions_val2017.json': captions,
      'annotations/person_keypoints_val2017.json': coco(['a.jpg']),
      'val2017/a.jpg': '',
    });
    expect((await openDataset(set.path)).records).toMatchObject([
      { id: 'a', split: 'val', text: 'one polyp', image: join(set.path, 'val2017/a.jpg') },
    ]);
  });
  test('one category of several, and a sentence that must be given', async () => {
    await set.write({ 'annotations.json': coco(['a.jpg']), 'images/a.jpg': '' });
    expect(covered((await open({ category: 'Tool' })).records[0]!.mask)).toBe('0010');
    await expect(open({ category: 'lesion' })).rejects.toMatchObject(invalid(/got "lesion"; it has "polyp", "tool"/));
    await expect(openDataset(set.path)).rejects.toMatchObject(invalid(/must be given one .*--text polyp/));
  });
  test('an image without annotations has an empty mask', async () => {
    await set.write({ 'annotations.json': coco(['a.jpg'], { annotations: [] }), 'a.jpg': '' });
    expect(covered((await open()).records[0]!.mask)).toBe('0000');
  });
  test('faults name the record and the annotation, and those of another split end nothing', async () => {
    const boxes = [{ id: 7, image_id: 0, category_id: 1, bbox: [0, 0, 1, 1], segmentation: [] }];
    await set.write({
      'train/_annotations.coco.json': coco(['a.jpg'], { annotations: boxes }),
      'test/_annotations.coco.json': coco(['b.jpg']),
      'valid/_annotations.coco.json': '{"images": [',
      ...emptyFiles('train/a.jpg', 'test/b.jpg'),
    });
    expect((await open({ split: 'test' })).records).toHaveLength(1);
    await expect(open({ split: 'train' })).rejects.toMatchObject(
      invalid(/"a" \(annotation 7 has no segmentation, only a box\)/),
    );
    await expect(open({ split: 'val' })).rejects.toMatchObject(invalid(/valid\/_annotations\.coco\.json must be JSON/));
  });
  test('a name that leaves the folder is refused', async () => {
    await set.write({ 'annotations.json': coco(['../../etc/passwd']) });
    await expect(open()).rejects.toMatchObject(invalid(/image must lie in the folder/));
  });
  test('a category is asked of nothing else', async () => {
    await set.write(emptyFiles('images/a.png', 'masks/a.png'));
    await expect(open({ category: 'polyp' })).rejects.toMatchObject(invalid(/a category may be chosen where/));
  });
});
