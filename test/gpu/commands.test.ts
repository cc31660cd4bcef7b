// Pipelines, prepared plans and readback, by two small kernels: y = a x + b, and a counter.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type BufferRange, CommandPlan } from '../../gpu/commands.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { KernelCall, Shader } from '../../gpu/kernel.js';
import { nodeGpu } from '../../gpu/node.js';
import { openDevice } from '../../gpu/open-device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';

const source = `struct Uniforms { length: u32, a: f32 }
override B: f32 = 0.0;
@group(0) @binding(0) var<uniform> u: Uniforms;
@group(0) @binding(1) var<storage, read> x: array<act>;
@group(0) @binding(2) var<storage, read> absent: array<act>;
@group(0) @binding(3) var<storage, read_write> y: array<act>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < u.length) { y[id.x] = u.a * x[id.x] + B + absent[id.x % 4]; }
}`;
const shader: Shader = { name: 'scale-add', source, act: 'f32' };
const length = 100;

let gpu: GpuDevice;
let pipelines: PipelineCache;
let readback: Readback;
let ranges: BufferRange[];

beforeEach(async () => {
  gpu = await openDevice({ gpu: await nodeGpu(), prefer: 'any' });
  pipelines = new PipelineCache(gpu);
  readback = new Readback(gpu, 2);
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffers = [];
  for (const i of [0, 1, 2])
    buffers.push(await gpu.createBuffer({ label: `arena ${i}`, size: 1024, usage, kind: 'arena' }));
  ranges = buffers.map(buffer => ({ buffer, offset: 256, size: 4 * length }));
  gpu.device.queue.writeBuffer(buffers[0]!, 256, new Float32Array(length).fill(1));
});
afterEach(() => gpu.dispose());

/** `to = a from + b`; buffers by index. */
function scaleAdd(from: number, to: number, a: number, b: number): KernelCall<BufferRange> {
  return {
    shader,
    constants: { B: b },
    uniforms: { a, length },
    bindings: [
      { operand: ranges[from]!, access: 'read' },
      { operand: null, access: 'read' },
      { operand: ranges[to]!, access: 'read_write' },
    ],
    workgroups: [Math.ceil(length / 64), 1, 1],
    cost: { flops: 2 * length, bytes: 8 * length },
  };
}
const values = async (i: number) => [...new Set(new Float32Array((await readback.read(ranges[i]!)).buffer))];

describe('pipelines', () => {
  test('one for each set of constants, compiled once, with progress', async () => {
    const seen: unknown[] = [];
    const calls = [scaleAdd(0, 1, 1, 1), scaleAdd(0, 1, 2, 1), scaleAdd(0, 1, 1, 2)];
    const [a, b, c] = await pipelines.compile(calls, progress => seen.push(progress));
    expect(a).toBe(b);
    expect(a).not.toBe(c);
    expect(seen).toEqual([
      { loaded: 1, total: 2 },
      { loaded: 2, total: 2 },
    ]);
    await pipelines.compile(calls);
    expect(pipelines.size).toBe(2);
  });

  test('a mistake in a shader is reported with its file and line, now and when tried again', async () => {
    const wrong = {
      ...scaleAdd(0, 1, 1, 1),
      shader: { ...shader, name: 'wrong', source: `${source}\nfn f() -> i32 { return 1.0; }` },
    };
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(pipelines.compile([wrong])).rejects.toMatchObject({
        code: 'SHADER_INVALID',
        message: expect.stringMatching(
          /^compile: wrong must be valid WGSL on this device, got wrong\.wgsl:10:\d+ .*i32/,
        ),
      });
    gpu.check('nothing else was reported');
  });

  test('a constant that the shader does not have is reported under the pipeline', async () => {
    const wrong = { ...scaleAdd(0, 1, 1, 1), constants: { C: 1 } };
    await expect(pipelines.compile([wrong])).rejects.toMatchObject({
      code: 'SHADER_INVALID',
      message: expect.stringContaining('compile scale-add|f32|-||C=1: the pipeline must be valid'),
    });
  });

  test('two sources of one name, and more bindings than the device has, are refused', async () => {
    const other = { ...scaleAdd(0, 1, 1, 1), shader: { ...shader, source: `${source} ` } };
    await expect(pipelines.compile([scaleAdd(0, 1, 1, 1), other])).rejects.toThrow('got two for scale-add');
    const many = new Array(gpu.limits.maxStorageBuffersPerShaderStage + 1).fill({ operand: ranges[0], access: 'read' });
    await expect(pipelines.compile([{ ...scaleAdd(0, 1, 1, 1), bindings: many }])).rejects.toMatchObject({
      code: 'GPU_LIMIT',
    });
  });
});

