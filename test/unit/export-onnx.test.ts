// `tmca export-onnx`: the files, as any ONNX runtime gets them.

import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { quantizeAlong } from '../../formats/onnx/quantize-along.js';
import { exportOnnx, type OnnxExport } from '../../node/index.js';
import { type GoldenTensor, loadGolden } from '../golden.js';
import { expectClose, tolerance } from '../tolerance.js';
import { call } from './cli-fakes.js';

const model = 'test/fixtures/golden/micro';
const golden = await loadGolden(model);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-onnx-'));
});
afterAll(() => rm(folder, { recursive: true }));

const f32 = ({ data, shape }: GoldenTensor) => new ort.Tensor('float32', Float32Array.from(data), shape);
const i32 = ({ data, shape }: GoldenTensor) => new ort.Tensor('int32', Int32Array.from(data), shape);

/** The logits that the two files give, sample `only` of the batch alone if named. */
async function logitsOf(out: string, only?: number): Promise<{ dims: readonly number[]; data: Float32Array }> {
  const part = (t: GoldenTensor): GoldenTensor => {
    if (only === undefined) return t;
    const size = t.data.length / t.shape[0]!;
    return { shape: [1, ...t.shape.slice(1)], data: Array.from(t.data).slice(only * size, (only + 1) * size) };
  };
  const [image, ids, mask] = ['image', 'ids', 'mask'].map(name => part(golden.forward.get(name)!));
  const text = await ort.InferenceSession.create(join(out, 'text.onnx'), { logSeverityLevel: 3 });
  const report = await text.run({ ids: i32(ids!), mask: i32(mask!) });
  const frame = await ort.InferenceSession.create(join(out, 'image.onnx'), { logSeverityLevel: 3 });
  const { logits } = await frame.run({ image: f32(image!), mask: i32(mask!), ...report });
  const result = { dims: logits!.dims, data: (logits!.data as Float32Array).slice() };
  await text.release();
  await frame.release();
  return result;
}

describe('in fp32', () => {
  let out: string;
  let result: OnnxExport;
  beforeAll(async () => {
    out = join(folder, 'fp32');
    const { code, json, stderr } = await call(['export-onnx', model, '--out', out, '--json']);
    expect([code, stderr]).toEqual([0, '']);
    result = json as OnnxExport;
  });

  test('the reference’s logits, for the whole batch and for a part of it', async () => {
    const { shape, data } = golden.forward.get('logits')!;
    const all = await logitsOf(out);
    expect(all.dims).toEqual(shape);
    expectClose(all.data, data, tolerance.golden);
    const last = shape[0]! - 1;
    expectClose(
      (await logitsOf(out, last)).data,
      Array.from(data).slice((data.length / shape[0]!) * last),
      tolerance.golden,
    );
  });

  test('says what is in the files, and is the length that it says', async () => {
    const size = golden.config.imageSize;
    const [image, text] = result.files;
    expect(result).toMatchObject({ dtype: 'fp32', opset: 20, hash: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(image!.inputs[0]).toEqual({ name: 'image', type: 'float32', shape: ['batch', 3, size, size] });
    expect(image!.outputs).toEqual([{ name: 'logits', type: 'float32', shape: ['batch', 1, size, size] }]);
    expect(text!.inputs).toEqual(['ids', 'mask'].map(name => ({ name, type: 'int32', shape: ['batch', 'length'] })));
    const crossing = text!.outputs.map(({ name }) => name);
    expect(image!.inputs.map(({ name }) => name)).toEqual(['image', 'mask', ...crossing]);
    for (const { file, bytes } of result.files) expect((await readFile(file)).length).toBe(bytes);
    expect((await readdir(out)).sort()).toEqual(['image.onnx', 'text.onnx']);
  });

  test('carries the notice, the hash of the weights and where the licence is', async () => {
    for (const { file } of result.files) {
      const text = (await readFile(file)).toString('latin1');
      for (const said of ['Not a medical device.', result.hash, 'license', golden.config.normalize])
        expect(text, said).toContain(said);
    }
  });
});

test('in fp16: weights and what crosses are halves, pictures and logits are not, and the mask stays', async () => {
  const out = join(folder, 'fp16');
  const { files, dtype } = await exportOnnx(model, out, { dtype: 'fp16' });
  expect(dtype).toBe('fp16');
  expect(files[1]!.outputs.every(({ type }) => type === 'float16')).toBe(true);
  expect([files[0]!.inputs[0]!.type, files[0]!.outputs[0]!.type]).toEqual(['float32', 'float32']);
  expect(files[1]!.bytes).toBeLessThan(0.75 * (await readFile(join(folder, 'fp32', 'text.onnx'))).length);
  const { data } = await logitsOf(out);
  expectClose(data, golden.forward.get('logits')!.data, tolerance.goldenHalf);
});

test('in int8: whole numbers with a scale for each output channel, dequantized in the graph', async () => {
  const out = join(folder, 'int8');
  const { files, dtype } = await exportOnnx(model, out, { dtype: 'int8' });
  expect(dtype).toBe('int8');
  expect((await readFile(files[0]!.file)).includes('DequantizeLinear')).toBe(true);
  const { data } = await logitsOf(out);
  const expected = golden.forward.get('logits')!.data;
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, v, i) => sum + v * b[i]!, 0);
  expect(dot(data, expected) / Math.sqrt(dot(data, data) * dot(expected, expected))).toBeGreaterThan(0.999);
});

