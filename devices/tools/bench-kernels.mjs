// `node devices/tools/bench-kernels.mjs [frame|text|step] [--config full|nano] [--batch N] [--dtype fp32|fp16|int8] [--tunings hardware,adapter,alone]
// [--only NAME] [--reps N] [--json FILE]`: every different dispatch of a program alone, on the adapter that Dawn finds, each in
// every tuning by turns; the families' shares of the whole, their GFLOP/s and GB/s, and
// how much of the roofline that is: of what the adapter does of multiply-adds or copies alone, whichever bounds the call. Needs
// `npm run assembly`.
//
// The clock: on Linux a software adapter's own threads' time on a CPU (so other work on the machine does not count), else
// timestamp queries. Times are the least of `reps`, sums over the program's dispatches.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: 'string', default: 'full' },
    batch: { type: 'string', default: '16' },
    length: { type: 'string', default: '24' },
    dtype: { type: 'string', default: 'fp32' },
    tunings: { type: 'string', default: 'adapter' },
    only: { type: 'string', default: '' },
    reps: { type: 'string', default: '3' },
    json: { type: 'string' },
    shapes: { type: 'boolean', default: false },
  },
});
const [which = 'frame'] = positionals;

const vite = { configFile: false, oxc: { target: 'es2022' }, assetsInclude: ['**/*.deflate'], logLevel: 'error' };
// One import, so that all modules are one graph.
const load = async path => (await runnerImport(path, vite)).module;
const project = await load('./devices/tools/bench-kernels-project.ts');

const { gpu } = project;
const tunings = { hardware: project.hardwareTuning, adapter: gpu.tuning, alone: { ...gpu.tuning, lanes: 1 } };
const pipelines = new project.PipelineCache(gpu);

/** Calls that differ, with how often each occurs. */
function distinct(program) {
  const found = new Map();
  for (const call of program.calls) {
    const { shader, constants, uniforms, bindings, workgroups } = call;
    const sizes = bindings.map(({ operand }) => (operand === null ? 0 : program.buffers[operand].bytes));
    const key = JSON.stringify([shader.name, shader.tile, shader.swap, constants, uniforms, sizes, workgroups]);
    const same = found.get(key);
    if (same) same.count++;
    else found.set(key, { call, sizes, count: 1 });
  }
  return [...found.values()].filter(({ call }) => call.shader.name.includes(options.only));
}

const slots = [];
async function slot(i, bytes) {
  const size = Math.max(256, Math.ceil(bytes / 256) * 256);
  if (slots[i]?.size >= size) return slots[i];
  if (slots[i]) gpu.destroyBuffer(slots[i]);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
  slots[i] = await gpu.createBuffer({ label: `operand ${i}`, size, usage, kind: 'other' });
  gpu.device.queue.writeBuffer(slots[i], 0, new Float32Array(size / 4).fill(0.01));
  return slots[i];
}

const stopwatch = project.stopwatchFor(gpu);

/** Milliseconds of a plan of one call. */
async function time(plan) {
  if (!stopwatch) return (await plan.profile()).reduce((sum, { ms }) => sum + ms, 0);
  return stopwatch.time(plan.calls[0], () => project.finished(gpu, plan));
}

async function measure({ call, sizes }) {
  const bindings = await Promise.all(
    call.bindings.map(async ({ operand, access }, i) => ({
      access,
      operand:
        operand === null
          ? null
          : { buffer: await slot(i, sizes[i]), offset: 0, size: Math.max(16, Math.ceil(sizes[i] / 16) * 16) },
    })),
  );
  const plan = await project.CommandPlan.create(pipelines, call.shader.name, [{ ...call, bindings }]);
  const first = performance.now();
  await time(plan);
  const cold = performance.now() - first;
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < Number(options.reps); i++) best = Math.min(best, await time(plan));
  plan.dispose();
  return { ms: best, cold };
}

const peak = {};
for (const [name, { call, sizes }] of Object.entries(project.roofline)) {
  const { ms } = await measure({ call, sizes });
  peak[name] = (name === 'fma' ? call.cost.flops : call.cost.bytes) / ms / 1e6;
}
console.log(
  `${gpu.adapter.description}: ${peak.fma.toFixed(1)} GFLOP/s of multiply-adds alone, ${peak.copy.toFixed(1)} GB/s of copies`,
);

/** The least milliseconds that the adapter could take, by what it measured of itself. */
const bound = ({ flops, bytes }) => Math.max(flops / peak.fma, bytes / peak.copy) / 1e6;

const results = {};
for (const name of options.tunings.split(',')) {
  const program = project.programOf(
    which,
    { ...options, batch: Number(options.batch), length: Number(options.length) },
    tunings[name],
  );
  const calls = distinct(program);
  const rows = [];
  for (const item of calls) rows.push({ ...item, ...(await measure(item)) });
  const families = new Map();
  for (const { call, count, ms, sizes } of rows) {
    const f = families.get(call.shader.name) ?? { calls: 0, kinds: 0, ms: 0, flops: 0, bytes: 0, bound: 0 };
    f.calls += count;
    f.kinds++;
    f.ms += count * ms;
    f.flops += count * call.cost.flops;
    f.bytes += count * call.cost.bytes;
    f.bound += count * bound(call.cost);
    families.set(call.shader.name, f);
    if (options.shapes)
      console.log(
        `${call.shader.name.padEnd(32)} x${String(count).padEnd(3)} ${ms.toFixed(2).padStart(8)} ms ${(call.cost.flops / ms / 1e6).toFixed(1).padStart(6)} GFLOP/s  [${Object.values(call.uniforms)}] ${sizes}`,
      );
  }
  const total = [...families.values()].reduce((sum, f) => sum + f.ms, 0);
  const flops = [...families.values()].reduce((sum, f) => sum + f.flops, 0);
  console.log(
    `\n${which} ${options.config}, ${name} tuning ${JSON.stringify(tunings[name])}, ${gpu.adapter.description}: ${program.calls.length} dispatches, ${calls.length} kinds, ${total.toFixed(0)} ms, ${(flops / total / 1e6).toFixed(1)} GFLOP/s`,
  );
  for (const [family, f] of [...families].sort((a, b) => b[1].ms - a[1].ms))
    console.log(
      `  ${family.padEnd(34)}${String(f.calls).padStart(5)}${f.ms.toFixed(1).padStart(10)} ms ${((100 * f.ms) / total).toFixed(1).padStart(5)} %${(f.flops / f.ms / 1e6).toFixed(1).padStart(8)} GFLOP/s${(f.bytes / f.ms / 1e6).toFixed(2).padStart(8)} GB/s${((100 * f.bound) / f.ms).toFixed(0).padStart(5)} %`,
    );
  results[name] = { total, families: Object.fromEntries(families) };
}
if (options.json)
  writeFileSync(
    options.json,
    `${JSON.stringify({ adapter: gpu.adapter, which, ...options, peak, results }, null, 1)}\n`,
  );
gpu.dispose();
process.exit(0);