describe('a plan', () => {
  test('runs its calls in order, each seeing the one before; absent operands are zero', async () => {
    const calls = [scaleAdd(0, 1, 2, 1), scaleAdd(1, 2, 10, 0), scaleAdd(2, 0, 1, 5)];
    using plan = await CommandPlan.create(pipelines, 'frame', calls);
    expect(plan.length).toBe(3);
    plan.submit(); // 1 → 3 → 30 → 35
    expect([await values(1), await values(2), await values(0)]).toEqual([[3], [30], [35]]);
    plan.submit(); // 35 → 71 → 710 → 715
    expect(await values(0)).toEqual([715]);
  });

  test('takes new uniforms between runs', async () => {
    using plan = await CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 1, 2, 0), scaleAdd(0, 2, 2, 0)]);
    plan.submit();
    plan.setUniforms(1, { a: 7, length });
    const before = values(2);
    plan.submit();
    expect([await before, await values(1), await values(2)]).toEqual([[2], [2], [7]]);
    expect(() => plan.setUniforms(0, { length })).toThrow('uniforms of scale-add must be length, a, got length;');
  });

  test('is refused where uniforms are not those of the WGSL', async () => {
    for (const uniforms of [{ length }, { length, b: 1 }, { length, a: 1, b: 1 }])
      await expect(
        CommandPlan.create(pipelines, 'frame', [{ ...scaleAdd(0, 1, 2, 1), uniforms }]),
      ).rejects.toMatchObject({
        code: 'INTERNAL',
        message: `writeUniforms: uniforms of scale-add must be length, a, got ${Object.keys(uniforms).join(', ')}; correct the kernel's factory`,
      });
  });

  test('is refused where a call would bind a buffer in two roles, or too large', async () => {
    await expect(CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 0, 1, 0)])).rejects.toThrow(
      'CommandPlan: scale-add must bind a buffer either for reading or for writing, got both for "arena 0"',
    );
    const { maxStorageBufferBindingSize: most, maxComputeWorkgroupsPerDimension: groups } = gpu.limits;
    ranges[0] = { ...ranges[0]!, size: most + 4 };
    await expect(CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 1, 1, 0)])).rejects.toThrow(
      `at most ${most} bytes at a time on this device, got ${most + 4}`,
    );
    const wide = { ...scaleAdd(1, 2, 1, 0), workgroups: [groups + 1, 1, 1] as const };
    await expect(CommandPlan.create(pipelines, 'frame', [wide])).rejects.toMatchObject({ code: 'GPU_LIMIT' });
  });

  test('a plan that cannot be prepared leaves no bytes behind', async () => {
    const before = gpu.bytes;
    ranges[1] = { ...ranges[1]!, offset: 2000 };
    await expect(CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 1, 1, 0)])).rejects.toMatchObject({
      code: 'GPU_FAILED',
    });
    expect(gpu.bytes).toEqual(before);
  });

  test('frees what it made, twice is fine', async () => {
    const before = gpu.bytes;
    const plan = await CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 1, 1, 0)]);
    expect(gpu.bytes.other).toBeGreaterThan(before.other);
    await plan.profile();
    plan.dispose();
    plan.dispose();
    expect(() => plan.submit()).toThrow('frame: the plan must be live, got a disposed one; make a new one');
    await expect(plan.profile()).rejects.toMatchObject({ code: 'DISPOSED' });
    const other = await CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 1, 1, 0)]);
    const profile = expect(other.profile()).rejects.toMatchObject({ code: 'DISPOSED' });
    other.dispose();
    await profile;
    await expect.poll(() => gpu.bytes).toEqual(before);
  });

  test('profiles every dispatch under its kernel, and computes the same', async () => {
    using plan = await CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 1, 2, 0), scaleAdd(1, 2, 2, 0)]);
    const begun = performance.now();
    const [times, again] = await Promise.all([plan.profile(), plan.profile()]);
    const elapsed = performance.now() - begun;
    expect(again.length).toBe(2);
    expect(times.map(time => time.label)).toEqual(['scale-add', 'scale-add']);
    for (const { ms } of times) expect(ms).toBeGreaterThanOrEqual(0);
    // milliseconds: dispatches take no longer than the whole
    expect(times.reduce((sum, { ms }) => sum + ms, 0)).toBeLessThanOrEqual(elapsed);
    expect(await values(2)).toEqual([4]);
  });

  test('does not profile on a device without timestamps', async () => {
    using plain = await openDevice({ gpu: await nodeGpu(), prefer: 'any', features: { timestamps: false } });
    using plan = await CommandPlan.create(new PipelineCache(plain), 'nothing', []);
    await expect(plan.profile()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });
});

