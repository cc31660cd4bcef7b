// `node devices/tools/bench-pipelines.mjs [frame|text|both] [--config full|nano] [--dtype fp32|fp16|int8] [--tuning adapter|hardware|alone] [--only NAME] [--json FILE]`:
// what each different pipeline of a program costs before it runs: its module (the browser's compiler), the pipeline, and
// its first dispatch, in which some drivers compile once more. One workgroup over zeroed dimensions, so that nothing else is in it.
//
// The clock: the whole process's time on a CPU, so that other work on the machine does not count. The driver's cache on
// disk is left out. Needs `npm run assembly`.

import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runnerImport } from 'vite';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    config: { type: 'string', default: 'full' },
    length: { type: 'string', default: '24' },
    dtype: { type: 'string', default: 'fp32' },
    tuning: { type: 'string', default: 'adapter' },
    only: { type: 'string', default: '' },
    json: { type: 'string' },
  },
});
const [which = 'both'] = positionals;

process.env.MESA_SHADER_CACHE_DISABLE ??= 'true';
const vite = { configFile: false, oxc: { target: 'es2022' }, assetsInclude: ['**/*.deflate'], logLevel: 'error' };
const { module: project } = await runnerImport('./devices/tools/bench-kernels-project.ts', vite);
const { gpu } = project;
const tunings = { hardware: project.hardwareTuning, adapter: gpu.tuning, alone: { ...gpu.tuning, lanes: 1 } };
const tuning = tunings[options.tuning];

/** One call of each different pipeline, with how many dispatches use it. */
function distinct(programs) {
  const found = new Map();
  for (const { calls } of programs)
    for (const call of calls) {
      const key = project.shaderKey(call.shader, call.constants, gpu.features);
      const same = found.get(key);
      if (same) same.count++;
      else found.set(key, { key, call, count: 1 });
    }
  return [...found.values()].filter(({ call }) => call.shader.name.includes(options.only));
}

/** CPU milliseconds of the process, and wall milliseconds, of a piece of work. */
async function spent(work) {
  const before = process.cpuUsage();
  const start = performance.now();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, cpu: (user + system) / 1000, wall: performance.now() - start };
}

const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST;
const slots = await Promise.all(
  Array.from({ length: 12 }, (_, i) => gpu.createBuffer({ label: `operand ${i}`, size: 4096, usage, kind: 'other' })),
);

async function measure({ key, call, count }) {
  const pipelines = new project.PipelineCache(gpu);
  const made = await spent(() => pipelines.compile([call]));
  const bindings = call.bindings.map(({ access }, i) => ({
    access,
    operand: { buffer: slots[i], offset: 0, size: 4096 },
  }));
  const uniforms = call.uniforms.map(() => ({ u32: 0 }));
  const plan = await project.CommandPlan.create(pipelines, 'first', [
    { ...call, bindings, uniforms, workgroups: [1, 1, 1] },
  ]);
  const run = () =>
    spent(() => {
      plan.submit();
      return gpu.guard('bench', gpu.device.queue.onSubmittedWorkDone());
    });
  const first = await run();
  const second = await run();
  plan.dispose();
  return { key, name: call.shader.name, count, made: made.cpu, first: first.cpu, wall: first.wall, second: second.cpu };
}

const programs = (which === 'both' ? ['frame', 'text'] : [which]).map(name =>
  project.programOf(name, { ...options, length: Number(options.length) }, tuning),
);
const rows = [];
for (const item of distinct(programs)) rows.push(await measure(item));
const sum = field => rows.reduce((total, row) => total + row[field], 0);
console.log(
  `${which} ${options.config} ${options.dtype}, ${JSON.stringify(tuning)}, ${gpu.adapter.description}: ${rows.length} pipelines, CPU ms: ${sum('made').toFixed(0)} making them, ${sum('first').toFixed(0)} in first dispatches, ${sum('second').toFixed(0)} in second ones`,
);
for (const { key, count, made, first, wall } of rows.sort((a, b) => b.first + b.made - a.first - a.made))
  console.log(
    `${made.toFixed(0).padStart(6)} ${first.toFixed(0).padStart(6)} ${wall.toFixed(0).padStart(6)} x${String(count).padEnd(3)} ${key}`,
  );
if (options.json)
  writeFileSync(options.json, `${JSON.stringify({ adapter: gpu.adapter, ...options, rows }, null, 1)}\n`);
gpu.dispose();
process.exit(0);
