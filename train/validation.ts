// How well the network in training segments: its evaluation graph over the arena's own parameters, so that nothing is copied
// and no second model is loaded. Scores are those of `tmca evaluate` on the published model, up to the rounding of folding.

import { type Assembly, type Evaluation, Evaluator } from '../assembly/index.js';
import { check } from '../errors/index.js';
import type { BufferRange } from '../gpu/commands.js';
import type { GpuDevice } from '../gpu/device.js';
import { PipelineCache } from '../gpu/pipelines.js';
import { Readback } from '../gpu/readback.js';
import type { Config } from '../model/config.js';
import { sizeOf } from '../model/graph.js';
import { lower } from '../model/lower.js';
import { fuse } from '../model/passes/index.js';
import { parameterInput, parametersAsInputs } from '../model/passes/parameters-as-inputs.js';
import { tmca, tmcaInputs } from '../model/tmca.js';
import { bytesOfView } from '../runtime/webgpu/encode.js';
import { Plan } from '../runtime/webgpu/plan.js';
import { noParameters } from '../runtime/webgpu/run-graph.js';
import { WeightStore } from '../runtime/webgpu/weights.js';
import type { ParameterArena } from './parameter-arena.js';
import type { Batch } from './step.js';

const INPUTS = ['image', 'ids', 'mask'] as const;

export interface ValidationOptions {
  /** Images at a time; batches may be smaller. */
  readonly batch: number;
  /** Padded length of the texts. */
  readonly length: number;
}

export class Validation {
  private constructor(
    private readonly gpu: GpuDevice,
    private readonly assembly: Assembly,
    private readonly plan: Plan,
    private readonly constants: WeightStore,
    private readonly readback: Readback,
  ) {}

  /** Over the moving average where the arena has one. Errors: those of planning, GPU_LIMIT, GPU_OUT_OF_MEMORY. */
  static async create(
    arena: ParameterArena,
    assembly: Assembly,
    config: Config,
    { batch, length }: ValidationOptions,
  ): Promise<Validation> {
    const { gpu } = arena;
    const { logits } = tmca(config, tmcaInputs(config, batch, length));
    const program = lower(parametersAsInputs(fuse({ logits })), { weights: 'f32' });
    const kind = arena.has('average') ? 'average' : 'parameters';
    const external = new Map<number, BufferRange>();
    for (const name of arena.names) {
      const input = program.inputs[parameterInput(name)];
      if (input !== undefined) external.set(input, arena.range(kind, name));
    }
    const constants = await WeightStore.load(gpu, assembly, [program], noParameters);
    try {
      const where = { rewritten: INPUTS, external };
      const plan = await Plan.create(gpu, new PipelineCache(gpu), program, constants, 'validation', where);
      return new Validation(gpu, assembly, plan, constants, new Readback(gpu));
    } catch (error) {
      constants.dispose();
      throw error;
    }
  }

  /**
   * @param onBatch told the number of images that are done
   *
   * Errors: MODEL_NOT_FINITE (a logit that is no number), DEVICE_LOST, DISPOSED, and what the batches throw.
   */
  async run(batches: AsyncIterable<Batch>, onBatch: (images: number) => void = () => {}): Promise<Evaluation> {
    const evaluator = new Evaluator(this.assembly);
    let images = 0;
    for await (const batch of batches) {
      const logits = await this.#logits(batch);
      const pixels = this.#pixels;
      const count = batch.target.length / pixels;
      for (let i = 0; i < count; i++) {
        const of = <T extends Float32Array>(all: T) => all.subarray(i * pixels, (i + 1) * pixels);
        // probability 0.5
        const prediction = Uint8Array.from(of(logits), logit => (logit >= 0 ? 1 : 0));
        evaluator.add(prediction, Uint8Array.from(of(batch.target)));
      }
      images += count;
      onBatch(images);
    }
    return evaluator.result();
  }

  dispose(): void {
    this.plan.dispose();
    this.constants.dispose();
    this.readback.dispose();
  }

  /** Of one image. */
  get #pixels(): number {
    return sizeOf(this.plan.output('logits').shape.slice(1));
  }

  async #logits(batch: Batch): Promise<Float32Array> {
    for (const name of INPUTS) {
      const bytes = bytesOfView(batch[name]);
      this.plan.write(name, repeated(bytes, sizeOf(this.plan.input(name).shape) * 4));
    }
    const encoder = this.gpu.device.createCommandEncoder({ label: 'validation' });
    this.plan.encode(encoder);
    this.gpu.device.queue.submit([encoder.finish()]);
    const { range } = this.plan.output('logits');
    const { buffer } = await this.readback.read({ ...range, size: batch.target.byteLength });
    this.gpu.check('Validation.run');
    const logits = new Float32Array(buffer);
    const stray = logits.find(logit => !Number.isFinite(logit));
    check(
      stray === undefined,
      'MODEL_NOT_FINITE',
      `Validation.run: logits must be numbers, got ${stray}; go back to an earlier checkpoint with a lower rate`,
    );
    return logits;
  }
}

/** A smaller batch as often as it fits: the plan's size is fixed, and what stands behind the batch is not looked at. */
function repeated(bytes: Uint8Array, size: number): Uint8Array {
  if (bytes.length === size) return bytes;
  const whole = new Uint8Array(size);
  for (let at = 0; at < size; at += bytes.length) whole.set(bytes.subarray(0, size - at), at);
  return whole;
}
