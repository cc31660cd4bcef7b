// U-Net on the device against golden states of the PyTorch reference: outputs, gradients and ten losses.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/index.js';
import { memorySource, openSafetensors } from '../../formats/safetensors/index.js';
import { channelsLast } from '../../graph/map-layout.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { buildPrograms } from '../../runtime/engines/webgpu/programs.js';
import { runForward } from '../../runtime/inspect/forward.js';
import { runGradients } from '../../runtime/inspect/gradients.js';
import { TrainingStep } from '../../train/step/step.js';
import { readTensors } from '../golden.js';
import { expectClose, tolerance } from '../tolerance.js';
import { deviceVariations, testDevice } from './device.js';

const shared = ['../shared/reference/compare/golden/unet'].filter(folder => existsSync(folder));
const folders = ['test/fixtures/golden/unet', 'test/fixtures/golden/unet-lvit', ...shared];
const precisions = (await deviceVariations()).filter(v => v.precision.dtype === 'fp32');

async function load(folder: string) {
  const config = parseConfig(JSON.parse(readFileSync(`${folder}/config.json`, 'utf8')), folder);
  const stored = await readTensors(`${folder}/forward.safetensors`);
  const path = `${folder}/model.safetensors`;
  const parameters = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
  const { first, losses, lr } = JSON.parse(readFileSync(`${folder}/train.json`, 'utf8'));
  return { config, stored, parameters, first, losses: losses as number[], lr: lr as number };
}

const largest = (data: ArrayLike<number>) => Array.from(data).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

describe.each(folders)('%s', folder => {
  test.each(precisions)('$name: every stored output', async ({ gpu, precision }) => {
    const { config, stored, parameters } = await load(folder);
    const inputs = { image: stored.get('image')! };
    const { outputs } = await runForward(gpu, await loadAssembly(), config, inputs, precision, parameters);
    const names = [...stored.keys()].filter(name => !['image', 'target'].includes(name));
    expect(Object.keys(outputs).sort()).toEqual(names.sort());
    for (const name of names) expectClose(outputs[name]!.data, stored.get(name)!.data, tolerance.golden);
  });

  test('the loss and every gradient', async () => {
    const { config, stored, parameters, first } = await load(folder);
    const inputs = { image: stored.get('image')!, target: stored.get('target')! };
    const run = await runGradients(await testDevice(true), await loadAssembly(), config, inputs, parameters);
    expect(run.losses).toEqual({ loss: run.losses.loss, segmentation: run.losses.loss });
    expect(Math.abs(run.losses.loss - first.loss)).toBeLessThan(1e-5);
    const golden = await readTensors(`${folder}/gradients.safetensors`);
    expect(Object.keys(run.gradients).sort()).toEqual([...golden.keys()].sort());
    for (const [name, { shape, data }] of golden) {
      const found = run.gradients[name]!;
      expect(found.shape, name).toEqual(shape);
      // A bias before BatchNorm has a gradient of 0 by construction.
      const error = largest(found.data.map((value, i) => value - data[i]!));
      expect(error, name).toBeLessThan(1e-3 * largest(data) + 1e-7);
    }
  });

  test("ten losses of AdamW are PyTorch's, and its micro-batches need no other graph", async () => {
    const { config, stored, parameters, losses, lr } = await load(folder);
    const batch = stored.get('image')!.shape[0]!;
    const device = await testDevice(true);
    const step = await TrainingStep.create(device, await loadAssembly(), config, { batch, length: 0 });
    await step.arena.load(parameters);
    const read = (name: string) => Float32Array.from(channelsLast(stored.get(name)!).data);
    const given = { image: read('image'), target: read('target') };
    for (const [i, expected] of losses.entries()) {
      const { loss } = await step.run(given, { lr });
      expect(Math.abs(loss / expected - 1), `loss ${i + 1}`).toBeLessThan(1e-4);
    }
    step.dispose();
    const parts = await TrainingStep.create(device, await loadAssembly(), config, { batch, microBatch: 1, length: 0 });
    await parts.arena.load(parameters);
    const { loss, segmentation } = await parts.run(given, { lr });
    expect(loss).toBe(segmentation);
    parts.dispose();
  });
});

test('activations are epilogues: a frame has no elementwise dispatch, and there is no text', () => {
  const config = parseConfig({ network: 'unet', image_size: 32, channels: [4, 8, 12] }, 'test');
  const precision = { dtype: 'fp32', activations: 'f32', weights: 'f32', wide: new Set<string>() } as const;
  const { frame, text } = buildPrograms(config, 0, precision as never);
  const kernels = new Set(frame.calls.map(({ shader }) => shader.name));
  expect([...kernels].filter(name => /^(unary|binary)/.test(name))).toEqual([]);
  expect(text.calls).toEqual([]);
  expect(Network.of(config).parameters.has('up1.up.bias')).toBe(true);
});
