// The search for the first layer whose output is no number, in the interpreter.

import { expect, test } from 'vitest';
import { evaluate } from '../../graph/interpreter.js';
import { layerSums } from '../../train/step/not-finite.js';
import { loadGolden } from '../golden.js';

const { config, batch, length, feed } = await loadGolden('test/fixtures/golden/micro');
const sums = layerSums(config, batch, length);

test('every layer that computes has its sum, before those that read it', () => {
  const names = Object.keys(sums);
  const order = [
    'image_encoder.embeddings.patch_embeddings',
    'decoder.blocks.0.bn1',
    'decoder.blocks.2.conv2',
    'head.out',
  ];
  const places = order.map(name => names.indexOf(name));
  expect(places).not.toContain(-1);
  expect(places).toEqual([...places].sort((a, b) => a - b));
  for (const part of ['text_encoder.encoder.layer.0.attention.self.query', 'decoder.text_proj.16', 'head.subpixel'])
    expect(names).toContain(part);
});

test.each([
  'text_encoder.encoder.layer.1.intermediate.dense',
  'decoder.blocks.1.conv1',
  'image_encoder.encoder.stages.2.layers.0.pwconv2',
])('a weight that is NaN in %s is found there first', layer => {
  const poisoned = (name: string) => {
    const values = Float64Array.from(feed.parameter!(name));
    if (name === `${layer}.weight`) values[1] = Number.NaN;
    return values;
  };
  const found = evaluate(sums, { ...feed, parameter: poisoned });
  expect(Object.keys(sums).find(name => !Number.isFinite(found[name]!.data[0]))).toBe(layer);
});
