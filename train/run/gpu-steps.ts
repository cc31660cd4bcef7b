// Steps on a device, by WebGPU.

import { type Assembly, type Evaluation, loadAssembly } from '../../assembly/index.js';
import type { SafetensorsFile } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../gpu/device.js';
import { nodeGpu } from '../../gpu/node.js';
import { openDevice } from '../../gpu/open-device.js';
import { Readback } from '../../gpu/readback.js';
import type { Config } from '../../networks/config.js';
import { trainingReason } from '../../runtime/engines/training-reason.js';
import type { AdapterSummary, DeviceChoice } from '../../runtime/types.js';
import { readModel, readState } from '../parameters/state-tensors.js';
import { openConfiguredStep, resumeStep, startStep } from '../step/configured-step.js';
import type { FittingStep } from '../step/fitting-step.js';
import { showBytes } from '../step/memory-plan.js';
import { firstNotFinite } from '../step/not-finite.js';
import type { Batch, StepSettings } from '../step/step.js';
import { Validation } from '../step/validation.js';
import type { StepEngine, StepsOptions } from './step-engine.js';

export class GpuSteps implements StepEngine {
  readonly precision = 'fp32';
  readonly adapter: AdapterSummary;
  readonly taken: StepEngine['taken'];

  private constructor(
    private readonly gpu: GpuDevice,
    private readonly assembly: Assembly,
    private readonly network: Config,
    private readonly running: FittingStep['step'],
    private readonly validation: Validation | null,
    private readonly readback: Readback,
    plan: FittingStep['plan'],
    readonly reason: string,
  ) {
    const { vendor, architecture, description, software, features } = gpu.adapter;
    this.adapter = { vendor, architecture, description, software, features };
    this.taken = { microBatch: plan.microBatch, recompute: plan.recompute };
  }

  /** Errors: those of the device, of planning (GPU_LIMIT, GPU_OUT_OF_MEMORY), ABORTED. */
  static async open(
    { network, config, length, validated, emit, signal }: StepsOptions,
    { device, memory }: { readonly device: DeviceChoice; readonly memory: number | undefined },
  ): Promise<GpuSteps> {
    const made: { dispose(): void }[] = [];
    const keep = <T extends { dispose(): void }>(part: T): T => {
      made.push(part);
      return part;
    };
    try {
      const gpu = keep(await openDevice({ gpu: await nodeGpu(), prefer: 'any', signal }));
      const assembly = await loadAssembly();
      const { step, plan } = await openConfiguredStep(gpu, assembly, network, config, {
        ...{ length, validation: validated > 0, memory },
        onPlan: found => emit({ kind: 'plan', plan: found }),
        onShort: ({ bytes }, less) => {
          const text = `the device cannot give ${showBytes(bytes.total)}: planned again for ${showBytes(less)}`;
          emit({ kind: 'note', text });
        },
      });
      keep(step);
      const readback = keep(new Readback(gpu, 1));
      const batch = Math.min(plan.microBatch, validated);
      const validation =
        validated > 0 ? keep(await Validation.create(step.arena, assembly, network, { batch, length })) : null;
      const reason = trainingReason(device, gpu.adapter);
      return new GpuSteps(gpu, assembly, network, step, validation, readback, plan, reason);
    } catch (error) {
      for (const part of made.reverse()) part.dispose();
      throw error;
    }
  }

  get bytes(): number {
    const { weights, arena, other } = this.gpu.bytes;
    return weights + arena + other;
  }

  isTrained(name: string): boolean {
    return this.running.arena.isTrained(name);
  }

  start(parameters: ParameterStream): Promise<void> {
    return startStep(this.running, parameters);
  }

  resume(weights: ParameterStream, state: SafetensorsFile, steps: number): Promise<void> {
    return resumeStep(this.running, weights, state, steps);
  }

  step(batch: Batch, settings: StepSettings) {
    return this.running.run(batch, settings);
  }

  firstNotFinite(batch: Batch): Promise<string | null> {
    return firstNotFinite(this.running.arena, this.assembly, this.network, batch);
  }

  validate(batches: AsyncIterable<Batch>, onBatch: (images: number) => void): Promise<Evaluation> {
    return this.validation!.run(batches, onBatch);
  }

  readState() {
    return readState(this.running.arena, this.readback);
  }

  readModel() {
    return readModel(this.running.arena, this.readback);
  }

  dispose(): void {
    this.validation?.dispose();
    this.readback.dispose();
    this.running.dispose();
    this.gpu.dispose();
  }
}
