// The entry `tmca-edge/train`: training in a browser's page or worker, step by step. A page that segments loads none of it.
// Research use; not a medical device.

export { type ErrorCode, TmcaError } from '../errors/index.js';
export type { Config } from '../networks/config.js';
export type { Preset } from '../networks/presets.js';
export type { Example, PixelSource } from './batch/page-batch.js';
export type { TrainConfig } from './config.js';
export {
  describePlan,
  type MemoryFigures,
  type MemoryMiss,
  type MemoryPlan,
  type MemoryRequest,
  type MemoryWay,
  planMemory,
} from './step/memory-plan.js';
export type { StepResult, StepSettings } from './step/step.js';
export { type NamedTensors, Trainer, type TrainerOptions, type TrainerStep, type WebGpu } from './trainer.js';
