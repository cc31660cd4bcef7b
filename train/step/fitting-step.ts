// A step that fits the device. WebGPU tells the limits of a device, but not how much memory it has: that shows when it is taken.

import type { Assembly } from '../../assembly/index.js';
import { TmcaError } from '../../errors/index.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { Config } from '../../networks/config.js';
import type { Trained } from '../parameters/parameter-arena.js';
import { type MemoryPlan, type MemoryRequest, planMemory } from './memory-plan.js';
import { type StepOptions, TrainingStep } from './step.js';

/** By how much the activations of the next plan must be smaller: parameters and what belongs to them stay what they are. */
const LESS = 0.25;

export interface FittingOptions {
  /** Bytes that a step may take; as much as it wants if not given. */
  readonly memory?: number | undefined;
  /** 0: as large as fits. */
  readonly microBatch: number;
  readonly recompute: MemoryRequest['recompute'] | 'auto';
  readonly trained: Trained;
  readonly validation: boolean;
  /** Told each plan before it is carried out. */
  readonly onPlan?: ((plan: MemoryPlan) => void) | undefined;
  /** Told where the device could not give what was planned, and for how many bytes the next plan is made. */
  readonly onShort?: ((plan: MemoryPlan, memory: number) => void) | undefined;
}

export interface FittingStep {
  readonly step: TrainingStep;
  readonly plan: MemoryPlan;
}

/**
 * Plans a step and takes its memory; where the device cannot give that, plans one whose activations take a quarter less, and so on.
 *
 * Errors: GPU_LIMIT, where no plan fits (its cause tells if memory had run out before), those of `TrainingStep.create`.
 */
export async function openFittingStep(
  gpu: GpuDevice,
  assembly: Assembly,
  config: Config,
  step: Omit<StepOptions, 'microBatch' | 'recompute' | 'trained'>,
  options: FittingOptions,
): Promise<FittingStep> {
  const { trained, validation, microBatch, recompute } = options;
  const { batch, length, ema = 0 } = step;
  let { memory } = options;
  for (let short: TmcaError | undefined; ; ) {
    const plan = explained(short, () =>
      planMemory(config, {
        ...{ batch, length, microBatch, validation, average: ema > 0, trained: name => trained.has(name) },
        ...{ limits: gpu.limits, tuning: gpu.tuning },
        ...(recompute === 'auto' || recompute === undefined ? {} : { recompute }),
        ...(memory === undefined ? {} : { memory }),
      }),
    );
    options.onPlan?.(plan);
    const way = { microBatch: plan.microBatch, recompute: plan.recompute };
    try {
      return { plan, step: await TrainingStep.create(gpu, assembly, config, { ...step, ...way, trained }) };
    } catch (error) {
      if (!(error instanceof TmcaError && error.code === 'GPU_OUT_OF_MEMORY')) throw error;
      short = error;
      memory = plan.bytes.total - Math.ceil(plan.bytes.activations * LESS);
      options.onShort?.(plan, memory);
    }
  }
}

/** A plan that fails after memory ran out says so. */
function explained<T>(short: TmcaError | undefined, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!short || !(error instanceof TmcaError)) throw error;
    throw new TmcaError(error.code, error.message, { cause: short, retryable: error.retryable });
  }
}
