// The network on the device against golden states of the PyTorch reference, through the passes and kernels that ship.

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import { memorySource, openSafetensors } from '../../formats/safetensors/index.js';
import { inspectForward } from '../../node/index.js';
import { runForward } from '../../runtime/inspect/forward.js';
import { type Golden, goldenFolders, loadGolden, readTensors } from '../golden.js';
import { expectClose, tolerance } from '../tolerance.js';
import { deviceVariations } from './device.js';

const variations = await deviceVariations();

async function forward(golden: Golden, { gpu, precision }: (typeof variations)[number]) {
  const { forward: stored, config, folder } = golden;
  const inputs = { image: stored.get('image')!, ids: stored.get('ids')!, mask: stored.get('mask')! };
  const path = `${folder}/model.safetensors`;
  const parameters = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
  return runForward(gpu, await loadAssembly(), config, inputs, precision, parameters);
}

describe.each(goldenFolders())('%s', folder => {
  test.each(variations.filter(v => v.precision.dtype === 'fp32'))('$name: every stored output', async variation => {
    const golden = await loadGolden(folder);
    const { outputs } = await forward(golden, variation);
    const names = [...golden.forward.keys()].filter(name => !['image', 'ids', 'mask', 'target'].includes(name));
    expect(Object.keys(outputs).sort()).toEqual(names.sort());
    for (const name of names) {
      const { shape, data } = golden.forward.get(name)!;
      expect(outputs[name]!.shape, name).toEqual(shape);
      expectClose(outputs[name]!.data, data, tolerance.golden);
    }
  });

  test.each(variations.filter(v => v.precision.dtype === 'fp16'))('$name: logits and mask', async variation => {
    const golden = await loadGolden(folder);
    const { outputs } = await forward(golden, variation);
    const logits = outputs.logits!.data;
    const stored = golden.forward.get('logits')!.data;
    expectClose(logits, stored, tolerance.goldenHalf);
    const equal = logits.reduce((count, logit, i) => count + Number(logit >= 0 === stored[i]! >= 0), 0);
    expect(equal / logits.length).toBeGreaterThanOrEqual(0.998);
  });
});

const full = '../shared/reference/golden/full';

test.skipIf(!existsSync(full))(
  'the full network, its parameters computed from their names (needs ../shared)',
  async () => {
    const stored = await readTensors(`${full}/forward.safetensors`);
    const [image, ids, mask] = ['image', 'ids', 'mask'].map(name => stored.get(name)!);
    const inputs = { image: image!, ids: ids!, mask: mask! };
    const { outputs } = await inspectForward(full, inputs, { device: 'webgpu', dtype: 'fp32', fill: true });
    for (const name of ['text', 'pooled', 'logits'])
      expectClose(outputs[name]!.data, stored.get(name)!.data, tolerance.goldenFull);
  },
);
