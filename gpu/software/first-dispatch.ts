// Some drivers compile a pipeline not when it is made but when it is first dispatched, each in turn, on the one thread that
// runs the queue (lavapipe: LLVM, tenths of a second a pipeline). Dispatched once while weights load, pipelines are compiled then.
// All are made before the first is dispatched: lavapipe makes none while its queue is at work.

import type { Compiler, GpuDevice } from '../device.js';
import type { KernelCall } from '../kernel.js';

/** Bytes bound to each operand: enough for any element type, at an offset that any device takes. */
const SLOT = 256;

/**
 * Dispatches each different pipeline of `calls` once, as one workgroup over nothing: the uniform block is zero, and so are all
 * dimensions. Submits and does not wait.
 *
 * Errors: those of `PipelineCache.compile` and `GpuDevice.createBuffer`.
 */
export async function dispatchOnce(
  gpu: GpuDevice,
  pipelines: Compiler,
  calls: readonly KernelCall<unknown>[],
): Promise<void> {
  const compiled = await pipelines.compile(calls);
  const distinct = new Map(compiled.map((pipeline, i) => [pipeline, calls[i]!]));
  const most = Math.max(0, ...calls.map(({ bindings }) => bindings.length));
  const made: GPUBuffer[] = [];
  const scratch = async (label: string, usage: GPUBufferUsageFlags) => {
    const size = SLOT * Math.max(1, most);
    made.push(await gpu.createBuffer({ label: `first dispatch ${label}`, size, usage, kind: 'other' }));
    return made.at(-1)!;
  };
  try {
    const uniforms = await scratch('uniforms', GPUBufferUsage.UNIFORM);
    const read = await scratch('inputs', GPUBufferUsage.STORAGE);
    const written = await scratch('outputs', GPUBufferUsage.STORAGE);
    await gpu.scoped('first dispatch', () => {
      for (const [pipeline, { shader, bindings }] of distinct) {
        const operands = bindings.map(({ access }, i) => ({
          buffer: access === 'read' ? read : written,
          offset: i * SLOT,
          size: SLOT,
        }));
        const entries = [{ buffer: uniforms, size: SLOT }, ...operands].map((resource, binding) => ({
          binding,
          resource,
        }));
        const label = `first ${shader.name}`;
        const encoder = gpu.device.createCommandEncoder({ label });
        const pass = encoder.beginComputePass({ label });
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, gpu.device.createBindGroup({ label, layout: pipelines.layout(bindings), entries }));
        pass.dispatchWorkgroups(1);
        pass.end();
        gpu.device.queue.submit([encoder.finish()]); // one by one, so that the driver begins with the first
      }
    });
  } finally {
    // What has been submitted keeps its memory until it has run.
    for (const buffer of made) gpu.destroyBuffer(buffer);
  }
}
