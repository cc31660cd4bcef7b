// Sessions in wasm, which need no device: the shipped model on a sample, and what becomes of them.

import { readFileSync } from 'node:fs';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-web';
import { describe, expect, test } from 'vitest';
import {
  encodeSafetensors,
  memorySource,
  openSafetensors,
  type SafetensorsTensor,
} from '../../formats/safetensors/index.js';
import { int8Parameters, quantizedStream } from '../../formats/weights/int8.js';
import { parseConfig } from '../../networks/config.js';
import { decodeImage } from '../../node/images/image-files.js';
import { inspectForward, inspectGradients, openSession } from '../../node/index.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { openModel } from '../../runtime/session/open.js';
import type { Progress } from '../../runtime/types.js';
import { loadGolden } from '../golden.js';
import { expectClose, tolerance } from '../tolerance.js';

const model = 'models/nano';
const [sample] = JSON.parse(readFileSync('samples/samples.json', 'utf8')) as { file: string; text: string }[];
const { pixels } = await decodeImage(`samples/${sample!.file}`, {});

const nowhere = { io: nodeIo, gpu: async () => undefined, ort: async () => ort };

describe('a session in wasm', async () => {
  const phases = new Set<Progress['phase']>();
  const session = await openSession(model, { device: 'wasm', onProgress: ({ phase }) => phases.add(phase) });

  test('says what runs, and why, and shows its loading', () => {
    expect(session.info).toMatchObject({
      device: 'wasm',
      dtype: 'fp16',
      adapter: { vendor: 'onnxruntime', architecture: 'wasm', software: true },
      reason: 'wasm was asked for; the model is stored in fp16; in wasm its arithmetic is fp32',
      model: { name: 'nano-128', hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(session.info.adapter.description).toMatch(/^onnxruntime-web 1\.\d+\.\d+ on the CPU, \d threads?$/);
    expect([...phases].sort()).toEqual(['compile', 'ready', 'weights']);
  });

  test('finds the polyp of a sample, the same again, and another text gives another mask', async () => {
    const report = await session.encodeReport(sample!.text);
    const first = await session.segment(pixels, report);
    expect(first.lesions.length).toBeGreaterThan(0);
    expect(first.mask).toHaveLength(pixels.width * pixels.height);
    expect((await session.segment(pixels, report)).probability).toEqual(first.probability);
    const other = await session.encodeReport('two large round polyps, located in top left of the image');
    expect((await session.segment(pixels, other)).probability).not.toEqual(first.probability);
    expect(session.stats()).toMatchObject({ frames: 3, reports: 2, recoveries: 0, dispatches: { frame: 0, text: 0 } });
    expect(session.stats().gpuBytes.weights).toBeGreaterThan(19e6);
  });

  test('refuses what any session refuses, and goes on', async () => {
    const report = await session.encodeReport(sample!.text);
    await expect(session.encodeReport('  ')).rejects.toMatchObject({ code: 'TEXT_EMPTY' });
    const bad = { ...pixels, width: pixels.width + 1 };
    await expect(session.segment(bad, report)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
    const stopped = { signal: AbortSignal.abort() };
    await expect(session.segment(pixels, report, stopped)).rejects.toMatchObject({ code: 'ABORTED' });
    const long = await session.encodeReport('polyp '.repeat(60));
    expect([long.truncated, long.ids.length]).toEqual([true, 24]);
    expect((await session.segment(pixels, long)).probability.every(Number.isFinite)).toBe(true);
  });

  test('two at a time do not mix', async () => {
    await using second = await (async () => {
      const opened = await openSession(model, { device: 'wasm', dtype: 'fp32' });
      return { opened, [Symbol.asyncDispose]: async () => opened.dispose() };
    })();
    expect(second.opened.info.dtype).toBe('fp32');
    const [mine, theirs] = await Promise.all([session, second.opened].map(s => s.encodeReport(sample!.text)));
    const [a, b] = await Promise.all([session.segment(pixels, mine!), second.opened.segment(pixels, theirs!)]);
    expect(a.probability).toEqual(b.probability);
    await expect(session.segment(pixels, theirs!)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  });

  test('disposed of, it rejects', async () => {
    session.dispose();
    session.dispose();
    await expect(session.encodeReport(sample!.text)).rejects.toMatchObject({ code: 'DISPOSED' });
  });
});

describe('auto', () => {
  test('without WebGPU takes wasm', async () => {
    const session = await openModel(model, nowhere);
    expect(session.info.device).toBe('wasm');
    expect(session.info.reason).toMatch(/^there is no WebGPU adapter; wasm runs instead; /);
    session.dispose();
  });

  test('where onnxruntime-web cannot be loaded, says what to do', async () => {
    const platform = { ...nowhere, ort: () => Promise.reject(new TypeError('no such module')) };
    await expect(openModel(model, platform)).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: `loadOrt: onnxruntime-web must load, got "no such module"; serve the package's folder onnxruntime, and set wasmPaths to its address`,
    });
  });

  test('a load that is stopped', async () => {
    const stop = new AbortController();
    const loading = openModel(model, nowhere, { signal: stop.signal, onProgress: () => stop.abort() });
    await expect(loading).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

test('an int8 folder runs as the numbers that it stands for', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tmca-int8-'));
  try {
    const path = `${model}/model.safetensors`;
    const config = JSON.parse(readFileSync(`${model}/config.json`, 'utf8'));
    const file = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
    const tensors: SafetensorsTensor[] = [];
    for await (const tensor of quantizedStream(file, int8Parameters(parseConfig(config, model))).tensors())
      tensors.push(tensor);
    expect(tensors.some(({ dtype }) => dtype === 'I8')).toBe(true);
    await writeFile(join(folder, 'model.safetensors'), encodeSafetensors(tensors));
    await writeFile(join(folder, 'config.json'), JSON.stringify({ ...config, dtype: 'int8' }));
    await copyFile(`${model}/vocab.txt`, join(folder, 'vocab.txt'));
    const [whole, real] = await Promise.all([folder, model].map(dir => openSession(dir, { device: 'wasm' })));
    expect(whole!.info).toMatchObject({ device: 'wasm', dtype: 'int8' });
    expect(whole!.info.reason).toMatch(/the model is stored in int8; in wasm its arithmetic is fp32$/);
    const masks: Uint8Array[] = [];
    for (const session of [whole!, real!]) {
      masks.push((await session.segment(pixels, await session.encodeReport(sample!.text))).mask);
      session.dispose();
    }
    const differ = masks[0]!.reduce((sum, value, i) => sum + Number(value !== masks[1]![i]), 0);
    expect(differ).toBeGreaterThan(0);
    expect(differ / masks[0]!.length).toBeLessThan(0.01);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('inspect forward in wasm gives what the reference stored', async () => {
  const golden = await loadGolden('test/fixtures/golden/micro');
  const [image, ids, mask] = ['image', 'ids', 'mask'].map(name => golden.forward.get(name)!);
  const inputs = { image: image!, ids: ids!, mask: mask! };
  const { outputs, info } = await inspectForward(golden.folder, inputs, { device: 'wasm' });
  expect(info.device).toBe('wasm');
  expectClose(outputs.logits!.data, golden.forward.get('logits')!.data, tolerance.golden);
  expect(outputs['map.1']!.shape).toEqual(golden.forward.get('map.1')!.shape);
  const wrong = { ...inputs, mask: { shape: [1, 1], data: [1] } };
  for (const [given, got] of [
    [wrong, 'and mask [1,1]'],
    [{ image: image! }, 'ids nothing and mask nothing'],
  ] as const) {
    await expect(inspectForward(golden.folder, given, { device: 'wasm' })).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringContaining(got),
    });
  }
  await expect(
    inspectGradients(golden.folder, { ...inputs, target: image! }, { device: 'wasm' }),
  ).rejects.toMatchObject({ code: 'UNSUPPORTED' });
});
