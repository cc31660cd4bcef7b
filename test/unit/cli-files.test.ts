// The commands that turn one file into another: tokenize, preprocess, inspect forward. And devices.

import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { batchesOfLines } from '../../cli/lines.js';
import { TmcaError } from '../../errors/index.js';
import {
  encodeSafetensors,
  memorySource,
  openSafetensors,
  tensorOf,
  toFloat32,
} from '../../formats/safetensors/index.js';
import type { AdapterInfo } from '../../gpu/adapter.js';
import { bytesOf, call, fakeEngine, fakeTuning } from './cli-fakes.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function tensorsOf(path: string) {
  const file = await openSafetensors(memorySource(new Uint8Array(await readFile(path)), path));
  const tensors = new Map<string, { dtype: string; shape: readonly number[]; data: Float32Array }>();
  for await (const tensor of file.tensors()) {
    tensors.set(tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data: toFloat32(tensor) });
  }
  return tensors;
}

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

describe('inspect forward', () => {
  const image = tensorOf('image', [1, 3, 1, 1], Float32Array.from([0.5, -1, 2]));
  const ids = tensorOf('ids', [1, 2], Int32Array.from([2, 70000]));
  const mask = tensorOf('mask', [1, 2], Uint8Array.from([1, 0]));
  const inspect = async (tensors: Parameters<typeof encodeSafetensors>[0], ...more: string[]) => {
    const inputs = join(folder, 'in.safetensors');
    await writeFile(inputs, encodeSafetensors(tensors));
    const engine = fakeEngine();
    const argv = ['inspect', 'forward', 'dir', '--inputs', inputs, '--out', join(folder, 'out.safetensors'), ...more];
    return { ...(await call(argv, { engine })), calls: engine.calls };
  };

  test('hands inputs over and writes outputs', async () => {
    const target = tensorOf('target', [1], Float32Array.from([9]));
    const { code, stdout, calls } = await inspect([image, ids, mask, target], '--device', 'webgpu', '--dtype', 'fp32');
    expect(code).toBe(0);
    expect(calls).toEqual(['inspect dir false webgpu fp32']);
    const outputs = await tensorsOf(join(folder, 'out.safetensors'));
    expect(outputs.get('image.seen')).toEqual({
      dtype: 'F32',
      shape: [1, 3, 1, 1],
      data: Float32Array.from([0.5, -1, 2]),
    });
    expect([...outputs.get('ids.seen')!.data]).toEqual([2, 70000]);
    expect([...outputs.get('mask.seen')!.data]).toEqual([1, 0]);
    expect(outputs.has('target.seen')).toBe(false);
    expect(stdout).toMatch(/out\.safetensors:\n {2}image\.seen \[1, 3, 1, 1\]\n/);
  });
  test('takes masks and ids as other integers, and --fill', async () => {
    const wide = tensorOf('ids', [1, 2], BigInt64Array.from([2n, 3n]));
    const { code, calls, json } = await inspect(
      [image, wide, tensorOf('mask', [1, 2], Int32Array.from([1, 1]))],
      '--fill',
      '--json',
    );
    expect(code).toBe(0);
    expect(calls).toEqual(['inspect dir true auto auto']);
    expect(json).toMatchObject({
      out: join(folder, 'out.safetensors'),
      outputs: [{ name: 'image.seen', shape: [1, 3, 1, 1] }, { name: 'ids.seen' }, { name: 'mask.seen' }],
      dispatches: 3,
      device: 'webgpu',
      dtype: 'fp32',
    });
  });
  test.each([
    ['no image', [ids, mask], /must hold image, got no image; add it/],
    [
      'an image of integers',
      [tensorOf('image', [1], Int32Array.from([1])), ids, mask],
      /image must be F32, F16 or BF16, got I32/,
    ],
    [
      'ids of floats',
      [image, tensorOf('ids', [1], Float32Array.from([1])), mask],
      /"ids" must be I32, I64, U8 or BOOL, got F32/,
    ],
    [
      'ids beyond 32 bits',
      [image, tensorOf('ids', [1], BigInt64Array.from([2n ** 40n])), mask],
      /"ids" must fit 32 bits, got 1099511627776/,
    ],
  ])('refuses %s', async (_, tensors, message) => {
    const { code, stdout, stderr, calls } = await inspect(tensors);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(new RegExp(`^error \\[BAD_ARGUMENT\\]: inspect forward: .*${message.source}`));
    expect(calls).toEqual([]);
  });
  test('refuses a file that is missing, damaged, or cannot be written', async () => {
    const engine = fakeEngine();
    const inputs = join(folder, 'in.safetensors');
    const argv = ['inspect', 'forward', 'dir', '--inputs', inputs, '--out', join(inputs, 'out')];
    expect(await call(argv, { engine })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error \[FILE_NOT_FOUND\]: inspect forward: the inputs/),
    });
    await writeFile(inputs, 'short');
    expect(await call(argv, { engine })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error \[SAFETENSORS_INVALID\]/),
    });
    await writeFile(inputs, encodeSafetensors([image, ids, mask]));
    expect(await call(argv, { engine })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error \[OUTPUT_NOT_WRITABLE\]/),
    });
    expect(engine.calls).toEqual([]);
  });
});

