// A kernel test in a few lines: `runKernel` uploads, dispatches once and reads back every written operand.
//
//   for (const variation of await variations())
//     test(`scale, ${variation.name}`, async () => {
//       const call = scale({ length: 33, act: variation.act, weight: variation.weight, … operands 0, 1, 2 });
//       const [y] = await runKernel(variation.gpu, call, [
//         { data: x, storage: variation.act }, { data: w, storage: variation.weight }, { length: 33, storage: variation.act }]);
//       expectClose(y!, reference(asStored(x, variation.act), asStored(w, variation.weight)), tolerance[variation.act]);
//     });

import { afterAll } from 'vitest';
import { CommandPlan } from '../../gpu/commands.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { KernelCall, Storage } from '../../gpu/kernel.js';
import { nodeGpu } from '../../gpu/node.js';
import { openDevice } from '../../gpu/open-device.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { Readback } from '../../gpu/readback.js';
import { hardwareTuning, type Tuning } from '../../gpu/tuning.js';
import { fromHalf, toHalf } from '../half.js';

/** Contents of an operand, or its length where the kernel fills it. Half-precision data is given as plain numbers. */
export type TestBuffer =
  | { readonly data: ArrayLike<number>; readonly storage: Storage }
  | { readonly length: number; readonly storage: Storage };

/** A combination of element types that the adapter can run. */
export interface Variation {
  readonly name: string;
  readonly gpu: GpuDevice;
  readonly act: 'f32' | 'f16';
  readonly weight: 'f32' | 'f16';
}

const open = new Map<boolean, Promise<GpuDevice>>();

/** The test file's device; `f16: false` opens one that leaves shader-f16 out even where the adapter has it. */
export function getGpu({ f16 = true }: { f16?: boolean } = {}): Promise<GpuDevice> {
  const gpu = open.get(f16) ?? nodeGpu().then(gpu => openDevice({ gpu, prefer: 'any', features: { f16 } }));
  open.set(f16, gpu);
  return gpu;
}

afterAll(async () => {
  for (const gpu of open.values()) (await gpu).dispose();
});

/** f32 throughout; f16 weights packed in u32; and with shader-f16 also native f16 weights, and f16 throughout. */
export async function variations(): Promise<Variation[]> {
  const gpu = await getGpu();
  const list: Variation[] = [
    { name: 'f32', gpu, act: 'f32', weight: 'f32' },
    { name: 'f32, f16 weights packed', gpu: await getGpu({ f16: false }), act: 'f32', weight: 'f16' },
  ];
  if (gpu.features.f16)
    list.push(
      { name: 'f32, f16 weights native', gpu, act: 'f32', weight: 'f16' },
      { name: 'f16', gpu, act: 'f16', weight: 'f16' },
    );
  return list;
}

export interface NamedTuning {
  readonly name: string;
  readonly tuning: Tuning;
}

/**
 * How kernels that are cut by the device are to be tested on it: as for hardware; and where it runs on the CPU, as for one without
 * subgroups, and as for this device.
 */
export function tuningsOf({ tuning }: GpuDevice): NamedTuning[] {
  const hardware = { name: 'workgroup tiles', tuning: hardwareTuning };
  if (tuning.lanes === 0) return [hardware];
  const alone = { name: 'invocations alone', tuning: { ...tuning, lanes: 1 as const } };
  return tuning.lanes === 1 ? [hardware, alone] : [hardware, alone, { name: `${tuning.lanes} lanes`, tuning }];
}

/** A call in one variant of its class of shapes (`Cut`). */
export function cutAs(
  variant: string,
  make: (tuning: Tuning) => KernelCall<number>,
  tuning = hardwareTuning,
): KernelCall<number> {
  const { cut } = make(tuning);
  return make({ ...tuning, choices: { [cut!.shape]: variant } });
}

/** `variations`, each in every tuning of its device. */
export async function tunedVariations(): Promise<(Variation & NamedTuning)[]> {
  const all = await variations();
  return all.flatMap(variation =>
    tuningsOf(variation.gpu).map(({ name, tuning }) => ({ ...variation, name: `${variation.name}, ${name}`, tuning })),
  );
}

