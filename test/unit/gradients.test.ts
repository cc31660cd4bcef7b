// What a gradient run refuses before it touches a device.

import { expect, test } from 'vitest';
import { parseConfig } from '../../networks/config.js';
import { noParameters } from '../../runtime/engines/webgpu/run-graph.js';
import { runGradients, type TrainingInputs } from '../../runtime/inspect/gradients.js';

const config = parseConfig({ image_size: 32, vocab_size: 10, max_positions: 4 }, 'test');
const filled = (value: number, ...shape: number[]) => ({
  shape,
  data: new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(value),
});
const fitting: TrainingInputs = {
  image: filled(0.5, 2, 3, 32, 32),
  ids: filled(3, 2, 4),
  mask: filled(1, 2, 4),
  target: filled(1, 2, 1, 32, 32),
};

test.each<[string, Partial<TrainingInputs>, string]>([
  ['an image of another size', { image: filled(0, 2, 3, 31, 32) }, 'inputs must be image [B,3,32,32]'],
  ['a text too long', { ids: filled(1, 2, 5), mask: filled(1, 2, 5) }, 'a text may have 4 tokens, got 5'],
  ['an id outside the vocabulary', { ids: filled(10, 2, 4) }, 'ids must be whole numbers below 10, got 10'],
  ['a target of another batch', { target: filled(1, 1, 1, 32, 32) }, 'target must be [2,1,32,32], got [1,1,32,32]'],
  ['a target of probabilities', { target: filled(0.5, 2, 1, 32, 32) }, 'target must hold 0 and 1, got 0.5'],
  ['a target of grey levels', { target: filled(255, 2, 1, 32, 32) }, 'target must hold 0 and 1, got 255'],
])('%s', async (_, wrong, message) => {
  // No device: these are found before there is one to talk to.
  const running = runGradients(null as never, null as never, config, { ...fitting, ...wrong }, noParameters);
  await expect(running).rejects.toMatchObject({
    code: 'BAD_ARGUMENT',
    message: expect.stringContaining(`inspectGradients: ${message}`),
  });
});
