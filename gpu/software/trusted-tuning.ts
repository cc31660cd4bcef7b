// What only devices that run on the CPU need; loaded with one, so that a page with a GPU downloads none of it.

import { CommandPlan } from '../commands.js';
import type { DeviceExtras, GpuDevice, Trial } from '../device.js';
import { linear } from '../kernels/matmul/linear.js';
import { PipelineCache } from '../pipelines.js';
import { Readback } from '../readback.js';
import type { Tuning } from '../tuning.js';
import { dispatchOnce } from './first-dispatch.js';
import { laneIncludes } from './lane-includes.js';
import { Pacer } from './pacer.js';

/** A browser's main thread may not sleep, and there another process does the work: only Node is paced. */
const inNode = (): boolean =>
  typeof setImmediate === 'function' && typeof process !== 'undefined' && process.versions?.node !== undefined;

export function softwareExtras(): DeviceExtras {
  return { includes: laneIncludes, pacer: inNode() ? new Pacer() : null, dispatchOnce, trustedTuning };
}

/** More rows and columns than a tile of 4 x 16 or 16 x 24, and multiples of neither. */
const TEST = { m: 19, k: 36, n: 37 };

/** Small integers, whose sums of products f32 holds exactly. */
const integers = (count: number, step: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length: count }, (_, i) => ((i * step) % 7) - 3);

/**
 * The tuning if a product of matrices comes out right with it, else its tiles in workgroup memory: drivers have reported subgroups that
 * they do not have. A device that fails otherwise is left to its next user to report.
 */
export async function trustedTuning(gpu: GpuDevice, tuning: Tuning, trial: Trial = {}): Promise<Tuning> {
  if (tuning.lanes === 0) return tuning;
  return (await multipliesRight(gpu, tuning, trial).catch(() => false)) ? tuning : { ...tuning, lanes: 0 };
}

async function multipliesRight(gpu: GpuDevice, tuning: Tuning, { after, onSubmit }: Trial): Promise<boolean> {
  const { m, k, n } = TEST;
  const [x, weight] = [integers(m * k, 5), integers(n * k, 3)];
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const made: { dispose(): void }[] = [];
  const buffer = async (label: string, data: Float32Array<ArrayBuffer>) => {
    const size = Math.ceil(data.byteLength / 16) * 16;
    const created = await gpu.createBuffer({ label, size, usage, kind: 'other' });
    made.push({ dispose: () => gpu.destroyBuffer(created) });
    gpu.device.queue.writeBuffer(created, 0, data);
    return { buffer: created, offset: 0, size };
  };
  try {
    const out = await buffer('self-test out', new Float32Array(m * n).fill(Number.NaN));
    const operands = { x: await buffer('self-test x', x), weight: await buffer('self-test weight', weight), out };
    const call = linear(TEST, operands, { act: 'f32', weight: 'f32', tuning });
    const plan = await CommandPlan.create(PipelineCache.of(gpu), 'self-test', [call]);
    made.push(plan);
    await after?.catch(() => undefined); // whoever made it hears of it
    plan.submit();
    onSubmit?.();
    const readback = new Readback(gpu);
    made.push(readback);
    const bytes = await readback.read(out);
    return new Float32Array(bytes.buffer, bytes.byteOffset, m * n).every((y, at) => y === product(x, weight, at));
  } finally {
    for (const part of made) part.dispose();
  }
}

/** Element `at` of x weightᵀ. */
function product(x: Float32Array, weight: Float32Array, at: number): number {
  const { k, n } = TEST;
  const [row, column] = [Math.floor(at / n) * k, (at % n) * k];
  let sum = 0;
  for (let i = 0; i < k; i++) sum += x[row + i]! * weight[column + i]!;
  return sum;
}
