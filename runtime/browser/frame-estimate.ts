// How long a frame may take, estimated from two rates of the adapter: multiply-adds, and dispatches that do next to nothing.

import { throwIfAborted } from '../../errors/index.js';
import multiplyAdd from '../../gpu/multiply-add.wgsl?raw';

/** A frame of the model that the package ships, in half precision: 10^9 operations, and dispatches. A test compares them. */
export const SHIPPED_FRAME = { gflop: 0.27, dispatches: 84 };

/** Share of the rate of multiply-adds in registers that kernels are taken to reach: they also wait for memory. An assumption. */
const REACHED = 0.25;

const GROUP = 64;
const THREADS = 1 << 15;
/** Operations of a thread in a round: 16 multiply-adds of four numbers. */
const PER_ROUND = 16 * 4 * 2;
/** What takes less cannot be told from the clock's steps and the submission. */
const LEAST_MS = 20;
const MOST_ROUNDS = 1 << 18;
const REPEATS = 3;
const DISPATCHES = 200;

/** Null where the adapter gives no device, or loses it. Errors: ABORTED. */
export async function estimateFrame(
  gpu: GPU,
  signal: AbortSignal | undefined,
  options?: GPURequestAdapterOptions,
): Promise<number | null> {
  throwIfAborted(signal, 'capabilities');
  const adapter = await gpu.requestAdapter(options ?? { powerPreference: 'high-performance' });
  const device = await adapter?.requestDevice({ label: 'tmca capabilities' }).catch(() => null);
  if (!device) return null;
  device.addEventListener('uncapturederror', event => event.preventDefault());
  try {
    const lost = device.lost.then(() => null);
    return await Promise.race([measure(device, signal), lost]);
  } finally {
    device.destroy();
  }
}

async function measure(device: GPUDevice, signal: AbortSignal | undefined): Promise<number | null> {
  const run = await kernelOf(device);
  if (!run) return null;
  /** The best of a few, in milliseconds. */
  const best = async (rounds: number, groups: number, dispatches: number) => {
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i < REPEATS; i++) {
      throwIfAborted(signal, 'capabilities');
      least = Math.min(least, await run(rounds, groups, dispatches));
    }
    return least;
  };
  const submission = await best(1, 1, 1);
  const dispatch = Math.max(0, (await best(1, 1, DISPATCHES)) - submission) / (DISPATCHES - 1);
  let rounds = 16;
  let ms = await best(rounds, THREADS / GROUP, 1);
  while (ms - submission < LEAST_MS && rounds < MOST_ROUNDS) {
    rounds *= 4;
    ms = await best(rounds, THREADS / GROUP, 1);
  }
  const gflops = (rounds * PER_ROUND * THREADS) / Math.max(ms - submission, 0.01) / 1e6;
  const { gflop, dispatches } = SHIPPED_FRAME;
  return submission + dispatches * dispatch + (1e3 * gflop) / (gflops * REACHED);
}

/** Runs dispatches of so many workgroups, and resolves to the milliseconds. Null where the device refuses the kernel. */
async function kernelOf(
  device: GPUDevice,
): Promise<((rounds: number, groups: number, dispatches: number) => Promise<number>) | null> {
  const label = 'tmca multiply-add';
  device.pushErrorScope('validation');
  const code = `alias act4 = vec4f;\nconst GROUP = ${GROUP};\n${multiplyAdd}`;
  const module = device.createShaderModule({ label, code });
  const pipeline = device.createComputePipeline({ label, layout: 'auto', compute: { module, entryPoint: 'main' } });
  const dims = device.createBuffer({ label, size: 16, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
  const sums = device.createBuffer({ label, size: 16 * THREADS, usage: GPUBufferUsage.STORAGE });
  const entries = [dims, sums].map((buffer, binding) => ({ binding, resource: { buffer } }));
  const bindGroup = device.createBindGroup({ label, layout: pipeline.getBindGroupLayout(0), entries });
  if (await device.popErrorScope()) return null;
  return async (rounds, groups, dispatches) => {
    const values = new DataView(new ArrayBuffer(16));
    values.setUint32(0, rounds, true);
    values.setFloat32(4, 0.5, true);
    values.setFloat32(8, 0.125, true);
    device.queue.writeBuffer(dims, 0, values.buffer);
    await device.queue.onSubmittedWorkDone();
    const start = performance.now();
    const encoder = device.createCommandEncoder({ label });
    const pass = encoder.beginComputePass({ label });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    for (let i = 0; i < dispatches; i++) pass.dispatchWorkgroups(groups);
    pass.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return performance.now() - start;
  };
}
