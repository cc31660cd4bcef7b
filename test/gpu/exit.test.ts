// A process that has used Dawn ends by itself, with the exit code of its own choice.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { build } from 'vite';
import { beforeAll, expect, test } from 'vitest';

// In the repository, so that the child resolves the package webgpu.
const outDir = 'build/test-exit';

beforeAll(async () => {
  const lib = { entry: { device: 'gpu/open-device.ts', node: 'gpu/node.ts' }, formats: ['es' as const] };
  const rolldownOptions = { external: ['webgpu'] };
  await build({ configFile: false, logLevel: 'error', build: { lib, outDir, rolldownOptions, minify: false } });
});

const start = `
  import { openDevice } from './${outDir}/device.js';
  import { nodeGpu, releaseNodeGpu } from './${outDir}/node.js';
  const device = await openDevice({ gpu: await nodeGpu(), prefer: 'any' });
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const buffer = await device.createBuffer({ label: 'b', size: 256, usage, kind: 'other' });
  await device.guard('map', buffer.mapAsync(GPUMapMode.READ));
`;

test.each([
  ['disposed', 'device.dispose(); releaseNodeGpu();'],
  [
    'disposed while mapping',
    'buffer.unmap(); device.guard("map", buffer.mapAsync(1)).catch(() => {}); device.dispose();',
  ],
  ['lost', 'device.device.destroy(); await device.device.lost;'],
  ['left open', ''],
])('%s', async (_, end) => {
  const script = `${start}${end} console.log('done'); process.exitCode = 3;`;
  const run = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script]);
  await expect(run).rejects.toMatchObject({ code: 3, killed: false, signal: null, stdout: 'done\n' });
});
