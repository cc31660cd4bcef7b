// The commands that turn one file into another: tokenize and preprocess.

import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeEach, describe, expect, test } from 'vitest';
import { batchesOfLines } from '../../cli/lines.js';
import { bytesOf, call } from './cli-fakes.js';
import { folder, tensorsOf } from './command-files.js';

describe('tokenize', () => {
  const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', 'one', 'polyp', '##s', 'é', 'e'];
  let vocab: string;
  beforeEach(async () => {
    vocab = join(folder, 'vocab.txt');
    await writeFile(vocab, `${tokens.join('\n')}\n`);
  });
  const tokenize = (text: string | Uint8Array, ...more: string[]) =>
    call(['tokenize', '--vocab', vocab, ...more], { stdin: bytesOf(text, 3) });

  test('a line in, a line out', async () => {
    const { code, stdout, stderr } = await tokenize('"One polyps"\n"\\u00c9 \\ud800"\r\n""\n"[SEP]"');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(stdout).toBe('[2,5,6,7,3]\n[2,9,3]\n[2,3]\n[2,3,3]\n');
  });
  test('nothing in, nothing out', async () => {
    expect(await tokenize('')).toMatchObject({ code: 0, stdout: '', stderr: '' });
  });
  test('cuts at --max-length with a warning that counts', async () => {
    const { code, stdout, stderr } = await tokenize('"one one one"\n"one"\n"one one"\n', '--max-length', '3');
    expect(code).toBe(0);
    expect(stdout).toBe('[2,5,3]\n[2,5,3]\n[2,5,3]\n');
    expect(stderr).toBe('warning: 2 of 3 texts are longer than 3 tokens; the rest of each is left out\n');
  });
  test.each([
    ['plain text', 'one polyp', /line 3 must be a JSON string, got "one polyp"/],
    ['an empty line', '', /line 3 must be a JSON string, got ""/],
    ['a number', '7', /line 3 must be a JSON string, got 7/],
    ['a list', '["one"]', /line 3 must be a JSON string, got \["one"\]/],
    ['half a string', '"one', /line 3 must be a JSON string/],
  ])('stops at %s, with the number of the line', async (_, line, message) => {
    const { code, stdout, stderr } = await tokenize(`"one"\n"polyp"\n${line}\n"one"\n`);
    expect(code).toBe(1);
    expect(stdout).toBe('[2,5,3]\n[2,6,3]\n');
    expect(stderr).toMatch(new RegExp(`^error \\[BAD_ARGUMENT\\]: tokenize: ${message.source}.*\n$`));
  });
  test('stops at bytes that are no UTF-8', async () => {
    const { code, stderr } = await tokenize(Uint8Array.from([34, 255, 34, 10]));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[BAD_ARGUMENT\]: tokenize: line 1 must be/);
  });
  test('refuses a missing vocabulary and one that is none', async () => {
    expect(await call(['tokenize', '--vocab', join(folder, 'none')])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error \[FILE_NOT_FOUND\]: tokenize: the vocabulary must be a file, got no file/),
    });
    await writeFile(vocab, 'one\ntwo\n');
    expect(await tokenize('"one"\n')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error \[VOCABULARY_INVALID\]/),
    });
  });
});

test('lines are the same however the stream is cut', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'é', '\n', '\r', ' ') });
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (whole, size) => {
      const lines: string[] = [];
      for await (const batch of batchesOfLines(bytesOf(whole, size))) {
        lines.push(...batch.map(line => new TextDecoder().decode(line)));
      }
      const expected = whole.split('\n');
      if (expected.at(-1) === '') expected.pop();
      expect(lines).toEqual(expected);
    }),
  );
});

describe('preprocess', () => {
  let image: string;
  beforeEach(async () => {
    image = join(folder, 'a.png');
    // Red, green, blue and white: 2 x 2.
    const data = Buffer.from([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255]);
    await sharp(data, { raw: { width: 2, height: 2, channels: 3 } })
      .png()
      .toFile(image);
  });
  const preprocess = (...more: string[]) =>
    call(['preprocess', image, '--out', join(folder, 'o.safetensors'), ...more]);

  test('none: 0 to 1, one channel after another', async () => {
    expect((await preprocess('--size', '2', '--normalize', 'none')).code).toBe(0);
    const tensors = await tensorsOf(join(folder, 'o.safetensors'));
    expect([...tensors.keys()]).toEqual(['image']);
    const { dtype, shape, data } = tensors.get('image')!;
    expect({ dtype, shape }).toEqual({ dtype: 'F32', shape: [3, 2, 2] });
    expect([...data]).toEqual([1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 1]);
  });
  test('zscore: mean 0 and deviation 1 in each channel', async () => {
    await preprocess('--size', '2', '--normalize', 'zscore');
    const { data } = (await tensorsOf(join(folder, 'o.safetensors'))).get('image')!;
    expect([...data].map(x => Math.round(x * 1e4) / 1e4)).toEqual([1, -1, -1, 1, -1, 1, -1, 1, -1, -1, 1, 1]);
  });
  test('imagenet', async () => {
    await preprocess('--size', '1', '--normalize', 'imagenet');
    const { data } = (await tensorsOf(join(folder, 'o.safetensors'))).get('image')!;
    const [mean, std] = [
      [0.485, 0.456, 0.406],
      [0.229, 0.224, 0.225],
    ];
    // Half of the pixels are set in each channel; Pillow rounds 127.5 up.
    expect([...data]).toEqual(mean.map((m, c) => expect.closeTo((128 / 255 - m) / std[c]!, 5)));
  });
  test('says what it wrote', async () => {
    expect((await preprocess('--size', '2', '--normalize', 'none')).stdout).toMatch(
      /o\.safetensors: image \[3, 2, 2\] F32, none\n$/,
    );
    const { json } = await preprocess('--size', '4', '--normalize', 'zscore', '--json');
    expect(json).toEqual({
      image,
      width: 2,
      height: 2,
      size: 4,
      normalize: 'zscore',
      out: join(folder, 'o.safetensors'),
    });
  });
  test('leaves nothing behind when the image or the size is no good', async () => {
    await writeFile(image, 'no image');
    expect(await preprocess('--size', '2', '--normalize', 'none')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error \[IMAGE_UNREADABLE\]/),
    });
    expect(await preprocess('--size', '100000', '--normalize', 'none')).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error \[BAD_ARGUMENT\]/),
    });
    expect(await readdir(folder)).toEqual(['a.png']);
  });
  test('fails where it cannot write', async () => {
    const { code, stderr } = await call([
      'preprocess',
      image,
      '--size',
      '2',
      '--normalize',
      'none',
      '--out',
      join(image, 'o.safetensors'),
    ]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[OUTPUT_NOT_WRITABLE\]/);
  });
});
