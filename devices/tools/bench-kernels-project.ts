// What devices/tools/bench-kernels.mjs uses of the project, as one module graph.

import { int8Parameters } from '../../formats/weights/int8.js';
import { nodeGpu } from '../../gpu/node.js';
import { openDevice } from '../../gpu/open-device.js';
import type { Tuning } from '../../gpu/tuning.js';
import type { Program } from '../../graph/lower.js';
import { int8Passes } from '../../graph/passes/int8.js';
import { parseConfig } from '../../networks/config.js';
import { PRESETS } from '../../networks/presets.js';
import { choosePrecision } from '../../runtime/engines/choice.js';
import { buildPrograms } from '../../runtime/engines/webgpu/programs.js';
import { trainingPrograms } from '../../train/step/programs.js';
import { copy, multiplyAdd, THREADS } from '../roofline-calls.js';

export { CommandPlan } from '../../gpu/commands.js';
export { PipelineCache } from '../../gpu/pipelines.js';
export { shaderKey } from '../../gpu/shader.js';
export { hardwareTuning } from '../../gpu/tuning.js';
export { finished } from '../clock.js';
export { stopwatchFor } from '../node/driver-threads.js';

// Here, because the runner that loads this file is gone before its caller can load more, and Dawn is imported on demand.
export const dawn = await nodeGpu(); // held by the caller: a device must not outlive it
export const gpu = await openDevice({ gpu: dawn, prefer: 'any' });

const BYTES = 1 << 24;

/** Calls that do nothing but multiply and add, or copy: what kernels are held against. Bytes of their operands beside each. */
export const roofline = {
  fma: { call: multiplyAdd(512, 'f32', 0), sizes: [16 * THREADS] },
  copy: { call: copy(BYTES, 0, 1), sizes: [BYTES, BYTES] },
};

interface Options {
  readonly config: string;
  readonly dtype: string;
  readonly batch: number;
  readonly length: number;
}

/** `frame` and `text`: what runs per image and report; `step`: losses and gradients of a batch. */
export function programOf(which: string, { config, dtype, batch, length }: Options, tuning: Tuning): Program {
  const parsed = parseConfig(PRESETS[config as keyof typeof PRESETS].model, config);
  if (which === 'step') return trainingPrograms(parsed, { batch, length, tuning }).backward.program;
  const chosen = choosePrecision(dtype as 'fp32' | 'fp16' | 'int8', 'fp32', dtype !== 'fp32');
  const precision = dtype === 'int8' ? { ...chosen, int8: int8Passes(int8Parameters(parsed)) } : chosen;
  return buildPrograms(parsed, length, precision, tuning)[which as 'frame' | 'text'];
}