describe('readback', () => {
  test('overlapping reads see the bytes of their own moment, also beyond the staging buffers that are kept', async () => {
    using plan = await CommandPlan.create(pipelines, 'step', [scaleAdd(0, 1, 1, 1), scaleAdd(1, 0, 1, 0)]);
    const reads = [];
    for (let i = 0; i < 6; i++) {
      plan.submit();
      reads.push(values(0));
    }
    expect(await Promise.all(reads)).toEqual([[2], [3], [4], [5], [6], [7]]);
    await expect.poll(() => gpu.bytes.other).toBeLessThanOrEqual(2 * 512 + 512 + 256);
    const staging = gpu.bytes.other;
    await values(0);
    expect(gpu.bytes.other).toBe(staging);
  });

  test('odd sizes, and a view without a copy', async () => {
    const bytes = await readback.read({ ...ranges[0]!, size: 6 });
    expect([...bytes]).toEqual([0, 0, 128, 63, 0, 0]);
    expect(await readback.view(ranges[0]!, view => new Float32Array(view.buffer, 0, 1)[0])).toBe(1);
  });

  test('rejects when the run before it failed, instead of giving what lay there', async () => {
    // Beyond the end: WebGPU drops the write and reports it to nobody in particular.
    gpu.device.queue.writeBuffer(ranges[0]!.buffer, 4096, new Uint8Array(4));
    await expect(readback.read(ranges[0]!)).rejects.toMatchObject({
      code: 'GPU_FAILED',
    });
    expect(await values(0)).toEqual([1]);
  });

  test('an abort ends one read and spoils no other', async () => {
    const controller = new AbortController();
    const stopped = readback.read(ranges[0]!, { signal: controller.signal });
    const other = values(0);
    controller.abort();
    await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
    expect(await other).toEqual([1]);
    for (let i = 0; i < 4; i++) expect(await values(0)).toEqual([1]);
  });

  test('an error of the caller comes through, and the staging buffer is used again', async () => {
    await expect(
      readback.view(ranges[0]!, () => {
        throw new RangeError('mine');
      }),
    ).rejects.toThrow('mine');
    const staging = gpu.bytes.other;
    expect(await values(0)).toEqual([1]);
    expect(gpu.bytes.other).toBe(staging);
  });

  test('dispose rejects what is under way, frees everything, twice is fine', async () => {
    const before = gpu.bytes.other;
    const reads = [readback.read(ranges[0]!), readback.read(ranges[0]!)];
    readback.dispose();
    readback.dispose();
    for (const result of await Promise.allSettled(reads))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'DISPOSED' } });
    await expect(readback.read(ranges[0]!)).rejects.toMatchObject({ code: 'DISPOSED' });
    expect(gpu.bytes.other).toBe(before);
  });
});

describe('a device that is lost', () => {
  const lost = { code: 'DEVICE_LOST', retryable: true };

  test('before the work: submit and read reject', async () => {
    using plan = await CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 1, 2, 0)]);
    gpu.device.destroy();
    // Not yet known to be lost: the submission goes nowhere, and its read says so.
    const early = readback.read(ranges[1]!);
    await expect(early).rejects.toMatchObject(lost);
    expect(() => plan.submit()).toThrow('frame: the device must be available, got a lost one');
    await expect(readback.read(ranges[1]!)).rejects.toMatchObject(lost);
    await expect(pipelines.compile([scaleAdd(0, 1, 9, 9)])).rejects.toMatchObject(lost);
  });

  test('during the work, in mapAsync and after the bytes have come', async () => {
    using plan = await CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 1, 2, 0)]);
    plan.submit();
    const done = await values(1);
    plan.submit();
    const reads = [readback.read(ranges[1]!), readback.read(ranges[1]!), plan.profile()];
    gpu.device.destroy();
    for (const result of await Promise.allSettled(reads))
      expect(result).toMatchObject({ status: 'rejected', reason: lost });
    expect(done).toEqual([2]);
  });

  test('while pipelines compile', async () => {
    const compiling = CommandPlan.create(pipelines, 'frame', [scaleAdd(0, 1, 2, 3), scaleAdd(1, 2, 2, 4)]);
    gpu.device.destroy();
    await expect(compiling).rejects.toMatchObject(lost);
  });
});
