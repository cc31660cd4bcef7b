// What tools/bench-kernels.mjs uses of the project, as one module graph.

import { cpus } from 'node:os';
import { openDevice } from '../gpu/device.js';
import { type Binding, type KernelCall, spread, u32 } from '../gpu/kernel.js';
import { nodeGpu } from '../gpu/node.js';
import type { Tuning } from '../gpu/tuning.js';
import { parseConfig } from '../model/config.js';
import type { Program } from '../model/lower.js';
import { int8Passes } from '../model/passes/int8.js';
import { choosePrecision } from '../runtime/engine-choice.js';
import { int8Parameters } from '../runtime/int8.js';
import { buildPrograms } from '../runtime/webgpu/programs.js';
import { PRESETS } from '../train/presets.js';
import { trainingPrograms } from '../train/programs.js';
import copy from './roofline-copy.wgsl?raw';
import fma from './roofline-fma.wgsl?raw';

export { CommandPlan } from '../gpu/commands.js';
export { PipelineCache } from '../gpu/pipelines.js';
export { hardwareTuning } from '../gpu/tuning.js';

const inAndOut: Binding<number>[] = [
  { operand: 0, access: 'read' },
  { operand: 1, access: 'read_write' },
];

// Here, because the runner that loads this file is gone before its caller can load more, and Dawn is imported on demand.
export const dawn = await nodeGpu(); // held by the caller: a device must not outlive it
export const gpu = await openDevice({ gpu: dawn, prefer: 'any' });

export const cores = (): number => cpus().length;

const FMA = { rounds: 2048, workgroups: 64 };
const COPY = { vectors: 1 << 20 };

/** Calls that do nothing but multiply and add, or copy, over operands 0 and 1: what kernels are held against. */
export const roofline = {
  fma: {
    shader: { name: 'roofline-fma', source: fma, act: 'f32' },
    uniforms: [u32(FMA.rounds)],
    bindings: inAndOut,
    workgroups: [FMA.workgroups, 1, 1],
    cost: { flops: 2 * 16 * 4 * FMA.rounds * 64 * FMA.workgroups, bytes: 0 },
  },
  copy: {
    shader: { name: 'roofline-copy', source: copy, act: 'f32' },
    uniforms: [u32(COPY.vectors)],
    bindings: inAndOut,
    workgroups: spread(COPY.vectors / 64),
    cost: { flops: 0, bytes: 32 * COPY.vectors },
  },
} satisfies Record<string, KernelCall<number>>;

/** Bytes of each operand of both. */
export const rooflineBytes = 16 * COPY.vectors;

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
