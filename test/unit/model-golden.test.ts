// The graph against the PyTorch reference, evaluated by the interpreter; and each pass against the graph before it.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { builder as b } from '../../graph/builder.js';
import { findLoadTime, isOp, type Outputs, parametersOf, topological } from '../../graph/graph.js';
import { evaluate, type Feed } from '../../graph/interpreter.js';
import { channelsLast } from '../../graph/map-layout.js';
import { foldBatchNorm } from '../../graph/passes/fold-batch-norm.js';
import { foldHead } from '../../graph/passes/fold-head.js';
import { foldLayerScale } from '../../graph/passes/fold-layer-scale.js';
import { foldNormAffine } from '../../graph/passes/fold-norm-affine.js';
import { foldPositions } from '../../graph/passes/fold-positions.js';
import { fuseConv2d } from '../../graph/passes/fuse-conv2d.js';
import { fuseLinear } from '../../graph/passes/fuse-linear.js';
import { fuseNorm } from '../../graph/passes/fuse-norm.js';
import { fold, fuse, partition } from '../../graph/passes/index.js';
import { mergeLinears } from '../../graph/passes/merge-linears.js';
import { Network } from '../../networks/network.js';
import { scalarsOf, targetInput, trainingForward, trainingLosses } from '../../networks/training.js';
import { type Golden, goldenFolders, loadGolden, readTensors } from '../golden.js';

const graphOf = ({ config, batch, length }: Golden) => Network.of(config).forward(batch, length);

const largest = (a: ArrayLike<number>, c: ArrayLike<number>): number => {
  expect(a.length).toBe(c.length);
  let worst = 0;
  for (let i = 0; i < a.length; i++) worst = Math.max(worst, Math.abs(a[i]! - c[i]!));
  return worst;
};

/** Ops that a run executes: neither known at load nor views. */
function opCounts(outputs: Outputs): Record<string, number> {
  const known = findLoadTime(outputs);
  const counts: Record<string, number> = {};
  for (const t of topological(Object.values(outputs))) {
    if (isOp(t) && !known.has(t) && t.op !== 'reshape') counts[t.op] = (counts[t.op] ?? 0) + 1;
  }
  return counts;
}

describe.each(goldenFolders())('%s', folder => {
  test('every stored output, to the precision of its storage', async () => {
    const golden = await loadGolden(folder);
    const outputs = graphOf(golden).named;
    const values = evaluate(outputs, golden.feed);
    const stored = [...golden.forward.keys()].filter(name => !['image', 'ids', 'mask', 'target'].includes(name));
    expect(Object.keys(outputs).sort()).toEqual(stored.sort());
    for (const [name, { data }] of Object.entries(values)) {
      expect(largest(data, channelsLast(golden.forward.get(name)!).data), name).toBeLessThan(1e-6);
    }
  });

  test('the parameters are those of the checkpoint, by name and shape', async () => {
    const golden = await loadGolden(folder);
    const stored = await readTensors(`${folder}/model.safetensors`);
    const shapes = new Map([...stored].map(([name, { shape }]) => [name, [...shape]]));
    expect(new Map(parametersOf(graphOf(golden).named))).toEqual(shapes);
  });

  test('the training loss and its parts', async () => {
    const golden = await loadGolden(folder);
    const { config, batch, length } = golden;
    const network = Network.of(config);
    const forward = trainingForward(network, network.leaves(batch, length));
    const losses = trainingLosses(network, forward, targetInput(network, batch), scalarsOf(network, false));
    const values = evaluate(losses, golden.feed);
    const { first } = JSON.parse(readFileSync(`${folder}/train.json`, 'utf8'));
    for (const part of ['loss', 'segmentation', 'contrastive'] as const) {
      expect(Math.abs(values[part]!.data[0]! - first[part]), part).toBeLessThan(1e-7);
    }
  });

  test('folded and fused equals unfused, with every output kept and with the logits alone', async () => {
    const golden = await loadGolden(folder);
    const all = graphOf(golden).named;
    for (const outputs of [all, { logits: all.logits! }]) {
      const before = evaluate(outputs, golden.feed);
      const after = evaluate(fuse(fold(outputs)), golden.feed);
      for (const [name, { data }] of Object.entries(before)) {
        expect(largest(data, after[name]!.data), name).toBeLessThan(1e-9);
      }
    }
  });
});

describe('passes', async () => {
  const golden = await loadGolden('test/fixtures/golden/micro');
  const start: Outputs = { logits: graphOf(golden).logits };
  const truth = evaluate(start, golden.feed).logits!.data;
  const passes: [string, (o: Outputs) => Outputs, (counts: Record<string, number>) => void][] = [
    ['foldPositions', o => foldPositions(o, 'image'), c => expect(c.binary).toBeGreaterThan(opCounts(start).binary!)],
    ['foldBatchNorm', foldBatchNorm, c => expect(c.batchNorm).toBeUndefined()],
    ['foldLayerScale', foldLayerScale, c => expect(c.binary).toBe(opCounts(start).binary! - 4)],
    ['foldNormAffine', foldNormAffine, c => expect(c.layerNorm).toBe(opCounts(start).layerNorm)],
    ['foldHead', foldHead, c => expect(c.conv2d).toBe(opCounts(start).conv2d! - 1)],
    ['fuseNorm', o => fuseNorm(foldNormAffine(o)), c => expect(c.depthwiseNorm).toBe(4)],
    ['fuseLinear', fuseLinear, c => expect(c.unary).toBe(6)],
    ['fuseConv2d', o => fuseConv2d(foldBatchNorm(o)), c => expect([c.concat, c.fusedConv2d]).toEqual([undefined, 7])],
    ['mergeLinears', mergeLinears, c => expect(c.packedAttention).toBe(6)],
  ];
  test.each(passes)('%s changes the graph and not its value', (_, pass, expectCounts) => {
    const after = pass(start);
    expectCounts(opCounts(after));
    expect(largest(truth, evaluate(after, golden.feed).logits!.data)).toBeLessThan(1e-9);
  });

  test('a value that is read twice, or asked for, is not fused away', () => {
    const x = b.input('x', [1, 2, 3]);
    const w = b.constant([1, 2, 3, 4, 5, 6], [2, 3]);
    const y = b.linear(x, w);
    const graph = { activated: b.gelu(y), plain: y };
    expect(opCounts(fuseLinear(graph))).toEqual({ linear: 1, unary: 1 });
  });

  test('partition: the frame reads nothing of the text but the report', () => {
    const { frame, report } = partition(fuse(fold(start)), 'image');
    const values = evaluate(report, golden.feed);
    const feed: Feed = {
      ...golden.feed,
      input: name => (name.startsWith('report.') ? values[name]!.data : golden.feed.input!(name)),
    };
    const inputs = topological(Object.values(frame)).flatMap(t => (t.op === 'input' ? [t.name] : []));
    expect(inputs.filter(name => !name.startsWith('report.')).sort()).toEqual(['image', 'mask']);
    expect(largest(truth, evaluate(frame, feed).logits!.data)).toBeLessThan(1e-9);
  });
});

test('a frame of the full network takes at most 110 dispatches', async () => {
  const { defaultConfig } = await import('../../networks/config.js');
  const { logits } = Network.of(defaultConfig('tmca')).forward(1, 24);
  const { frame } = partition(fuse(fold({ logits })), 'image');
  expect(Object.values(opCounts(frame)).reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(110);
});
