// `node tools/check-onnx.mjs MODEL STATE… [--dtype D] [--runtime PACKAGE]`: exports MODEL with the built command and holds what
// an ONNX runtime makes of it against stored states of the reference (forward.safetensors), which may be several.
//
// PACKAGE is a folder that holds an npm package with onnxruntime's API: onnxruntime-node (its CPU library comes with the
// package, hundreds of megabytes, which is why this package does not depend on it), or, by default, onnxruntime-web.
// A folder without model.safetensors gets the parameters of golden.py's `fill`. Exit 1 beyond the limit: 2e-4 for fp32, 3e-2 for fp16, 0.3 for int8.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const LIMITS = { fp32: 2e-4, fp16: 3e-2, int8: 3e-1 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dtype: { type: 'string', default: 'fp32' },
    runtime: { type: 'string', default: 'node_modules/onnxruntime-web' },
  },
});
const [model, ...states] = positionals;
if (!model || states.length === 0 || !(values.dtype in LIMITS)) {
  console.error('usage: check-onnx MODEL STATE… [--dtype fp32|fp16|int8] [--runtime PACKAGE]');
  process.exit(2);
}
const ort = createRequire(import.meta.url)(resolve(values.runtime));

/** Tensors of a safetensors file: F32 as they are, I32 and U8 as Int32Array. */
function readState(path) {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.toString('utf8', 8, 8 + length));
  delete header.__metadata__;
  const tensors = Object.entries(header).map(
    ([
      name,
      {
        dtype,
        shape,
        data_offsets: [from, to],
      },
    ]) => {
      const bytes = new Uint8Array(file.subarray(8 + length + from, 8 + length + to));
      const data =
        dtype === 'F32'
          ? new Float32Array(bytes.buffer)
          : dtype === 'I32'
            ? new Int32Array(bytes.buffer)
            : Int32Array.from(bytes);
      return [name, { shape, data }];
    },
  );
  return Object.fromEntries(tensors);
}

const tensorOf = ({ shape, data }) => new ort.Tensor(data instanceof Int32Array ? 'int32' : 'float32', data, shape);

const open = file => ort.InferenceSession.create(file, { logSeverityLevel: 3 });

/** The largest difference of the logits, and the share of pixels on the same side of zero. */
async function compare({ text, image }, state) {
  const [ids, mask, picture] = ['ids', 'mask', 'image'].map(name => tensorOf(state[name]));
  const report = await text.run({ ids, mask });
  const { logits } = await image.run({ image: picture, mask, ...report });
  let [worst, same] = [0, 0];
  state.logits.data.forEach((expected, i) => {
    worst = Math.max(worst, Math.abs(expected - logits.data[i]));
    same += Number(expected >= 0 === logits.data[i] >= 0);
  });
  return { worst: logits.data.every(Number.isFinite) ? worst : Number.NaN, same: same / state.logits.data.length };
}

const out = mkdtempSync(join(tmpdir(), 'check-onnx-'));
try {
  const fill = existsSync(join(model, 'model.safetensors')) ? [] : ['--fill'];
  const args = ['bin/tmca.js', 'export-onnx', model, '--out', out, '--dtype', values.dtype, '--json', ...fill];
  execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const sessions = { text: await open(join(out, 'text.onnx')), image: await open(join(out, 'image.onnx')) };
  for (const path of states) {
    const start = performance.now();
    const { worst, same } = await compare(sessions, readState(path));
    const ok = worst <= LIMITS[values.dtype];
    if (!ok) process.exitCode = 1;
    console.log(
      `${path}: logits within ${worst.toExponential(2)} (limit ${LIMITS[values.dtype]}), ${(100 * same).toFixed(3)} % of the mask, ${(performance.now() - start).toFixed(0)} ms  ${ok ? 'ok' : 'FAILED'}`,
    );
  }
} finally {
  rmSync(out, { recursive: true, force: true });
}
