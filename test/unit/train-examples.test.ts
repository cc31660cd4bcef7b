// Masks in memory, as a page gives them to a Trainer: what marks no lesion by mistake is refused.

import { afterAll, expect, test } from 'vitest';
import { loadAssembly } from '../../assembly/index.js';
import { parseConfig } from '../../networks/config.js';
import type { Pixels } from '../../runtime/types.js';
import { Examples } from '../../train/batch/page-batch.js';

const words = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', 'polyp'];
const config = parseConfig({ image_size: 32, vocab_size: words.length, max_text_length: 8, name: 'memory' }, 'test');
const examples = new Examples(await loadAssembly(), config, new TextEncoder().encode(words.join('\n')), 8);
afterAll(() => examples.dispose());

/** 2 x 2 of RGBA, the second pixel marked. */
const rgba = (background: number[], marked: number[]): Pixels => ({
  data: Uint8Array.from([...background, ...marked, ...background, ...background]),
  ...({ width: 2, height: 2, channels: 4 } as const),
});
const image = rgba([90, 20, 20, 255], [90, 20, 20, 255]);
const targetOf = (mask: Pixels) => [...examples.batch([{ image, mask, text: 'polyp' }]).target];

test('white on black, opaque or on nothing, is a mask', () => {
  for (const mask of [rgba([0, 0, 0, 255], [255, 255, 255, 255]), rgba([0, 0, 0, 0], [255, 255, 255, 255])]) {
    const target = targetOf(mask);
    expect(target.reduce((sum, value) => sum + value, 0)).toBe(16 * 16);
    expect([target[0], target[31]]).toEqual([0, 1]);
  }
});

test('black all over is a mask without a lesion', () => {
  expect(targetOf(rgba([0, 0, 0, 255], [0, 0, 0, 255]))).not.toContain(1);
});

test('black with the lesion in the alpha channel would be one, and is refused', () => {
  expect(() => targetOf(rgba([0, 0, 0, 0], [0, 0, 0, 255]))).toThrow(
    expect.objectContaining({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/mask 0 must .* alpha channel; paint/),
    }),
  );
});
