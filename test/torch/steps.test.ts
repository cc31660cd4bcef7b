// Steps by PyTorch against golden states of the executable specification: ten losses of AdamW, and what a run keeps of them.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import {
  encodeSafetensors,
  memorySource,
  openSafetensors,
  type SafetensorsTensor,
  toFloat32,
} from '../../formats/safetensors/index.js';
import { evaluate } from '../../graph/interpreter.js';
import { channelsLast } from '../../graph/map-layout.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { testPython } from '../../tools/test-tiers.js';
import { parseTrainConfig } from '../../train/config.js';
import type { Batch } from '../../train/step/step.js';
import { TorchSteps } from '../../train/torch/steps.js';
import { readTensors } from '../golden.js';

const shared = ['golden/tiny', 'golden/odd', 'golden/baseline', 'compare/golden/unet']
  .map(folder => `../shared/reference/${folder}`)
  .filter(folder => existsSync(folder));
const folders = ['test/fixtures/golden/micro', 'test/fixtures/golden/unet', ...shared];

async function load(folder: string) {
  const config = parseConfig(JSON.parse(readFileSync(`${folder}/config.json`, 'utf8')), folder);
  const stored = await readTensors(`${folder}/forward.safetensors`);
  const path = `${folder}/model.safetensors`;
  const parameters = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
  const { losses, lr } = JSON.parse(readFileSync(`${folder}/train.json`, 'utf8'));
  const read = (name: string) => Float32Array.from(channelsLast(stored.get(name)!).data);
  const whole = (name: string) => Int32Array.from(stored.get(name)!.data as ArrayLike<number>);
  const text = stored.has('ids') ? { ids: whole('ids'), mask: whole('mask') } : {};
  const batch: Batch = { image: read('image'), ...text, target: read('target') };
  const sizes = { batch: stored.get('image')!.shape[0]!, length: stored.get('ids')?.shape[1] ?? 0 };
  return { config, parameters, batch, sizes, losses: losses as number[], lr: lr as number };
}

type Loaded = Awaited<ReturnType<typeof load>>;

const open = ({ config, sizes: { batch, length } }: Loaded, change: object = {}, precision: 'fp32' | 'bf16' = 'fp32') =>
  TorchSteps.open(
    {
      ...{ network: config, config: parseTrainConfig({ batch, freeze: [], ...change }, 'test'), length },
      ...{ validated: 2, emit: () => {}, signal: undefined },
    },
    { python: testPython(), precision },
  );

const fileOf = async (tensors: SafetensorsTensor[]) =>
  openSafetensors(memorySource(encodeSafetensors(tensors), 'saved'));

describe.each(folders)('%s', folder => {
  test('ten losses of AdamW are the specification`s', async () => {
    const loaded = await load(folder);
    const steps = await open(loaded);
    await steps.start(loaded.parameters);
    for (const [i, expected] of loaded.losses.entries()) {
      const { loss } = await steps.step(loaded.batch, { lr: loaded.lr });
      expect(Math.abs(loss / expected - 1), `loss ${i + 1}`).toBeLessThan(1e-4);
    }
    await steps.dispose();
  });
});

test('in bf16 the losses stay near', async () => {
  const loaded = await load(folders[0]!);
  const steps = await open(loaded, {}, 'bf16');
  await steps.start(loaded.parameters);
  const found: number[] = [];
  for (const _ of loaded.losses) found.push((await steps.step(loaded.batch, { lr: loaded.lr })).loss);
  await steps.dispose();
  for (const [i, loss] of found.entries()) expect(Math.abs(loss / loaded.losses[i]! - 1)).toBeLessThan(0.03);
  expect(found).not.toEqual(loaded.losses);
});

test('a run that is saved and resumed takes the steps of one that never stopped', async () => {
  const loaded = await load(folders[0]!);
  const settings = { ema: 0.9, clip: 0.5 };
  const whole = await open(loaded, settings);
  await whole.start(loaded.parameters);
  const lr = { lr: loaded.lr };
  await whole.step(loaded.batch, lr);
  const { weights, optimizer } = await whole.readState();
  const next = await whole.step(loaded.batch, lr);
  const again = await open(loaded, settings);
  await again.resume(await fileOf(weights), await fileOf(optimizer), 1);
  expect(await again.step(loaded.batch, lr)).toEqual(next);
  const [a, b] = [await whole.readModel(), await again.readModel()];
  expect(b.map(({ name }) => name)).toEqual(a.map(({ name }) => name));
  for (const [i, tensor] of a.entries()) expect(toFloat32(b[i]!), tensor.name).toEqual(toFloat32(tensor));
  await whole.dispose();
  await again.dispose();
});

test('validation scores the logits of the published weights', async () => {
  const loaded = await load(folders[0]!);
  const steps = await open(loaded);
  await steps.start(loaded.parameters);
  const { batch, config, sizes } = loaded;
  const seen: number[] = [];
  async function* batches() {
    yield batch;
  }
  const { dice } = await steps.validate(batches(), images => seen.push(images));
  await steps.dispose();
  expect(seen).toEqual([sizes.batch]);
  const file = new Map<string, Float32Array>();
  for await (const tensor of loaded.parameters.tensors()) file.set(tensor.name, toFloat32(tensor));
  const inputs = batch as unknown as Record<string, Float32Array>;
  const { logits } = evaluate(Network.of(config).logits(sizes.batch, sizes.length), {
    input: name => inputs[name]!,
    parameter: name => file.get(name)!,
  });
  const positive = Array.from(logits!.data, x => (x >= 0 ? 1 : 0));
  const overlap = positive.reduce((sum: number, x, i) => sum + x * batch.target[i]!, 0);
  const area = positive.reduce((sum: number, x, i) => sum + x + batch.target[i]!, 0);
  expect(Math.abs(dice - (2 * overlap) / area)).toBeLessThan(1e-3);
});

test('a step that gives no numbers changes nothing', async () => {
  const loaded = await load(folders[0]!);
  const steps = await open(loaded);
  await steps.start(loaded.parameters);
  const before = await steps.readState();
  const broken = { ...loaded.batch, image: loaded.batch.image.map(() => Number.NaN) };
  await expect(steps.step(broken, { lr: 1 })).rejects.toMatchObject({ code: 'MODEL_NOT_FINITE' });
  const after = await steps.readState();
  for (const [i, tensor] of before.weights.entries()) expect(toFloat32(after.weights[i]!)).toEqual(toFloat32(tensor));
  await steps.dispose();
});
