// A model whose sentence is optional is told nothing on the device as it is in wasm.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openSession } from '../../node/index.js';
import { optionalImage, writeOptionalModel } from '../optional-model.js';
import { expectClose, tolerance } from '../tolerance.js';

const folder = await mkdtemp(join(tmpdir(), 'tmca-optional-gpu-'));
afterAll(() => rm(folder, { recursive: true }));

test('WebGPU and wasm give the same without a sentence, and after one', async () => {
  await writeOptionalModel(folder);
  const probabilities = async (device: 'webgpu' | 'wasm') => {
    const session = await openSession(folder, { device, dtype: 'fp32' });
    const report = await session.encodeReport('two small polyp, right');
    const results = [await session.segment(optionalImage), await session.segment(optionalImage, report)];
    results.push(await session.segment(optionalImage, null));
    session.dispose();
    return results.map(({ probability }) => probability);
  };
  const [first, told, last] = await probabilities('webgpu');
  expect(first).toEqual(last);
  expect(told).not.toEqual(first);
  const expected = await probabilities('wasm');
  for (const [i, found] of [first!, told!, last!].entries()) expectClose(found, expected[i]!, tolerance.f32);
});
