// The declarations of the package: one file for each entry, with what its users can name and nothing else. tsc writes a file
// for each source, most of them of no concern to anyone, with names that only our own settings know (WebGPU's, comlink's);
// they would have to check in every project that looks into its libraries (skipLibCheck: false).

import { execFileSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { dts } from 'rolldown-plugin-dts';

const root = fileURLToPath(new URL('..', import.meta.url));
const written = 'build/types';

const entries = {
  index: 'runtime/index',
  worker: 'runtime/browser/worker',
  node: 'node/index',
  language: 'language/index',
  train: 'train/index',
  'train-node': 'train/run/index',
};

/** `[Symbol.dispose]` and its like have no meaning to a project whose `lib` ends at ES2022. */
const reference = '/// <reference lib="esnext.disposable" />';

await rm(`${root}/${written}`, { recursive: true, force: true });
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
  cwd: root,
  stdio: 'inherit',
});
const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(Object.entries(entries).map(([name, file]) => [name, `${written}/${file}.d.ts`])),
  // The files that they came from are nobody's concern.
  plugins: [dts({ dtsInput: true, emitDtsOnly: true, tsconfig: false }), banner()],
  treeshake: { moduleSideEffects: false },
});
const { output } = await bundle.write({ dir: 'dist', chunkFileNames: 'types-[name].ts' });
console.log(`types: ${output.length} files, ${output.reduce((sum, file) => sum + file.code.length, 0)} bytes`);

function banner() {
  return {
    name: 'disposable',
    renderChunk: code => (/Symbol\.(async)?[dD]ispose/.test(code) ? `${reference}\n${code}` : code),
  };
}