test('in int8 a table is read by rows, and a file is a quarter of what it was', async () => {
  const { files } = await exportOnnx('models/nano', join(folder, 'nano'), { dtype: 'int8' });
  const text = await readFile(files[1]!.file);
  expect(text.includes('text_encoder.embeddings.word_embeddings.weight.scale')).toBe(true);
  // 13.3 MB in fp32
  expect(text.length).toBeLessThan(3.6e6);
  const session = await ort.InferenceSession.create(files[1]!.file, { logSeverityLevel: 3 });
  const words = new ort.Tensor('int32', Int32Array.of(2, 30521, 3), [1, 3]);
  const { 'report.2': pooled } = await session.run({ ids: words, mask: i32({ shape: [1, 3], data: [1, 1, 1] }) });
  expect((pooled!.data as Float32Array).every(Number.isFinite)).toBe(true);
  await session.release();
});

describe('whole numbers along an axis', () => {
  const values = new Float32Array([0.5, -1, 0, 2, 4, 0]);
  test('the first: a scale for each row', () => {
    const { q, scale } = quantizeAlong(values, [2, 3], 0);
    expect([...q]).toEqual([64, -127, 0, 64, 127, 0]);
    expect(scale).toEqual(Float32Array.of(1 / 127, 4 / 127));
  });
  test('the last: a scale for each column, in the same order', () => {
    const { q, scale } = quantizeAlong(values, [2, 3], 1);
    expect([...q]).toEqual([32, -32, 0, 127, 127, 0]);
    expect(scale).toEqual(Float32Array.of(2 / 127, 4 / 127, 1));
  });
});

test('in words, for a person', async () => {
  const { stdout } = await call(['export-onnx', model, '--out', join(folder, 'words'), '--fill']);
  expect(stdout).toMatch(/image\.onnx: \d+\.\d MB, \d+ nodes\n {2}in {3}image float32 \[batch, 3, \d+, \d+\]/);
  expect(stdout).toMatch(/ {2}out {2}logits float32 \[batch, 1, \d+, \d+\]/);
  expect(stdout).toMatch(/fp32, opset 20\. Research use only; not a medical device\.\n$/);
});

describe('what fails leaves nothing, and what was there before', () => {
  test('a model that is cut short', async () => {
    const broken = join(folder, 'broken');
    const out = join(folder, 'of-broken');
    await cp(model, broken, { recursive: true });
    await truncate(join(broken, 'model.safetensors'), 60_000);
    const { code, stderr } = await call(['export-onnx', broken, '--out', out]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[(SAFETENSORS_INVALID|MODEL_INCOMPLETE|FILE_UNREADABLE)\]/);
    expect(await readdir(out)).toEqual([]);
  });

  test('an export that is stopped', async () => {
    const out = join(folder, 'fp32');
    const before = await readFile(join(out, 'image.onnx'));
    const stop = new AbortController();
    const stopped = exportOnnx(model, out, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect((await readdir(out)).sort()).toEqual(['image.onnx', 'text.onnx']);
    expect((await readFile(join(out, 'image.onnx'))).equals(before)).toBe(true);
  });

  test('a folder that is a file', async () => {
    const { code, stderr } = await call(['export-onnx', model, '--out', join(model, 'config.json')]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error \[OUTPUT_NOT_WRITABLE\]/);
    expect(existsSync(join(model, 'image.onnx'))).toBe(false);
  });
});