describe('devices', () => {
  const adapter = (more: Partial<AdapterInfo>): AdapterInfo => ({
    vendor: 'acme',
    architecture: 'one',
    description: 'Acme One',
    software: false,
    features: ['shader-f16', 'subgroups'],
    limits: { maxBufferSize: 1024 } as AdapterInfo['limits'],
    ...more,
  });
  const devices = (list: () => Promise<AdapterInfo[]>, ...more: string[]) =>
    call(['devices', ...more], { engine: { ...fakeEngine(), listAdapters: list } });

  test('says what auto would take, and why', async () => {
    const adapters = [adapter({}), adapter({ description: 'llvmpipe', software: true, features: [] })];
    const { code, json, stderr } = await devices(async () => adapters, '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(json).toEqual({
      adapters,
      tuning: JSON.parse(JSON.stringify(fakeTuning)),
      wasm: expect.objectContaining({ features: ['simd', 'threads'], cores: 4 }),
      auto: {
        device: 'webgpu',
        adapter: 'Acme One',
        fp16: 'native',
        reason: expect.stringMatching(/hardware adapter is present: Acme One/),
      },
    });
  });
  test('in words', async () => {
    const { stdout } = await devices(async () => [adapter({ description: 'llvmpipe', software: true, features: [] })]);
    expect(stdout).toMatch(
      /^llvmpipe \(acme, one; software\)\n {2}features: none\n {2}maxBufferSize: 1024\n {2}profile intel: .*\n(?: {4}.*\n)+ {2}tuned: nothing measured yet; kept in \/cache\/tmca-edge\nonnxruntime-web 9.9 on the CPU, 2 threads of 4 cores \(wasm: simd, threads\)\n--device auto: wasm, fp16 models with f32 arithmetic; there is no hardware adapter, only llvmpipe, which runs on the CPU/,
    );
  });
  test('--measure: rates of the first adapter, on request only', async () => {
    const list = async () => [adapter({}), adapter({ description: 'Second' })];
    const { stdout } = await devices(list, '--measure');
    expect(stdout.match(/measured:/g)).toHaveLength(1);
    expect(stdout).toMatch(/^Acme One .*\n {2}measured: 19\.0 GFLOP\/s, 3\.25 GB\/s copied\n/);
    expect((await devices(list, '--measure', '--json')).json).toMatchObject({ roofline: { gflops: 19, gbytes: 3.25 } });
    expect((await devices(async () => [], '--measure', '--json')).json).not.toHaveProperty('roofline');
  });
  test('how kernels are cut for the first adapter: its profile, and what was measured', async () => {
    const list = async () => [adapter({}), adapter({ description: 'Second' })];
    const { stdout } = await devices(list, '--tune');
    const lines = stdout.split('\n');
    const at = lines.findIndex(line => line.startsWith('  profile'));
    expect(lines.slice(at, at + 12)).toEqual([
      '  profile intel: Intel, integrated and Arc (by reasoning, not measured)',
      '    linear     large 32x64, small 32x32, enough 48, skinny 32',
      '    conv2d     large 32x64, small 32x32, enough 48',
      '    depthwise  pixels 4, enough 48',
      '    attention  large 16, small 16, many 256',
      '  tuned: 2 classes of shapes; kept in /cache/tmca-edge',
      '    linear-vec4 f32/f32 64x64x64  32x32  timed: 32x32 0.125 ms, 32x64 0.250 ms',
      '    conv2d f32/f32 1024x128x64    32x64  profile',
      '  not used: 128x64 of linear-vec4 f32/f32, which computes 7 where 3 is right (element 0 of 1)',
      '  note: 3 classes of shapes were left to the profile: the time for measuring was over',
      'Second (acme, one)',
      '  features: shader-f16, subgroups',
    ]);
  });
  test('--tune fits the kernels of a model, the shipped one if not said', async () => {
    const engine = { ...fakeEngine(), listAdapters: async () => [adapter({})] };
    await call(['devices'], { engine });
    expect(engine.calls).toEqual([]);
    await call(['devices', '--tune'], { engine });
    await call(['devices', '--tune', '--model', 'other'], { engine });
    expect(engine.calls).toEqual([expect.stringMatching(/^tune .*nano$/), 'tune other']);
    expect((await devices(async () => [], '--tune', '--json')).json).not.toHaveProperty('tuning');
  });
  test('without an adapter, in words', async () => {
    const { stdout } = await devices(async () => []);
    expect(stdout).toMatch(/^no WebGPU adapter; npm run setup tells how to get one\nonnxruntime-web 9\.9/);
  });
  test.each([
    ['no adapter', async () => [], undefined],
    [
      'no WebGPU',
      async () => {
        throw new TmcaError('NO_WEBGPU', 'nodeGpu: Dawn must load');
      },
      'nodeGpu: Dawn must load',
    ],
  ])('%s is an answer: wasm', async (_, list, webgpu) => {
    const { code, json } = await devices(list, '--json');
    expect(code).toBe(0);
    expect(json).toEqual({
      adapters: [],
      ...(webgpu === undefined ? {} : { webgpu }),
      wasm: expect.objectContaining({ description: 'onnxruntime-web 9.9 on the CPU, 2 threads' }),
      auto: {
        device: 'wasm',
        adapter: 'onnxruntime-web 9.9 on the CPU, 2 threads',
        fp16: 'weights',
        reason: 'there is no WebGPU adapter; wasm runs instead',
      },
    });
  });
});

