// Fills the folder `onnxruntime`: the files of onnxruntime-web that the wasm engine loads, 14 of that package's 142 MB. They are
// part of this package, so that whoever installs it needs no second one, and lie beside `dist` under fixed names, so that
// every bundler takes them along (runtime/onnxruntime.ts). Does nothing where they are there.

import { copyFile, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const from = join(root, 'node_modules', 'onnxruntime-web');
const to = join(root, 'onnxruntime');

/** Name here, name there. */
const files = {
  // For browsers, with the script of its threads inside. Not .mjs: there are servers that know no type for that.
  'ort.js': 'ort.wasm.bundle.min.mjs',
  'ort-wasm-simd-threaded.mjs': 'ort-wasm-simd-threaded.mjs',
  'ort-wasm-simd-threaded.wasm': 'ort-wasm-simd-threaded.wasm',
};

const { version } = JSON.parse(await readFile(join(from, 'package.json'), 'utf8'));

const texts = {
  // The name under which `wasmPaths` looks in onnxruntime-web's own dist folder: either folder will do.
  'ort.wasm.min.mjs': "export * from './ort.js';\nexport { default } from './ort.js';\n",
  'package.json': `${JSON.stringify({ type: 'module', name: 'onnxruntime-web', version, private: true })}\n`,
  LICENSE: `onnxruntime-web ${version}, https://github.com/microsoft/onnxruntime

MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`,
};

/** For Node: with onnxruntime-common inside, which the browser's file has already. */
async function writeNodeEntry() {
  const bundle = await rolldown({ input: join(from, 'dist', 'ort.node.min.mjs'), platform: 'node' });
  await bundle.write({ file: join(to, 'ort.node.min.mjs'), format: 'es', minify: true, codeSplitting: false });
}

/** Written last, so that a folder that has it has everything. */
const stamp = join(to, 'package.json');

async function isCurrent() {
  const there = await readFile(stamp, 'utf8').catch(() => '');
  const script = fileURLToPath(import.meta.url);
  return there === texts['package.json'] && (await stat(stamp)).mtimeMs >= (await stat(script)).mtimeMs;
}

if (!(await isCurrent())) {
  await rm(stamp, { force: true });
  await mkdir(to, { recursive: true });
  for (const [name, source] of Object.entries(files)) await copyFile(join(from, 'dist', source), join(to, name));
  await writeNodeEntry();
  for (const [name, text] of Object.entries(texts)) await writeFile(join(to, name), text);
  console.log(`onnxruntime: the files of onnxruntime-web ${version}`);
}
