// Recomputation on the device: fewer bytes of activations, and not one bit of the parameters after two steps different.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/index.js';
import { memorySource, openSafetensors } from '../../formats/safetensors/index.js';
import { Readback } from '../../gpu/readback.js';
import type { Recompute } from '../../graph/passes/recompute.js';
import { TrainingStep } from '../../train/step/step.js';
import { loadGolden } from '../golden.js';
import { testDevice } from './device.js';

const folder = 'test/fixtures/golden/micro';

async function twoSteps(recompute: Recompute) {
  const { config, batch, length, feed } = await loadGolden(folder);
  const gpu = await testDevice(true);
  const step = await TrainingStep.create(gpu, await loadAssembly(), config, { batch, length, recompute });
  const path = `${folder}/model.safetensors`;
  await step.arena.load(await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path)));
  const inputs = {
    image: Float32Array.from(feed.input!('image')),
    ids: Int32Array.from(feed.input!('ids')),
    mask: Int32Array.from(feed.input!('mask')),
    target: Float32Array.from(feed.input!('target')),
  };
  const losses = [await step.run(inputs, { lr: 1e-3 }), await step.run(inputs, { lr: 1e-3 })];
  const readback = new Readback(gpu);
  const parameters = await step.arena.read(readback);
  const { arenaBytes, dispatches } = step;
  readback.dispose();
  step.dispose();
  return { losses, parameters, arenaBytes, dispatches };
}

test('the same bits from less memory', async () => {
  const plain = await twoSteps('none');
  for (const level of ['cheap', 'blocks'] as const) {
    const again = await twoSteps(level);
    expect(again.losses).toEqual(plain.losses);
    for (const [name, { data }] of plain.parameters) expect(again.parameters.get(name)!.data, name).toEqual(data);
    expect(again.arenaBytes).toBeLessThan(plain.arenaBytes);
    expect(again.dispatches).toBeGreaterThan(plain.dispatches);
  }
});
