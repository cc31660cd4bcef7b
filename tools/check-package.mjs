// `node tools/check-package.mjs`: what `npm publish` would send, without sending it. The tarball must hold every file that
// package.json promises and nothing of the workshop; publint must have nothing to say about `exports`. Needs a build.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** The model is 10 MB of it, onnxruntime-web's files 14 MB. A page's project may take 40 MB for all of it. */
const maxBytes = 30_000_000;

/** Files that a user needs beside those that `exports` and `bin` name. */
const alsoNeeded = [
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
];

/** Every path in a tree of export conditions. */
const targets = node => (typeof node === 'string' ? [node] : Object.values(node ?? {}).flatMap(targets));

/**
 * Every broken promise, one sentence each.
 *
 * @param {{exports?: object, bin?: object}} pkg package.json
 * @param {{path: string, size: number}[]} files of the tarball
 */
export function packageProblems(pkg, files) {
  const paths = new Set(files.map(file => file.path));
  const promised = [...targets(pkg.exports), ...targets(pkg.bin)].map(path => path.replace(/^\.\//, ''));
  const problems = [...promised, ...alsoNeeded]
    .filter(path => !paths.has(path))
    .map(path => `the package must hold ${path}, got none; run npm run build, or correct package.json`);
  const workshop = /^(test|tools|coverage|build|node_modules|\.)|\.test\.|tsbuildinfo/;
  for (const path of paths)
    if (workshop.test(path)) problems.push(`the package must not hold ${path}; see "files" in package.json`);
  const bytes = files.reduce((sum, file) => sum + file.size, 0);
  if (bytes > maxBytes) problems.push(`the package must unpack to at most ${maxBytes} bytes, got ${bytes}`);
  return problems;
}

/**
 * Links of a page that lead to nothing in the tarball, one sentence each. Whole addresses and places within the page pass.
 *
 * @param {string} page path in the tarball
 * @param {string} text Markdown
 * @param {{path: string}[]} files of the tarball
 */
export function linkProblems(page, text, files) {
  const targets = [...text.matchAll(/\]\(([^)\s]+)[^)]*\)|\b(?:src|href)="([^"]+)"/g)].map(
    ([, link, source]) => link ?? source,
  );
  const local = targets.filter(target => !/^([a-z][a-z0-9+.-]*:|#|\/)/i.test(target));
  const paths = [...new Set(local.map(target => posix.join(posix.dirname(page), target.replace(/[?#].*$/, ''))))];
  return paths
    .filter(path => !files.some(file => file.path === path || file.path.startsWith(`${path.replace(/\/$/, '')}/`)))
    .map(
      path =>
        `${page} must link to what the package holds, got ${path}; add it to "files" in package.json, or link by its whole address`,
    );
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const pkg = JSON.parse(readFileSync('package.json', 'utf8'));
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const [pack] = JSON.parse(
    execFileSync(npm, ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      shell: process.platform === 'win32',
    }),
  );
  const { messages } = await publint({ strict: true });
  const pages = pack.files.map(file => file.path).filter(path => path === 'README.md' || /^docs\/.*\.md$/.test(path));
  const problems = [
    ...packageProblems(pkg, pack.files),
    ...pages.flatMap(path => linkProblems(path, readFileSync(path, 'utf8').replace(/^```.*?^```/gms, ''), pack.files)),
    ...messages.map(message => formatMessage(message, pkg, { color: false })),
  ];
  for (const problem of problems) console.error(`error ${problem}`);
  const megabytes = bytes => `${(bytes / 1e6).toFixed(1)} MB`;
  console.log(
    `package: ${pack.files.length} files, ${megabytes(pack.size)} packed, ${megabytes(pack.unpackedSize)} unpacked, ${problems.length} problems`,
  );
  if (problems.length > 0) process.exit(1);
}
