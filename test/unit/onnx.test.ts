// The network as ONNX, in onnxruntime-web's wasm, against golden states of the PyTorch reference.

import { readFileSync } from 'node:fs';
import * as ort from 'onnxruntime-web';
import { describe, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/instance.js';
import type { EmittedGraph } from '../../formats/onnx/emit.js';
import { splitModels } from '../../formats/onnx/model.js';
import { onnxNetwork, onnxPlans } from '../../formats/onnx/plans.js';
import { memorySource, openSafetensors } from '../../formats/safetensors/index.js';
import { OnnxNetwork } from '../../runtime/engines/wasm/network.js';
import { type Golden, goldenFolders, loadGolden } from '../golden.js';
import { expectClose, tolerance } from '../tolerance.js';

const FACTS = { name: 'test', description: 'of a test', producerVersion: '0', metadata: {} };

async function networks(graphs: readonly EmittedGraph[], { folder }: Golden): Promise<OnnxNetwork[]> {
  const path = `${folder}/model.safetensors`;
  const stream = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
  const models = await splitModels(graphs, FACTS, await loadAssembly(), stream);
  return Promise.all(models.map(model => OnnxNetwork.create(ort, model)));
}

const feedsOf = ({ forward }: Golden) => {
  const f32 = (name: string) => ({ shape: forward.get(name)!.shape, data: Float32Array.from(forward.get(name)!.data) });
  const i32 = (name: string) => ({ shape: forward.get(name)!.shape, data: Int32Array.from(forward.get(name)!.data) });
  return { image: f32('image'), ids: i32('ids'), mask: i32('mask') };
};

describe.each(goldenFolders())('%s', folder => {
  test('every stored output', async () => {
    const golden = await loadGolden(folder);
    const [network] = await networks([onnxNetwork(golden.config)], golden);
    const outputs = await network!.run(feedsOf(golden));
    const names = [...golden.forward.keys()].filter(name => !['image', 'ids', 'mask', 'target'].includes(name));
    expect(Object.keys(outputs).sort()).toEqual(names.sort());
    for (const name of names) {
      const { shape, data } = golden.forward.get(name)!;
      expect(outputs[name]!.shape, name).toEqual(shape);
      expectClose(outputs[name]!.data, data, tolerance.golden);
    }
    network!.dispose();
  });

  test('two plans: the frame reads what the text left', async () => {
    const golden = await loadGolden(folder);
    const { image, text } = onnxPlans(golden.config, 'f32');
    const [frame, report] = await networks([image, text!], golden);
    const { image: picture, ids, mask } = feedsOf(golden);
    const results = await report!.run({ ids, mask });
    const { logits } = await frame!.run({ image: picture, mask, ...results });
    expectClose(logits!.data, golden.forward.get('logits')!.data, tolerance.golden);
    frame!.dispose();
    report!.dispose();
  });
});
