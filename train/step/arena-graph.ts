// A graph that runs on the arena's parameters where they lie: nothing is copied, and it always sees the newest.

import type { Assembly } from '../../assembly/index.js';
import { bytesOfView } from '../../formats/weights/encode-storage.js';
import type { BufferRange } from '../../gpu/commands.js';
import { PipelineCache } from '../../gpu/pipelines.js';
import { type Outputs, sizeOf } from '../../graph/graph.js';
import { lower } from '../../graph/lower.js';
import { parameterInput, parametersAsInputs } from '../../graph/passes/parameters-as-inputs.js';
import { Plan } from '../../runtime/engines/webgpu/plan.js';
import { noParameters } from '../../runtime/engines/webgpu/run-graph.js';
import { WeightStore } from '../../runtime/engines/webgpu/weights.js';
import type { ParameterArena } from '../parameters/parameter-arena.js';
import { type Batch, inputOf } from './gradient-pass.js';

export class ArenaGraph {
  private constructor(
    private readonly arena: ParameterArena,
    readonly plan: Plan,
    private readonly constants: WeightStore,
  ) {}

  /**
   * @param outputs over the inputs of a network
   * @param kind which of the arena's networks
   *
   * Errors: those of planning, GPU_LIMIT, GPU_OUT_OF_MEMORY, DEVICE_LOST, DISPOSED.
   */
  static async create(
    arena: ParameterArena,
    assembly: Assembly,
    outputs: Outputs,
    kind: 'parameters' | 'average',
    label: string,
  ): Promise<ArenaGraph> {
    const { gpu } = arena;
    const program = lower(parametersAsInputs(outputs), { weights: 'f32', tuning: gpu.tuning });
    const external = new Map<number, BufferRange>();
    for (const name of arena.names) {
      const input = program.inputs[parameterInput(name)];
      if (input !== undefined) external.set(input, arena.range(kind, name));
    }
    const constants = await WeightStore.load(gpu, assembly, [program], noParameters);
    try {
      const rewritten = Object.keys(program.inputs).filter(name => !external.has(program.inputs[name]!));
      const where = { rewritten, external };
      const plan = await Plan.create(gpu, new PipelineCache(gpu), program, constants, label, where);
      return new ArenaGraph(arena, plan, constants);
    } catch (error) {
      constants.dispose();
      throw error;
    }
  }

  /** Runs it on a batch, or on a smaller one than it was made for: the beginnings of the outputs are that batch's. */
  submit(batch: Omit<Batch, 'target'>): void {
    for (const name of this.plan.inputNames) {
      const data = inputOf(batch, name);
      if (data === null) continue;
      const bytes = bytesOfView(data);
      this.plan.write(name, repeated(bytes, sizeOf(this.plan.input(name).shape) * 4));
    }
    const { device } = this.arena.gpu;
    const encoder = device.createCommandEncoder({ label: 'arena graph' });
    this.plan.encode(encoder);
    device.queue.submit([encoder.finish()]);
  }

  /** Twice is fine. */
  dispose(): void {
    this.plan.dispose();
    this.constants.dispose();
  }
}

/** A smaller batch as often as it fits: the graph's size is fixed, and what stands behind the batch is not looked at. */
function repeated(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length === size) return bytes;
  const whole = new Uint8Array(size);
  for (let at = 0; at < size; at += bytes.length) whole.set(bytes.subarray(0, size - at), at);
  return whole;
}
