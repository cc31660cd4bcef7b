// Training in a page: three steps in Chromium on SwiftShader against AdamW on the interpreter's gradients, in double precision.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/index.js';
import { memorySource, openSafetensors, toFloat32 } from '../../formats/safetensors/index.js';
import { evaluate } from '../../graph/interpreter.js';
import type { NdArray } from '../../graph/rule.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { trainingGraph } from '../../networks/training.js';
import { Examples } from '../../train/batch/page-batch.js';
import { examplesOf, VOCABULARY } from '../training-examples.js';
import { openPage, openSite, type Site } from './chromium.js';
import type {} from './pages/train.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const model = 'test/fixtures/golden/micro';
const LENGTH = 8;
const LR = 1e-3;
const DECAY = 0.01;

let site: Site;
beforeAll(async () => {
  site = await openSite({ configFile: false, root, assetsInclude: ['**/*.deflate'] });
});
afterAll(() => site?.close());

async function parametersOf(bytes: Uint8Array): Promise<Map<string, Float64Array>> {
  const found = new Map<string, Float64Array>();
  const file = await openSafetensors(memorySource(bytes, 'parameters'));
  for await (const tensor of file.tensors()) found.set(tensor.name, Float64Array.from(toFloat32(tensor)));
  return found;
}

/** Losses and the parameters after them, by torch.optim.AdamW's formulas. */
async function expectedRun(steps: number) {
  const config = parseConfig(JSON.parse(readFileSync(`${root}/${model}/config.json`, 'utf8')), model);
  const examples = new Examples(await loadAssembly(), config, VOCABULARY, LENGTH);
  const batch = examples.batch(examplesOf(2));
  examples.dispose();
  const parameters = await parametersOf(new Uint8Array(readFileSync(`${root}/${model}/model.safetensors`)));
  const { losses, gradients, statistics } = trainingGraph(Network.of(config), 2, LENGTH);
  const moments = new Map<string, { readonly m: Float64Array; readonly v: Float64Array }>();
  const found: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const input = (name: string) => batch[name as 'image'];
    const feed = { input, parameter: (name: string) => parameters.get(name)! };
    const { loss, ...rest } = evaluate({ loss: losses.loss, ...gradients, ...statistics }, feed) as Record<
      string,
      NdArray<Float64Array>
    >;
    found.push(loss!.data[0]!);
    for (const name of Object.keys(statistics)) parameters.set(name, rest[name]!.data);
    for (const name of Object.keys(gradients)) {
      const [p, g] = [parameters.get(name)!, rest[name]!.data];
      const { m, v } = moments.get(name) ?? { m: new Float64Array(p.length), v: new Float64Array(p.length) };
      moments.set(name, { m, v });
      for (let i = 0; i < p.length; i++) {
        m[i] = 0.9 * m[i]! + 0.1 * g[i]!;
        v[i] = 0.999 * v[i]! + 0.001 * g[i]! ** 2;
        const root = Math.sqrt(v[i]! / (1 - 0.999 ** step));
        p[i] = p[i]! * (1 - LR * DECAY) - (LR * m[i]!) / (1 - 0.9 ** step) / (root + 1e-8);
      }
    }
  }
  return { losses: found, parameters, shapes: Network.of(config).parameters };
}

test('three steps of a tiny network on a page: the losses, a model of its shapes, refusals', async () => {
  const expected = await expectedRun(3);
  const { page, errors } = await openPage(site, '/test/browser/pages/train.html');
  await page.waitForFunction(() => 'training' in globalThis);
  const examples = examplesOf(2).map(({ image, mask, text }) => ({
    ...{ text, image: [...image.data], mask: [...mask.data], width: image.width, height: image.height },
  }));
  const got = await page.evaluate(
    async ([model, vocab, given, length, lr]) => {
      let plan = '';
      const trainer = await training.Trainer.create({
        ...{ model, vocab: Uint8Array.from(vocab), textLength: length, device: 'webgpu' },
        settings: { batch: 2, lr, freeze: [] },
        onPlan: found => {
          plan = training.describePlan(found);
        },
      });
      const picture = (data: number[], width: number, height: number) =>
        new ImageData(Uint8ClampedArray.from(data), width, height);
      const batch = given.map(({ image, mask, width, height, text }) => ({
        image: picture(image, width, height),
        mask: picture(mask, width, height),
        text,
      }));
      const losses: number[] = [];
      for (let i = 0; i < 3; i++) losses.push((await trainer.step(batch)).loss);
      const weights = [...(await trainer.weights())];
      const refused = await trainer.step(batch.slice(1)).catch(error => `${error.code} ${error.message}`);
      trainer.dispose();
      return { losses, weights, refused, plan, name: trainer.config.name };
    },
    [`/${model}`, [...VOCABULARY], examples, LENGTH, LR] as const,
  );
  for (const [i, loss] of expected.losses.entries())
    expect(Math.abs(got.losses[i]! - loss) / loss, `step ${i + 1}: ${got.losses[i]}, expected ${loss}`).toBeLessThan(
      1e-4,
    );
  expect(new Set(got.losses).size).toBe(3);
  const published = await parametersOf(Uint8Array.from(got.weights));
  expect([...published.keys()].sort()).toEqual([...expected.shapes.keys()].sort());
  // AdamW moves a weight by about the rate whatever its gradient, so rounding may turn one by as much; the mean may not move.
  for (const name of ['head.out.weight', 'decoder.blocks.2.conv1.weight', 'image_encoder.layernorm.weight']) {
    const [a, b] = [published.get(name)!, expected.parameters.get(name)!];
    const apart = a.reduce((sum, x, i) => sum + Math.abs(x - b[i]!), 0) / a.length;
    expect(apart, name).toBeLessThan(0.05 * LR);
  }
  expect(got.plan).toContain('batch 2, sentences of 8 tokens: the whole batch at once, nothing recomputed');
  expect(got.refused).toMatch(/^BAD_ARGUMENT Trainer\.step: a batch must have 2 examples, got 1/);
  expect(errors).toEqual([]);
});
