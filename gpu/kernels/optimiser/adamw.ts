// adamw: the optimiser's step over flat arenas.

import { check } from '../../../errors/index.js';
import type { KernelCall, Uniforms } from '../../kernel.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { checkPositive, elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { checkSizes } from '../shared/sizes.js';
import source from './adamw.wgsl?raw';

export interface AdamwDims {
  /** Parameters. */
  readonly count: number;
  /** Learning rate; 0 is allowed, as at the start of a warm-up. */
  readonly lr: number;
  /** 0 to below 1. */
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
  /** Decoupled: parameters shrink by lr · weightDecay a step, whatever their gradient. */
  readonly weightDecay: number;
  /** From 1. */
  readonly step: number;
}

export interface AdamwOperands<O> {
  /** [count] f32, as are the others; replaced. */
  readonly parameters: O;
  readonly gradients: O;
  /** Running means of the gradients and of their squares, zeros before step 1; replaced. */
  readonly m: O;
  readonly v: O;
}

/**
 * One step of AdamW in place, with torch.optim.AdamW's semantics. `parameters`, `m` and `v` are disjoint ranges; parts of an
 * arena with decay and parts without are calls of their own.
 *
 * Errors: BAD_ARGUMENT (a number out of range), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * adamw(
 *   { count, lr: 3e-4, beta1: 0.9, beta2: 0.999, eps: 1e-8, weightDecay: 0.01, step: 1 },
 *   { parameters, gradients, m, v })
 */
export function adamw<O>(dims: AdamwDims, { parameters, gradients, m, v }: AdamwOperands<O>): KernelCall<O> {
  const uniforms = adamwUniforms(dims);
  const packet = packetOf(dims.count);
  return {
    shader: { ...packed('adamw', source, packet), act: 'f32', tile: flatTile },
    uniforms,
    bindings: [
      { operand: gradients, access: 'read' },
      ...[parameters, m, v].map(operand => ({ operand, access: 'read_write' as const })),
    ],
    workgroups: flatGroups(dims.count / packet),
    cost: { flops: 13 * dims.count, bytes: 28 * dims.count },
  };
}

/** The uniform block of a call of the same count for another step or learning rate, for `CommandPlan.setUniforms`. */
export function adamwUniforms(dims: AdamwDims): Uniforms {
  checkAdamw(dims);
  const { count, lr, beta1, beta2, eps, weightDecay, step } = dims;
  return {
    count: count / packetOf(count),
    decay: lr * weightDecay,
    ...{ beta1, gain1: 1 - beta1, beta2, gain2: 1 - beta2 },
    step_size: lr / (1 - beta1 ** step),
    root_scale: 1 / Math.sqrt(1 - beta2 ** step),
    eps,
  };
}

function checkAdamw({ count, lr, beta1, beta2, eps, weightDecay, step }: AdamwDims): void {
  elements('adamw', { count });
  checkSizes('adamw', { step });
  checkPositive('adamw', 'eps', eps);
  for (const [name, x] of Object.entries({ lr, weightDecay }))
    check(
      Number.isFinite(x) && x >= 0,
      'BAD_ARGUMENT',
      () => `adamw: ${name} must be a number of at least 0, got ${x}; correct the configuration`,
    );
  for (const [name, beta] of Object.entries({ beta1, beta2 }))
    check(
      beta >= 0 && beta < 1,
      'BAD_ARGUMENT',
      () => `adamw: ${name} must be at least 0 and below 1, got ${beta}; correct the configuration`,
    );
}