describe('inspect gradients', () => {
  const image = tensorOf('image', [1, 3, 1, 1], Float32Array.from([0.5, -1, 2]));
  const ids = tensorOf('ids', [1, 2], Int32Array.from([2, 7]));
  const mask = tensorOf('mask', [1, 2], Uint8Array.from([1, 0]));
  const target = tensorOf('target', [1, 1, 1, 1], Float32Array.from([1]));
  const inspect = async (tensors: Parameters<typeof encodeSafetensors>[0], ...more: string[]) => {
    const inputs = join(folder, 'in.safetensors');
    await writeFile(inputs, encodeSafetensors(tensors));
    const engine = fakeEngine();
    const argv = ['inspect', 'gradients', 'dir', '--inputs', inputs, '--out', join(folder, 'out.safetensors'), ...more];
    return { ...(await call(argv, { engine })), calls: engine.calls };
  };

  test('hands inputs over, writes gradients, prints the losses', async () => {
    const { code, json, calls } = await inspect([image, ids, mask, target], '--freeze-text', '--json');
    expect(code).toBe(0);
    expect(calls).toEqual(['gradients dir false auto auto true']);
    expect(json).toMatchObject({ loss: 2.5, segmentation: 1.75, contrastive: 0.75, gradients: 4, device: 'webgpu' });
    const gradients = await tensorsOf(join(folder, 'out.safetensors'));
    expect(gradients.get('target.seen')).toEqual({ dtype: 'F32', shape: [1, 1, 1, 1], data: Float32Array.from([1]) });
    expect([...gradients.get('ids.seen')!.data]).toEqual([2, 7]);
  });
  test('takes a target of bytes, and says it in words', async () => {
    const bytes = tensorOf('target', [1, 1, 1, 2], Uint8Array.from([0, 1]));
    const { code, stdout, calls } = await inspect([image, ids, mask, bytes], '--fill', '--dtype', 'fp32');
    expect(code).toBe(0);
    expect(calls).toEqual(['gradients dir true auto fp32 false']);
    expect(stdout).toMatch(/^loss 2\.5 \(segmentation 1\.75, contrastive 0\.75\)\n.*out\.safetensors: 4 gradients\n$/);
  });
  test('refuses a file without a target', async () => {
    const { code, stderr, calls } = await inspect([image, ids, mask]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error \[BAD_ARGUMENT\]: inspect gradients: .* must hold image and target, got no target; add it/,
    );
    expect(calls).toEqual([]);
  });
});
