// unary: one number in, one number out, elementwise.

import { check } from '../../../errors/index.js';
import type { KernelCall } from '../../kernel.js';
import { flatGroups, numbersTile } from '../shared/flat-tile.js';
import { caseOf, elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { bytesOf } from '../shared/sizes.js';
import source from './unary.wgsl?raw';

/** The functions, in the order of the cases of include/unary-formula.wgsl. `step` is x > 0. */
export const unaryKinds = [
  'neg',
  'exp',
  'log',
  'sqrt',
  'rsqrt',
  'reciprocal',
  'square',
  'abs',
  'sigmoid',
  'softplus',
  'gelu',
  'leakyRelu',
  'relu',
  'step',
] as const;

export type UnaryKernelKind = (typeof unaryKinds)[number];

export interface UnaryDims {
  readonly count: number;
  readonly kind: UnaryKernelKind;
  /** The slope of leakyRelu for negative numbers. Default 0. */
  readonly slope?: number;
}

/**
 * out[i] = kind(x[i]), computed in f32.
 *
 * Errors: BAD_ARGUMENT (count, kind, slope), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * unary({ count: 33, kind: 'leakyRelu', slope: 0.01 }, { x, out }, { act: 'f32' })
 */
export function unary<O>(
  { count, kind, slope = 0 }: UnaryDims,
  { x, out }: { x: O; out: O },
  { act }: { act: 'f32' | 'f16' },
): KernelCall<O> {
  elements('unary', { count });
  check(Number.isFinite(slope), 'BAD_ARGUMENT', `unary: slope must be finite, got ${slope}; correct the call`);
  const packet = packetOf(count);
  const tile = numbersTile(packet);
  return {
    shader: { ...packed('unary', source, packet), act, tile },
    constants: { kind: caseOf('unary', unaryKinds, kind) },
    uniforms: { count: count / packet, slope },
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(count / packet, tile),
    cost: { flops: count, bytes: 2 * count * bytesOf(act) },
  };
}
