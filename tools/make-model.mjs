// `node tools/make-model.mjs FROM TO [--created YYYY-MM-DD]`: the folder of the shipped model from its fp32 original.
// Weights are rounded to the nearest half, ties to even; the same input gives the same bytes. Needs `npm run assembly`.
//
// It runs the package's own reader, rounding and writer from their sources (Vite compiles them), not a second set.

import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { created: { type: 'string', default: new Date().toISOString().slice(0, 10) } },
});
const [from, to] = positionals;
if (to === undefined) {
  console.error('usage: node tools/make-model.mjs FROM TO [--created YYYY-MM-DD]');
  process.exit(2);
}

const vite = { configFile: false, assetsInclude: ['**/*.deflate'], logLevel: 'error' };
const load = async path => (await runnerImport(path, vite)).module;
const { encodeSafetensors, memorySource, openSafetensors } = await load('./formats/safetensors/index.ts');
const { encodeStorage } = await load('./formats/weights/encode-storage.ts');
const { loadAssembly } = await load('./assembly/instance.ts');

/** F16 copies of all tensors, in the order of the file. */
async function halves(bytes) {
  const assembly = await loadAssembly();
  const file = await openSafetensors(memorySource(bytes, 'model.safetensors'));
  const tensors = [];
  for await (const tensor of file.tensors()) {
    const elements = tensor.shape.reduce((product, n) => product * n, 1);
    // encodeStorage refuses what a half cannot hold, and pads to four bytes.
    tensors.push({ ...tensor, dtype: 'F16', bytes: encodeStorage(assembly, tensor, 'f16').subarray(0, elements * 2) });
  }
  return encodeSafetensors(tensors, { format: 'pt' });
}

const config = JSON.parse(await readFile(join(from, 'config.json'), 'utf8'));
const { name, version } = JSON.parse(await readFile('package.json', 'utf8'));
const files = {
  'config.json': Buffer.from(`${JSON.stringify({ ...config, version: '1', dtype: 'fp16' }, null, 2)}\n`),
  'model.safetensors': await halves(new Uint8Array(await readFile(join(from, 'model.safetensors')))),
  'vocab.txt': await readFile(join(from, 'vocab.txt')),
};
const manifest = { package: `${name}@${version}`, created: options.created, files: {} };
await mkdir(to, { recursive: true });
for (const [file, bytes] of Object.entries(files)) {
  manifest.files[file] = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
  await writeFile(join(to, file), bytes);
}
await writeFile(join(to, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
for (const [file, { bytes, sha256 }] of Object.entries(manifest.files))
  console.log(`${file}  ${bytes} bytes  ${sha256}`);
