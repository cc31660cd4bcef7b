// One graph, one run: for `inspect`, for tests, for whatever needs every output of a graph once.

import { toHalf } from '../../../assembly/half.js';
import type { Assembly } from '../../../assembly/index.js';
import { check } from '../../../errors/index.js';
import { bytesOfView, decodeStorage, padded } from '../../../formats/weights/encode-storage.js';
import type { ParameterStream } from '../../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../../gpu/device.js';
import type { Storage } from '../../../gpu/kernel.js';
import { PipelineCache } from '../../../gpu/pipelines.js';
import { Readback } from '../../../gpu/readback.js';
import { type Outputs, type Shape, showShape, sizeOf } from '../../../graph/graph.js';
import { type LowerOptions, lower } from '../../../graph/lower.js';
import { Plan } from './plan.js';
import { type LoadOptions, WeightStore } from './weights.js';

/** Numbers in a shape, row-major, in the graph's own layout. */
export interface HostTensor {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

/** Pipelines compile once a device, whatever graphs run on it. */
const pipelinesOf = new WeakMap<GpuDevice, PipelineCache>();

function sharedPipelines(gpu: GpuDevice): PipelineCache {
  const pipelines = pipelinesOf.get(gpu) ?? new PipelineCache(gpu);
  pipelinesOf.set(gpu, pipelines);
  return pipelines;
}

export interface GraphRun {
  readonly outputs: Readonly<Record<string, { readonly shape: Shape; readonly data: Float32Array }>>;
  readonly dispatches: number;
  readonly arenaBytes: number;
}

/** Parameters that a graph without any needs. */
export const noParameters: ParameterStream = { async *tensors() {} };

function encodeInput(assembly: Assembly, data: ArrayLike<number>, storage: Storage): Uint8Array {
  if (storage === 'i32') return bytesOfView(Int32Array.from(data));
  const floats = Float32Array.from(data);
  return padded(storage === 'f16' ? toHalf(assembly, floats) : floats);
}

/**
 * Runs `outputs` as they are: whatever passes are wanted have been applied.
 * @param weights storage of what the graph's weight slots read, where it is known at load
 * @throws TmcaError BAD_ARGUMENT where an input is missing or of another shape; what loading and the device throw
 */
export async function runGraph(
  gpu: GpuDevice,
  assembly: Assembly,
  outputs: Outputs,
  inputs: Readonly<Record<string, HostTensor>>,
  options: LoadOptions & Partial<LowerOptions> & { readonly parameters?: ParameterStream } = {},
): Promise<GraphRun> {
  const program = lower(outputs, { weights: options.weights ?? 'f32', wide: options.wide, tuning: gpu.tuning });
  const pipelines = sharedPipelines(gpu);
  const store = await WeightStore.load(gpu, assembly, [program], options.parameters ?? noParameters, options);
  const readback = new Readback(gpu);
  let plan: Plan | undefined;
  try {
    plan = await Plan.create(gpu, pipelines, program, store, 'graph');
    for (const name of plan.inputNames) {
      const { shape, storage } = plan.input(name);
      const given = inputs[name];
      check(
        given && given.data.length === sizeOf(shape),
        'BAD_ARGUMENT',
        () => `runGraph: input ${name} must be ${showShape(shape)}, got ${given ? showShape(given.shape) : 'nothing'}`,
      );
      plan.write(name, encodeInput(assembly, given.data, storage));
    }
    const encoder = gpu.device.createCommandEncoder({ label: 'graph' });
    plan.encode(encoder);
    gpu.device.queue.submit([encoder.finish()]);
    const results: Record<string, { shape: Shape; data: Float32Array }> = {};
    for (const name of plan.outputNames) {
      const { range, shape, storage } = plan.output(name);
      const bytes = await readback.read(range, { signal: options.signal });
      results[name] = { shape, data: decodeStorage(assembly, bytes, storage, sizeOf(shape)) };
    }
    gpu.check('runGraph');
    return { outputs: results, dispatches: plan.dispatches, arenaBytes: plan.arenaBytes };
  } finally {
    plan?.dispose();
    readback.dispose();
    store.dispose();
  }
}
