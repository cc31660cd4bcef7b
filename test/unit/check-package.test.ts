import { expect, test } from 'vitest';
import { linkProblems, packageProblems } from '../../tools/check-package.mjs';

const pkg = { exports: { '.': { types: './dist/a.d.ts', default: './dist/a.js' } }, bin: { tmca: 'bin/tmca.js' } };
const whole = [
  'dist/a.d.ts',
  'dist/a.js',
  'bin/tmca.js',
  'LICENSE',
  'README.md',
  'CHANGELOG.md',
  'dist/LICENSES.md',
  'dist/decode-worker.js',
  'models/nano/model.safetensors',
  'models/nano/manifest.json',
  'onnxruntime/LICENSE',
  'onnxruntime/ort.js',
  'onnxruntime/ort.node.min.mjs',
  'onnxruntime/ort.wasm.min.mjs',
  'onnxruntime/ort-wasm-simd-threaded.mjs',
  'onnxruntime/ort-wasm-simd-threaded.wasm',
  'samples/samples.json',
].map(path => ({ path, size: 1000 }));

test('a whole package has no problems', () => expect(packageProblems(pkg, whole)).toEqual([]));

test.each(whole.map(file => file.path))('misses %s', missing => {
  const files = whole.filter(file => file.path !== missing);
  expect(packageProblems(pkg, files)).toEqual([
    `the package must hold ${missing}, got none; run npm run build, or correct package.json`,
  ]);
});

test.each(['test/unit/a.test.ts', 'tools/setup.sh', '.ci/run', 'dist/x.tsbuildinfo'])('rejects %s', path => {
  expect(packageProblems(pkg, [...whole, { path, size: 1 }])).toEqual([
    `the package must not hold ${path}; see "files" in package.json`,
  ]);
});

test('rejects a package that has grown too large', () => {
  expect(packageProblems(pkg, [...whole, { path: 'models/nano/extra', size: 30_000_000 }])).toEqual([
    'the package must unpack to at most 30000000 bytes, got 30017000',
  ]);
});

test('finds links that lead nowhere in the package', () => {
  const text =
    '[a](LICENSE) [b](docs/guide/none.md#part) ![c](samples/) [d](https://x.example/y) [e](#here) <img src="docs/page.png">';
  expect(linkProblems('README.md', text, whole).map(problem => /got (\S+);/.exec(problem)?.[1])).toEqual([
    'docs/guide/none.md',
    'docs/page.png',
  ]);
  expect(linkProblems('docs/guide/a.md', '[up](../../LICENSE)', whole)).toEqual([]);
});
