// masked-mean: mean over the words of a text.

import { type KernelCall, spread } from '../../kernel.js';
import { elements } from '../shared/guard.js';
import { bytesOf } from '../shared/sizes.js';
import source from './masked-mean.wgsl?raw';

export interface MaskedMeanDims {
  readonly batch: number;
  readonly length: number;
  readonly channels: number;
}

/**
 * out[b,c] = Σ_l x[b,l,c] mask[b,l] / Σ_l mask[b,l]; x [B,L,C] act, mask [B,L] i32 (1 for words, 0 for padding; at least
 * one word a text), out [B,C] act.
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements).
 *
 * @example
 * maskedMean({ batch: 1, length: 24, channels: 768 }, { x, mask, out }, { act: 'f16' })
 */
export function maskedMean<O>(
  { batch, length, channels }: MaskedMeanDims,
  { x, mask, out }: { x: O; mask: O; out: O },
  { act }: { act: 'f32' | 'f16' },
): KernelCall<O> {
  const count = elements('maskedMean', { batch, length, channels });
  const outputs = batch * channels;
  return {
    shader: { name: 'masked-mean', source, act },
    uniforms: { outputs, length, channels },
    bindings: [
      { operand: x, access: 'read' },
      { operand: mask, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(Math.ceil(outputs / 64)),
    cost: { flops: 2 * count, bytes: (count + outputs) * bytesOf(act) + 4 * batch * length },
  };
}
