// embedding-gradient: what a table of embeddings gets back.

import { check } from '../../../errors/index.js';
import { type KernelCall, spread } from '../../kernel.js';
import { fill } from '../elementwise/fill.js';
import { checkFp32, fp32, type GradientStorage } from '../shared/gradient-storage.js';
import { elements } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import source from './embedding-gradient.wgsl?raw';

export interface EmbeddingGradientDims {
  /** Ids in all. */
  readonly m: number;
  readonly dim: number;
  readonly vocabulary: number;
}

export interface EmbeddingGradientOperands<O> {
  /** [m] i32; ids outside the table count for its first or last row, as of `embedding`. */
  readonly ids: O;
  /** [m, dim]. */
  readonly dy: O;
  /** [vocabulary, dim]; rows without ids become zero. */
  readonly out: O;
}

/**
 * out[v,:] = Σ dy[r,:] over the rows r with ids[r] = v, in the order of r; all f32. Two calls: zeros everywhere, then a sum
 * for each id that occurs. The search for equal ids takes m² comparisons: meant for the tokens of a batch, not of a corpus.
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many elements, a vocabulary that i32 cannot count), UNSUPPORTED (f16).
 *
 * @example
 * embeddingGradient({ m: 32 * 24, dim: 768, vocabulary: 30522 }, { ids, dy, out })
 */
export function embeddingGradient<O>(
  { m, dim, vocabulary }: EmbeddingGradientDims,
  { ids, dy, out }: EmbeddingGradientOperands<O>,
  storage: GradientStorage = fp32,
): KernelCall<O>[] {
  checkFp32('embeddingGradient', storage);
  const count = elements('embeddingGradient', { m, dim });
  const table = elements('embeddingGradient', { vocabulary, dim });
  check(
    vocabulary < 2 ** 31,
    'SHAPE_MISMATCH',
    () => `embeddingGradient: ids are i32, so the vocabulary must be below 2^31, got ${vocabulary}; split the table`,
  );
  const packet = packetOf(dim);
  const packets = dim / packet;
  const blocks = Math.ceil(packets / 64);
  const sums: KernelCall<O> = {
    shader: { ...packed('embedding-gradient', source, packet), act: 'f32' },
    uniforms: { m, d: packets, vocabulary, blocks },
    bindings: [
      { operand: ids, access: 'read' },
      { operand: dy, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: spread(m * blocks),
    cost: { flops: count, bytes: 4 * (2 * count + m) },
  };
  return [fill({ count: table, value: 0 }, { out }), sums];
}
