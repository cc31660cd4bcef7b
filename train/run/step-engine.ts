// What a run needs of whatever takes its steps: a device by WebGPU (`gpu-steps.ts`), or PyTorch (`../torch/steps.ts`).

import type { Evaluation } from '../../assembly/index.js';
import type { SafetensorsFile, SafetensorsTensor } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { Recompute } from '../../graph/passes/recompute.js';
import type { Config } from '../../networks/config.js';
import type { AdapterSummary } from '../../runtime/types.js';
import type { TrainConfig } from '../config.js';
import type { TrainEvent } from '../events.js';
import type { Batch, StepResult, StepSettings } from '../step/step.js';

export interface StepsOptions {
  readonly network: Config;
  readonly config: TrainConfig;
  /** Tokens to which sentences are padded. */
  readonly length: number;
  /** Records to validate on; 0 where there are none. */
  readonly validated: number;
  readonly emit: (event: TrainEvent) => void;
  readonly signal: AbortSignal | undefined;
}

export interface StepEngine {
  readonly adapter: AdapterSummary;
  /** Why the run is there: one sentence. */
  readonly reason: string;
  /** What products are computed in. */
  readonly precision: 'fp32' | 'bf16';
  /** How a batch is taken. */
  readonly taken: { readonly microBatch: number; readonly recompute: Recompute };
  /** Bytes on the device; 0 where they are not known. */
  readonly bytes: number;
  isTrained(name: string): boolean;
  /** Puts parameters there, for the first step. */
  start(parameters: ParameterStream): Promise<void>;
  /** Goes on after `steps` steps, with what was saved then. Errors: MODEL_INCOMPLETE, SHAPE_MISMATCH, those of the files. */
  resume(weights: ParameterStream, state: SafetensorsFile, steps: number): Promise<void>;
  /** Errors: MODEL_NOT_FINITE (nothing has changed), those of the device. */
  step(batch: Batch, settings: StepSettings): Promise<StepResult>;
  /** The first thing that is not finite, after a step that failed by that; null where it is not known. */
  firstNotFinite(batch: Batch): Promise<string | null>;
  /** @param onBatch told the number of images that are done */
  validate(batches: AsyncIterable<Batch>, onBatch: (images: number) => void): Promise<Evaluation>;
  /** Parameters, and what the optimiser and the average remember. */
  readState(): Promise<{ readonly weights: SafetensorsTensor[]; readonly optimizer: SafetensorsTensor[] }>;
  /** What is published: the moving average where there is one. */
  readModel(): Promise<SafetensorsTensor[]>;
  dispose(): void | Promise<void>;
}
