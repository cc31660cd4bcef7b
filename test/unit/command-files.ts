// A folder for the tests of commands that turn one file into another, new for each test.

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { memorySource, openSafetensors, toFloat32 } from '../../formats/safetensors/index.js';

export let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

export async function tensorsOf(path: string) {
  const file = await openSafetensors(memorySource(new Uint8Array(await readFile(path)), path));
  const tensors = new Map<string, { dtype: string; shape: readonly number[]; data: Float32Array }>();
  for await (const tensor of file.tensors()) {
    tensors.set(tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data: toFloat32(tensor) });
  }
  return tensors;
}
