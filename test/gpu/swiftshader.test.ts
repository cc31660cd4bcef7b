// The command on an adapter that really lacks shader-f16 (Chromium's SwiftShader, under Dawn in Node): golden states in fp32, and
// in fp16 with weights unpacked to f32. In a process of its own, because a driver is chosen when Vulkan is loaded.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readTensors } from '../golden.js';
import { expectClose, tolerance } from '../tolerance.js';

const driver = ['/usr/lib/chromium/vk_swiftshader_icd.json'].find(path => existsSync(path));
const golden = 'test/fixtures/golden/micro';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-swiftshader-'));
});
afterAll(() => rm(folder, { recursive: true }));

const tmca = (...argv: string[]): string =>
  execFileSync(process.execPath, ['bin/tmca.js', ...argv], {
    encoding: 'utf8',
    env: { ...process.env, VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver },
  });

async function logits(dtype: string): Promise<ArrayLike<number>> {
  const out = join(folder, `${dtype}.safetensors`);
  const inputs = `${golden}/forward.safetensors`;
  tmca(
    'inspect',
    'forward',
    golden,
    '--inputs',
    inputs,
    '--out',
    out,
    '--device',
    'webgpu',
    '--dtype',
    dtype,
    '--json',
  );
  return (await readTensors(out)).get('logits')!.data;
}

test('SwiftShader is installed (npm run setup brings it with Chromium) and has no shader-f16', () => {
  expect(driver, 'vk_swiftshader_icd.json').toBeDefined();
  const [adapter] = JSON.parse(tmca('devices', '--json')).adapters;
  expect(adapter).toMatchObject({ software: true, architecture: 'swiftshader' });
  expect(adapter.features).not.toContain('shader-f16');
});

test('fp32 and fp16 hold the golden state there', async () => {
  const stored = (await readTensors(`${golden}/forward.safetensors`)).get('logits')!.data;
  expectClose(await logits('fp32'), stored, tolerance.golden);
  const half = await logits('fp16');
  expectClose(half, stored, tolerance.goldenHalf);
  const equal = Array.from(half).filter((logit, i) => logit >= 0 === stored[i]! >= 0).length;
  expect(equal / half.length).toBeGreaterThanOrEqual(0.998);
});
