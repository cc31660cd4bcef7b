// What a run says of itself while it goes on: for progress displays, and for whoever runs many.

import type { AdapterSummary } from '../runtime/types.js';
import type { MetricsLine } from './run-files/metrics.js';
import type { MemoryPlan } from './step/memory-plan.js';

/** What a run has found out before its first step. */
export interface RunSummary {
  readonly out: string;
  /** The network's name. */
  readonly model: string;
  readonly parameters: number;
  /** How many of these are trained. */
  readonly trained: number;
  readonly records: number;
  /** 0 where the data set has none: then nothing is validated and the last weights are published. */
  readonly validationRecords: number;
  readonly batch: number;
  readonly stepsPerEpoch: number;
  /** The last step, if nothing ends the run before. */
  readonly steps: number;
  /** Steps that an earlier process took. */
  readonly done: number;
  /** Padded length of the sentences, in tokens. */
  readonly textLength: number;
  readonly seed: number;
  readonly adapter: AdapterSummary;
  /** Why it runs there. */
  readonly reason: string;
  readonly gpuBytes: number;
}

export type TrainEvent =
  /** Records of a split looked at before the run. */
  | { readonly kind: 'data'; readonly split: string; readonly done: number; readonly total: number }
  /** Something that the user should know and that stops nothing. */
  | { readonly kind: 'note'; readonly text: string }
  /** The same, where it is likely that something is wrong. */
  | { readonly kind: 'warning'; readonly text: string }
  /** Pipelines are compiled, memory is taken: seconds, and nothing to count. */
  | { readonly kind: 'prepare' }
  /** What a step takes of the device, before it is taken. */
  | { readonly kind: 'plan'; readonly plan: MemoryPlan }
  | { readonly kind: 'start'; readonly summary: RunSummary }
  /** The line that was added to metrics.jsonl. */
  | { readonly kind: 'step'; readonly line: MetricsLine }
  | { readonly kind: 'validation'; readonly done: number; readonly total: number }
  /** `best`: this epoch's weights are the published ones now. */
  | { readonly kind: 'epoch'; readonly line: MetricsLine; readonly best: boolean }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly folder: string };

/** Why a run ended: all epochs done, the step that was asked for, or no better validation score for `patience` epochs. */
export type StopReason = 'epochs' | 'steps' | 'patience';
