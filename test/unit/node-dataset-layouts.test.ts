// The layouts in which data sets are published, and what people's systems make of them. The files are empty: opening a data set
// decodes nothing.

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openDataset, surveyDataset } from '../../node/datasets/dataset.js';
import { datasetFolder, emptyFiles } from './dataset-folder.js';
import { workbook } from './workbook.js';

const set = datasetFolder();
const { write } = set;
const open = (options: Parameters<typeof openDataset>[1] = {}) => openDataset(set.path, options);
const invalid = (message: RegExp) => ({ code: 'DATASET_INVALID', message: expect.stringMatching(message) });

const filesOf = (...ids: string[]) => emptyFiles(...ids.flatMap(id => [`images/${id}.jpg`, `masks/${id}.png`]));

describe('medvlsm', () => {
  const caption = (name: string, p6: unknown) => ({
    img_name: `${name}.jpg`,
    mask_name: `${name}.png`,
    prompts: { p0: '', p6 },
  });

  test('takes prompt p6 and the split from the file', async () => {
    const anns = {
      'anns/train.json': [caption('a', 'one small polyp')],
      'anns/test.json': [caption('b', ['two polyps', 'a pair of polyps'])],
    };
    await write({ ...anns, ...filesOf('a', 'b') });
    const { records } = await openDataset(set.path);
    expect(records.map(({ id, split, text }) => [id, split, text])).toEqual([
      ['a', 'train', 'one small polyp'],
      ['b', 'test', 'two polyps'],
    ]);
    expect(records[0]!.image).toBe(join(set.path, 'images/a.jpg'));
  });
  test('refuses names that leave the folder and captions without p6', async () => {
    const entries = [{ ...caption('a', 'x'), img_name: '../../etc/passwd' }, caption('b', undefined), null];
    await write({ 'anns/test.json': entries, ...filesOf('a', 'b') });
    const message = expect.stringMatching(
      /got 3 of 3 .*"passwd" \(image must lie.*"b" \(text is empty, and there is no prompt p6, only p0: .*--prompt\), record 3/,
    );
    await expect(openDataset(set.path)).rejects.toMatchObject({ code: 'DATASET_INVALID', message });
  });
  const finding = (mask: string, more: object = {}) => ({
    img_name: 'x.jpg',
    mask_name: `${mask}.png`,
    prompts: { p0: '', p1: `${mask} in an Xray`, p6: `${mask}, others present`, p7: [`${mask}!`, `${mask}?`] },
    ...more,
  });

  test('a record that BKAI has twice is read once, an image of two splits is told', async () => {
    const [a, b] = [caption('a', 'one'), caption('b', 'two')];
    await write({ 'anns/train.json': [a, a, b], 'anns/val.json': [], 'anns/test.json': [b], ...filesOf('a', 'b') });
    const tested = await open({ split: 'test' });
    expect(tested.records.map(({ id }) => id)).toEqual(['b']);
    expect(tested.warnings).toEqual([
      expect.stringMatching(/^1 image is in "train" and in "test": .*\(images\/b\.jpg\)$/),
    ]);
    const trained = await open({ split: 'train' });
    expect(trained.records.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(trained.notes).toEqual(['1 record is there twice and read once: "a"']);
    expect(trained.warnings).toEqual(tested.warnings);
    expect((await surveyDataset(set.path)).splits).toEqual({ train: 3, test: 1 });
  });
  test('an image with a mask for each finding has a record for each, as CheXlocalize has', async () => {
    const masks = ['x_edema', 'x_atelectasis'];
    await write({
      'anns/test.json': masks.map(mask => finding(mask)),
      ...emptyFiles('images/x.jpg', 'masks/x_edema.png', 'masks/x_atelectasis.png'),
    });
    const { records } = await open();
    expect(records.map(({ id, image, text }) => [id, image, text])).toEqual(
      masks.map(mask => [mask, join(set.path, 'images/x.jpg'), `${mask}, others present`]),
    );
  });
  test('a mask with two sentences has a record for each', async () => {
    const entries = [finding('x'), finding('x', { prompts: { p6: 'another' } })];
    await write({ 'anns/test.json': entries, ...filesOf('x') });
    expect((await open()).records.map(({ id, text }) => [id, text])).toEqual([
      ['x', 'x, others present'],
      ['x (2)', 'another'],
    ]);
  });
  test('reads the prompt that is asked for, of a list the first, and says so', async () => {
    await write({ 'anns/test.json': [finding('x')], ...filesOf('x') });
    expect((await open({ prompt: 'p1' })).records[0]!.text).toBe('x in an Xray');
    const listed = await open({ prompt: 'p7' });
    expect(listed.records[0]!.text).toBe('x!');
    expect(listed.notes).toEqual(['1 records have several sentences: the first of each is read']);
    await expect(open({ prompt: 'p9' })).rejects.toMatchObject(
      invalid(/got "p9" for .*; its prompts are p0, p1, p6, p7/),
    );
    await expect(open({ prompt: 'p0' })).rejects.toMatchObject(invalid(/"x" \(text is empty\)/));
  });
  test('a list of another split that cannot be read ends nothing', async () => {
    await write({ 'anns/train.json': '[{', 'anns/test.json': [caption('a', 'one')], ...filesOf('a') });
    expect((await open({ split: 'test' })).records).toHaveLength(1);
    await expect(open({ split: 'train' })).rejects.toMatchObject(invalid(/train\.json must be JSON/));
    await expect(open()).rejects.toMatchObject(invalid(/train\.json must be JSON/));
    expect((await surveyDataset(set.path)).splits).toEqual({ test: 1, train: 0 });
  });
  test('refuses captions that are no list', async () => {
    await write({ 'anns/test.json': { a: 1 } });
    await expect(openDataset(set.path)).rejects.toMatchObject({
      message: /anns.test\.json must be a list of captions/,
    });
  });
});

describe('LViT', () => {
  test('finds images of masks with and without "mask_", and the shared table', async () => {
    await write({
      'Train_Folder/img/covid_1.png': '',
      'Train_Folder/labelcol/mask_covid_1.png': '',
      'Train_Folder/Train_Val_text.csv':
        'Image,Description\r\nmask_covid_1.png,"Bilateral, two areas"\r\ncovid_2.png,One area\r\n',
      'Val_Folder/img/covid_2.png': '',
      'Val_Folder/labelcol/covid_2.png': '',
      'Test_Folder/img/covid_3.png': '',
      'Test_Folder/labelcol/covid_3.png': '',
      'Test_Folder/labelcol/.DS_Store': '',
      'Test_Folder/Test_text.csv': 'Description;Image\nLeft lung;covid_3.png',
    });
    const { records } = await openDataset(set.path);
    expect(records.map(({ id, split, text }) => [id, split, text])).toEqual([
      ['covid_1', 'train', 'Bilateral, two areas'],
      ['covid_2', 'val', 'One area'],
      ['covid_3', 'test', 'Left lung'],
    ]);
    expect(records[0]!.mask).toBe(join(set.path, 'Train_Folder/labelcol/mask_covid_1.png'));
  });
  const one = { 'Test_Folder/img/a.png': '', 'Test_Folder/labelcol/mask_a.png': '' };
  const table = 'Image,Description\nmask_a.png,one\n';

  test('tables are read as .xlsx too, as the authors publish them', async () => {
    const cell = (text: string) => `<c t="inlineStr"><is><t>${text}</t></is></c>`;
    const rows = `<row>${cell('Image')}${cell('Description')}</row><row>${cell('mask_a.png')}${cell('one, two')}</row>`;
    await write({ ...one, 'Test_Folder/Test_text.xlsx': workbook(rows) });
    expect((await open()).records).toMatchObject([{ id: 'a', text: 'one, two' }]);
  });
  test("what macOS and Windows put beside a user's files is no mask", async () => {
    const names = ['Thumbs.db', 'desktop.ini', '.DS_Store', '._a.png', '._mask_a.png', 'ehthumbs.db'];
    const strays = names.flatMap(name => [
      `Test_Folder/img/${name}`,
      `Test_Folder/labelcol/${name}`,
      `Test_Folder/${name}`,
    ]);
    await write({
      ...one,
      ...emptyFiles(...strays),
      'Test_Folder/Test_text.csv': table,
      'Test_Folder/._Test_text.csv': 'x',
    });
    const { records, notes } = await open();
    expect(records.map(({ id }) => id)).toEqual(['a']);
    expect(notes).toEqual([]);
  });
  test('names meet in NFC and NFD, without extension, in capitals, and where image and mask differ in format', async () => {
    const files = [
      'img/gr\u006f\u0308\u00dfe.tif',
      'img/B.JPG',
      'img/c.1.png',
      'labelcol/mask_gr\u006f\u0308\u00dfe.png',
      'labelcol/b.png',
      'labelcol/c.1.png',
    ];
    await write({
      ...emptyFiles(...files.map(name => `Test_Folder/${name}`)),
      'Test_Folder/Test_text.csv': 'Image,Description\nmask_gr\u00f6\u00dfe,one\nlabelcol\\b.png,two\nc.1,three\n',
    });
    const { records } = await open();
    const names = records.map(({ image, mask, text }) =>
      [image, mask, text].map(name => String(name).split('/').at(-1)),
    );
    expect(names).toEqual([
      ['B.JPG', 'b.png', 'two'],
      ['c.1.png', 'c.1.png', 'three'],
      ['gr\u006f\u0308\u00dfe.tif', 'mask_gr\u006f\u0308\u00dfe.png', 'one'],
    ]);
  });
  test('a mask that fits two images is a fault, an image without a mask is told', async () => {
    await write({ ...one, 'Test_Folder/img/b.tif': '', 'Test_Folder/Test_text.csv': table });
    expect((await open()).notes).toEqual(['1 of the images in Test_Folder/img have no mask and are left out: b.tif']);
    await write({ 'Test_Folder/img/a.tif': '', 'Test_Folder/img/a.jpg': '', 'Test_Folder/labelcol/mask_a.png': '' });
    await rm(join(set.path, 'Test_Folder/img/a.png'));
    await expect(open()).rejects.toMatchObject(invalid(/the mask mask_a\.png fits several images: a\.jpg, a\.tif/));
  });
  test('a table of another split that is missing or broken ends nothing', async () => {
    const train = {
      'Train_Folder/img/b.png': '',
      'Train_Folder/labelcol/b.png': '',
      'Train_Folder/Train_text.csv': 'x',
    };
    await write({ ...one, 'Test_Folder/Test_text.csv': table, ...train });
    expect((await open({ split: 'test' })).records).toHaveLength(1);
    await expect(open({ split: 'train' })).rejects.toMatchObject(invalid(/columns Image and Description, got \["x"\]/));
  });
  test('refuses a folder without texts, without the columns, without a text for a mask', async () => {
    const files = { 'Test_Folder/img/a.png': '', 'Test_Folder/labelcol/a.png': '' };
    await write(files);
    await expect(openDataset(set.path)).rejects.toMatchObject({ message: /got no Test_text\.xlsx or \.csv in/ });
    await write({ 'Test_Folder/Test_text.csv': 'File,Text\na.png,x' });
    await expect(openDataset(set.path)).rejects.toMatchObject({
      message: /columns Image and Description, got \["File","Text"\]/,
    });
    await write({ 'Test_Folder/Test_text.csv': 'Image,Description\nb.png,x' });
    await expect(openDataset(set.path)).rejects.toMatchObject({ message: /"a" \(text is empty\)/ });
  });
});

describe('LanGuideMedSeg', () => {
  const table = (...names: string[]) =>
    `Image,Description\n${names.map(name => `mask_${name}.png,text ${name}`).join('\n')}\n`;

  test('reads prompt/, Images/ and GTs/, and takes the last fifth of train.csv to validate, as its own code does', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    await write({
      ...emptyFiles(...[...names, 't'].flatMap(name => [`Images/${name}.png`, `GTs/mask_${name}.png`])),
      'prompt/train.csv': table(...names),
      'prompt/test.csv': table('t'),
    });
    expect((await open()).records.map(({ id, split, text }) => `${id} ${split} ${text}`)).toEqual([
      't test text t',
      ...['a', 'b', 'c', 'd'].map(name => `${name} train text ${name}`),
      'e val text e',
    ]);
    expect((await open({ split: 'val' })).notes).toEqual([
      expect.stringMatching(/^the last fifth of prompt\/train\.csv is/),
    ]);
    expect((await open({ split: 'test' })).notes).toEqual([]);
  });
  test('reads a folder for each split', async () => {
    const files = ['Train/Images/a.png', 'Train/GTs/mask_a.png', 'Test Set/Images/b.png', 'Test Set/GTs/mask_b.png'];
    await write({ ...emptyFiles(...files), 'prompt/train.csv': table('a'), 'prompt/test.csv': table('b', 'gone') });
    expect((await open({ split: 'train' })).records.map(({ mask }) => mask)).toEqual([join(set.path, files[1]!)]);
    await expect(open({ split: 'test' })).rejects.toMatchObject(
      invalid(/"gone" \(no file Test Set\/Images\/gone\.png, Test Set\/GTs\/mask_gone\.png\)/),
    );
  });
});

describe('folders of images and of masks', () => {
  const all = async (options: object = {}) =>
    (await open({ text: 'polyp', ...options })).records.map(({ id, split }) => `${id} ${split}`);

  test('images/ and masks/ need one sentence for all, and have no splits', async () => {
    await write(
      emptyFiles(
        'images/a.jpg',
        'masks/a.jpg',
        'images/b.jpg',
        'masks/b_mask.png',
        'kavsir_bboxes.json',
        'images/notes.txt',
      ),
    );
    await expect(open()).rejects.toMatchObject(invalid(/without sentences must be given one .*--text polyp/));
    const { records, notes } = await open({ text: 'polyp', split: 'test' });
    expect(records.map(({ id, text }) => [id, text])).toEqual([
      ['a', 'polyp'],
      ['b', 'polyp'],
    ]);
    expect(notes).toEqual([
      expect.stringMatching(/has no splits: all its 2 records are taken for "test"$/),
      expect.stringMatching(/^files .* left out: notes\.txt$/),
    ]);
    expect((await surveyDataset(set.path)).splits).toEqual({ all: 2 });
  });
  test("CVC-ClinicDB's Original/ and Ground Truth/, in one format", async () => {
    await write(emptyFiles('TIF/Original/1.tif', 'TIF/Ground Truth/1.tif'));
    expect(await all()).toEqual(['TIF/1 all']);
    await write(emptyFiles('PNG/Original/1.png', 'PNG/Ground Truth/1.png'));
    await expect(all()).rejects.toMatchObject(invalid(/folders of several: .*PNG, .*TIF; name one/));
    const { records } = await openDataset(join(set.path, 'PNG'), { text: 'polyp' });
    expect(records.map(({ id }) => id)).toEqual(['1']);
  });
  test("PraNet's TrainDataset/ and the sets of TestDataset/, together or one by one", async () => {
    const files = ['TrainDataset/image/1.png', 'TrainDataset/masks/1.png'];
    const tests = ['Kvasir', 'CVC-300'].flatMap(name => [
      `TestDataset/${name}/images/1.png`,
      `TestDataset/${name}/masks/1.png`,
    ]);
    await write(emptyFiles(...files, ...tests));
    expect(await all({ split: 'train' })).toEqual(['1 train']);
    expect(await all({ split: 'test' })).toEqual(['CVC-300/1 test/CVC-300', 'Kvasir/1 test/Kvasir']);
    expect(await all({ split: 'test/Kvasir' })).toEqual(['Kvasir/1 test/Kvasir']);
    await expect(all({ split: 'val' })).rejects.toMatchObject(
      invalid(/it has test\/CVC-300 \(1\), test\/Kvasir \(1\), train \(1\)/),
    );
  });
  test('splits within images/ and masks/, and a folder for each split with both', async () => {
    await write(
      emptyFiles('images/train/a.png', 'masks/train/a.png', 'images/validation/b.png', 'masks/validation/b.png'),
    );
    expect(await all()).toEqual(['a train', 'b val']);
  });
  test('lists of names say which image belongs to which split', async () => {
    const names = ['a', 'b', 'c'];
    await write({
      ...emptyFiles(...names.flatMap(name => [`images/${name}.jpg`, `masks/${name}.png`])),
      'train.txt': 'a\r\n',
      'validation.txt': 'images/b.jpg\n\n',
    });
    expect(await all()).toEqual(['a train', 'b val', 'c unlisted']);
    expect(await all({ split: 'val' })).toEqual(['b val']);
  });
  test("ISIC's inputs and ground truths", async () => {
    const [input, truth] = ['ISIC2018_Task1-2_Training_Input', 'ISIC2018_Task1_Training_GroundTruth'];
    await write(emptyFiles(`${input}/ISIC_1.jpg`, `${truth}/ISIC_1_segmentation.png`));
    expect(await all()).toEqual(['ISIC_1 train']);
    const more = ['ISIC2018_Task1-2_Test_Input/ISIC_2.jpg', 'ISIC2018_Task1_Test_GroundTruth/ISIC_2_segmentation.png'];
    await write(emptyFiles(...more));
    expect(await all()).toEqual(['ISIC_2 test', 'ISIC_1 train']);
  });
  test('two folders of masks are refused by name', async () => {
    await write(emptyFiles('images/a.png', 'masks/a.png', 'labels/a.png'));
    await expect(all()).rejects.toMatchObject(invalid(/got images, labels, masks in .*; move the others away/));
  });
});
