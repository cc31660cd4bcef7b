// A step as a configuration wants it, and where its parameters begin: the same for a run in Node and for a page.

import type { Assembly } from '../../assembly/index.js';
import type { SafetensorsFile } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { Config } from '../../networks/config.js';
import { type TrainConfig, trainedParameters } from '../config.js';
import { loadState } from '../parameters/state-tensors.js';
import { type FittingOptions, type FittingStep, openFittingStep } from './fitting-step.js';
import type { TrainingStep } from './step.js';

export interface ConfiguredOptions extends Pick<FittingOptions, 'memory' | 'validation' | 'onPlan' | 'onShort'> {
  /** Tokens to which sentences are padded. */
  readonly length: number;
}

/** Errors: those of `openFittingStep`; CONFIG_INVALID (names of parameters that the network does not have). */
export function openConfiguredStep(
  gpu: GpuDevice,
  assembly: Assembly,
  network: Config,
  config: TrainConfig,
  { length, ...options }: ConfiguredOptions,
): Promise<FittingStep> {
  const { batch, microBatch, recompute, clip, ema, weightDecay } = config;
  const trained = trainedParameters(network, config);
  const step = { batch, length, clip, ema, optimiser: { weightDecay } };
  return openFittingStep(gpu, assembly, network, step, { ...options, trained, microBatch, recompute });
}

/** Puts parameters on the device, for the first step. Errors: those of `ParameterArena.load`. */
export async function startStep({ arena }: TrainingStep, parameters: ParameterStream): Promise<void> {
  await arena.load(parameters);
  if (arena.has('average')) arena.startAverage();
}

/** Goes on after `steps` steps, with what was saved then. Errors: those of `loadState`. */
export async function resumeStep(
  step: TrainingStep,
  weights: ParameterStream,
  state: SafetensorsFile,
  steps: number,
): Promise<void> {
  await loadState(step.arena, weights, state);
  step.resumeAt(steps);
}
