// Builds `build/tmca.wasm` from `assembly/src`: asc, then binaryen's optimiser. Does nothing when the output is newer than
// every source, so scripts may run it freely. Prints one line; exits 1 with the compiler's own words when a source is bad.
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateRawSync } from 'node:zlib';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const sources = join(root, 'assembly', 'src');
const output = join(root, 'build', 'tmca.wasm');
/** What bundles hold. */
const deflated = `${output}.deflate`;

/** The package promises a module of at most this many bytes; more fails the build. */
const BUDGET = 30_000;

async function newestSource() {
  const names = (await readdir(sources)).filter(name => name.endsWith('.ts')).map(name => join(sources, name));
  const inputs = [...names, join(root, 'asconfig.json'), fileURLToPath(import.meta.url)];
  return Math.max(...(await Promise.all(inputs.map(async name => (await stat(name)).mtimeMs))));
}

async function isCurrent() {
  const built = await Promise.all([output, deflated].map(path => stat(path).catch(() => undefined)));
  const newest = await newestSource();
  return built.every(file => file !== undefined && file.mtimeMs >= newest);
}

/** asc writes through `writeFile`, so nothing but its result leaves memory. */
async function compile() {
  const { default: asc } = await import('assemblyscript/asc');
  let binary;
  const { error, stderr } = await asc.main(['--target', 'release', '--outFile', 'tmca.wasm', '--baseDir', root], {
    writeFile: (_name, contents) => {
      binary = contents;
    },
  });
  if (error || !(binary instanceof Uint8Array)) throw new Error(`asc: ${stderr.toString() || error?.message}`);
  return binary;
}

/** A newer binaryen than asc's own, over the whole module: smaller by some hundred bytes and faster in the SIMD loops. */
async function optimise(binary) {
  const { default: binaryen } = await import('binaryen');
  const module = binaryen.readBinary(binary);
  try {
    module.setFeatures(binaryen.Features.MVP | wanted(binaryen.Features));
    binaryen.setOptimizeLevel(3);
    binaryen.setShrinkLevel(1);
    binaryen.setClosedWorld?.(true);
    module.optimize();
    if (!module.validate()) throw new Error('binaryen: the optimised module does not validate');
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** What every browser with WebGPU has. */
function wanted(features) {
  return (
    features.SIMD128 |
    features.BulkMemory |
    features.BulkMemoryOpt |
    features.SignExt |
    features.NontrappingFPToInt |
    features.MutableGlobals |
    features.Multivalue
  );
}

/** Other processes may be reading it. */
async function replace(path, bytes) {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function main() {
  if (await isCurrent()) return;
  const binary = await optimise(await compile());
  if (binary.length > BUDGET) throw new Error(`build-assembly: ${binary.length} bytes, over the budget of ${BUDGET}`);
  await mkdir(dirname(output), { recursive: true });
  await replace(output, binary);
  await replace(deflated, deflateRawSync(binary, { level: 9 }));
  console.log(`build/tmca.wasm: ${binary.length} bytes`);
}

main().catch(error => {
  console.error(error.message);
  process.exitCode = 1;
});
