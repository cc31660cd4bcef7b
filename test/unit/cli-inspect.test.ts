// `tmca inspect forward` and `tmca inspect gradients` with an engine that hands back what it was given.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodeSafetensors, tensorOf } from '../../formats/safetensors/index.js';
import { call, fakeEngine } from './cli-fakes.js';
import { folder, tensorsOf } from './command-files.js';

describe('inspect forward', () => {
  const image = tensorOf('image', [1, 3, 1, 1], Float32Array.from([0.5, -1, 2]));
  const ids = tensorOf('ids', [1, 2], Int32Array.from([2, 70000]));
  const mask = tensorOf('mask', [1, 2], Uint8Array.from([1, 0]));
  const inspect = async (tensors: Parameters<typeof encodeSafetensors>[0], ...more: string[]) => {
    const inputs = join(folder, 'in.safetensors');
    await writeFile(inputs, encodeSafetensors(tensors));
    const engine = fakeEngine();
    const argv = ['inspect', 'forward', 'dir', '--inputs', inputs, '--out', join(folder, 'out.safetensors'), ...more];
    return { ...(await call(argv, { engine })), calls: engine.calls };
  };

  test('hands inputs over and writes outputs', async () => {
    const target = tensorOf('target', [1], Float32Array.from([9]));
    const { code, stdout, calls } = await inspect([image, ids, mask, target], '--device', 'webgpu', '--dtype', 'fp32');
    expect(code).toBe(0);
    expect(calls).toEqual(['inspect dir false webgpu fp32']);
    const outputs = await tensorsOf(join(folder, 'out.safetensors'));
    expect(outputs.get('image.seen')).toEqual({
      dtype: 'F32',
      shape: [1, 3, 1, 1],
      data: Float32Array.from([0.5, -1, 2]),
    });
    expect([...outputs.get('ids.seen')!.data]).toEqual([2, 70000]);
    expect([...outputs.get('mask.seen')!.data]).toEqual([1, 0]);
    expect(outputs.has('target.seen')).toBe(false);
    expect(stdout).toMatch(/out\.safetensors:\n {2}image\.seen \[1, 3, 1, 1\]\n/);
  });
  test('takes masks and ids as other integers, and --fill', async () => {
    const wide = tensorOf('ids', [1, 2], BigInt64Array.from([2n, 3n]));
    const { code, calls, json } = await inspect(
      [image, wide, tensorOf('mask', [1, 2], Int32Array.from([1, 1]))],
      '--fill',
      '--json',
    );
    expect(code).toBe(0);
    expect(calls).toEqual(['inspect dir true auto auto']);
    expect(json).toMatchObject({
      out: join(folder, 'out.safetensors'),
      outputs: [{ name: 'image.seen', shape: [1, 3, 1, 1] }, { name: 'ids.seen' }, { name: 'mask.seen' }],
      dispatches: 3,
      device: 'webgpu',
      dtype: 'fp32',
    });
  });
  test.each([
    ['no image', [ids, mask], /must hold image, got no image; add it/],
    [
      'an image of integers',
      [tensorOf('image', [1], Int32Array.from([1])), ids, mask],
      /image must be F32, F16 or BF16, got I32/,
    ],
    [
      'ids of floats',
      [image, tensorOf('ids', [1], Float32Array.from([1])), mask],
      /"ids" must be I32, I64, U8 or BOOL, got F32/,
    ],
    [
      'ids beyond 32 bits',
      [image, tensorOf('ids', [1], BigInt64Array.from([2n ** 40n])), mask],
      /"ids" must fit 32 bits, got 1099511627776/,
    ],
  ])('refuses %s', async (_, tensors, message) => {
    const { code, stdout, stderr, calls } = await inspect(tensors);
    expect(code).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(new RegExp(`^error \\[BAD_ARGUMENT\\]: inspect forward: .*${message.source}`));
    expect(calls).toEqual([]);
  });
  test('refuses a file that is missing, damaged, or cannot be written', async () => {
    const engine = fakeEngine();
    const inputs = join(folder, 'in.safetensors');
    const argv = ['inspect', 'forward', 'dir', '--inputs', inputs, '--out', join(inputs, 'out')];
    expect(await call(argv, { engine })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error \[FILE_NOT_FOUND\]: inspect forward: the inputs/),
    });
    await writeFile(inputs, 'short');
    expect(await call(argv, { engine })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error \[SAFETENSORS_INVALID\]/),
    });
    await writeFile(inputs, encodeSafetensors([image, ids, mask]));
    expect(await call(argv, { engine })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^error \[OUTPUT_NOT_WRITABLE\]/),
    });
    expect(engine.calls).toEqual([]);
  });
});

describe('inspect gradients', () => {
  const image = tensorOf('image', [1, 3, 1, 1], Float32Array.from([0.5, -1, 2]));
  const ids = tensorOf('ids', [1, 2], Int32Array.from([2, 7]));
  const mask = tensorOf('mask', [1, 2], Uint8Array.from([1, 0]));
  const target = tensorOf('target', [1, 1, 1, 1], Float32Array.from([1]));
  const inspect = async (tensors: Parameters<typeof encodeSafetensors>[0], ...more: string[]) => {
    const inputs = join(folder, 'in.safetensors');
    await writeFile(inputs, encodeSafetensors(tensors));
    const engine = fakeEngine();
    const argv = ['inspect', 'gradients', 'dir', '--inputs', inputs, '--out', join(folder, 'out.safetensors'), ...more];
    return { ...(await call(argv, { engine })), calls: engine.calls };
  };

  test('hands inputs over, writes gradients, prints the losses', async () => {
    const { code, json, calls } = await inspect([image, ids, mask, target], '--freeze-text', '--json');
    expect(code).toBe(0);
    expect(calls).toEqual(['gradients dir false auto auto true']);
    expect(json).toMatchObject({ loss: 2.5, segmentation: 1.75, contrastive: 0.75, gradients: 4, device: 'webgpu' });
    const gradients = await tensorsOf(join(folder, 'out.safetensors'));
    expect(gradients.get('target.seen')).toEqual({ dtype: 'F32', shape: [1, 1, 1, 1], data: Float32Array.from([1]) });
    expect([...gradients.get('ids.seen')!.data]).toEqual([2, 7]);
  });
  test('takes a target of bytes, and says it in words', async () => {
    const bytes = tensorOf('target', [1, 1, 1, 2], Uint8Array.from([0, 1]));
    const { code, stdout, calls } = await inspect([image, ids, mask, bytes], '--fill', '--dtype', 'fp32');
    expect(code).toBe(0);
    expect(calls).toEqual(['gradients dir true auto fp32 false']);
    expect(stdout).toMatch(/^loss 2\.5 \(segmentation 1\.75, contrastive 0\.75\)\n.*out\.safetensors: 4 gradients\n$/);
  });
  test('refuses a file without a target', async () => {
    const { code, stderr, calls } = await inspect([image, ids, mask]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error \[BAD_ARGUMENT\]: inspect gradients: .* must hold image and target, got no target; add it/,
    );
    expect(calls).toEqual([]);
  });
});