/** The values as a buffer of this storage holds them: what a reference should be computed from. */
export function asStored(data: ArrayLike<number>, storage: Storage): Float32Array {
  return storage === 'f16' ? Float32Array.from(data, x => fromHalf(toHalf(x))) : Float32Array.from(data);
}

/** One dispatch; the call's operands are indexes into `buffers`. Gives the written operands, in the order of the bindings. */
export function runKernel(
  gpu: GpuDevice,
  call: KernelCall<number>,
  buffers: readonly TestBuffer[],
): Promise<Float32Array[]> {
  return runKernels(gpu, [call], buffers);
}

/**
 * Several dispatches over the same buffers. Gives the written operands in the order in which they are first bound for
 * writing; i32 values are exact up to 2^24. A length not a multiple of 16 bytes is padded to one, and the padding, like
 * an output before it is written, holds NaN (-1 for i32): a kernel that uses either fails.
 */
export async function runKernels(
  gpu: GpuDevice,
  calls: readonly KernelCall<number>[],
  buffers: readonly TestBuffer[],
): Promise<Float32Array[]> {
  const created = await Promise.all(buffers.map((buffer, i) => upload(gpu, `operand ${i}`, toBytes(buffer))));
  const ranges = created.map(buffer => ({ buffer, offset: 0, size: buffer.size }));
  const pipelines = caches.get(gpu) ?? new PipelineCache(gpu);
  caches.set(gpu, pipelines);
  using plan = await CommandPlan.create(
    pipelines,
    calls.map(call => call.shader.name).join(', '),
    calls.map(call => ({
      ...call,
      bindings: call.bindings.map(({ operand, access }) => ({
        access,
        operand: operand === null ? null : ranges[operand]!,
      })),
    })),
  );
  plan.submit();
  using readback = new Readback(gpu);
  const written = calls.flatMap(call => call.bindings.filter(b => b.access === 'read_write').map(b => b.operand!));
  const results = [...new Set(written)].map(async index =>
    fromBytes(await readback.read(ranges[index]!), buffers[index]!),
  );
  try {
    return await Promise.all(results);
  } finally {
    for (const buffer of created) gpu.destroyBuffer(buffer);
  }
}

const caches = new WeakMap<GpuDevice, PipelineCache>();

async function upload(gpu: GpuDevice, label: string, bytes: Uint8Array<ArrayBuffer>): Promise<GPUBuffer> {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = await gpu.createBuffer({ label, size: bytes.byteLength, usage, kind: 'other' });
  gpu.device.queue.writeBuffer(buffer, 0, bytes);
  return buffer;
}

function toBytes(buffer: TestBuffer): Uint8Array<ArrayBuffer> {
  const data = 'data' in buffer ? buffer.data : [];
  const count = 'data' in buffer ? data.length : buffer.length;
  const width = { f32: 4, f16: 2, i8: 1, i32: 4 }[buffer.storage];
  const padded = Math.max(16, Math.ceil((count * width) / 16) * 16) / width;
  if (buffer.storage === 'i8')
    return new Uint8Array(Int8Array.from({ length: padded }, (_, i) => data[i] ?? 99).buffer);
  if (buffer.storage === 'f16')
    return new Uint8Array(Uint16Array.from({ length: padded }, (_, i) => toHalf(data[i] ?? Number.NaN)).buffer);
  const typed = buffer.storage === 'f32' ? new Float32Array(padded).fill(Number.NaN) : new Int32Array(padded).fill(-1);
  typed.set(data);
  return new Uint8Array(typed.buffer);
}

function fromBytes({ buffer: bytes }: Uint8Array<ArrayBuffer>, { storage, ...buffer }: TestBuffer): Float32Array {
  const count = 'data' in buffer ? buffer.data.length : buffer.length;
  if (storage === 'f16') return Float32Array.from(new Uint16Array(bytes, 0, count), fromHalf);
  return Float32Array.from(storage === 'f32' ? new Float32Array(bytes, 0, count) : new Int32Array(bytes, 0, count));
}
