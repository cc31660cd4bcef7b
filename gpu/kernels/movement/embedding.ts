// embedding: rows of a table by index; with positions, type and norm, all of BERT's embedding in one dispatch.

import { check } from '../../../errors/index.js';
import { type KernelCall, spread, type WeightStorage } from '../../kernel.js';
import { checkPositive, checkScale, checkTogether, elements, given } from '../shared/guard.js';
import { packed, packetOf } from '../shared/packet.js';
import { rowTile } from '../shared/row-tile.js';
import { bytesOf, checkSizes } from '../shared/sizes.js';
import source from './embedding.wgsl?raw';

export interface EmbeddingDims {
  /** Rows of the output: ids in all. */
  readonly m: number;
  /** Length of a text: row r takes position r % length. */
  readonly length: number;
  readonly dim: number;
  readonly vocabulary: number;
  /** The norm's epsilon; needed only with a norm. */
  readonly eps?: number;
}

export interface EmbeddingOperands<O> {
  /** [vocabulary, dim], weights. */
  readonly table: O;
  /** [m] i32; ids outside the table take its first or last row. */
  readonly ids: O;
  /** [length, dim] f32. */
  readonly positions?: O | null;
  /** [dim] f32. */
  readonly type?: O | null;
  /** [dim] f32: LayerNorm after the sum; with `normBias` or not at all. */
  readonly normWeight?: O | null;
  readonly normBias?: O | null;
  /** [vocabulary] f32: what an int8 table's rows are worth. */
  readonly scale?: O | null;
  /** [m, dim] act. */
  readonly out: O;
}

/**
 * out[r,:] = LayerNorm(scale[ids[r]] table[ids[r],:] + positions[r % length,:] + type); absent parts are left out.
 *
 * Errors: BAD_ARGUMENT (dimensions, eps, an int8 table without scale), SHAPE_MISMATCH (norm's weight without bias, too many elements).
 *
 * @example
 * embedding({ m: 2 * 24, length: 24, dim: 768, vocabulary: 30522 }, { table, ids, out }, { act: 'f32', weight: 'f16' })
 */
export function embedding<O>(
  { m, length, dim, vocabulary, eps }: EmbeddingDims,
  { table, ids, positions, type, normWeight, normBias, scale, out }: EmbeddingOperands<O>,
  storage: { act: 'f32' | 'f16'; weight: WeightStorage },
): KernelCall<O> {
  const count = elements('embedding', { m, dim });
  elements('embedding', { vocabulary, dim });
  checkSizes('embedding', { length });
  check(
    vocabulary < 2 ** 31,
    'SHAPE_MISMATCH',
    () => `embedding: ids are i32, so the vocabulary must be below 2^31, got ${vocabulary}; split the table`,
  );
  checkTogether('embedding', 'normWeight and normBias', normWeight, normBias);
  checkScale('embedding', storage.weight, scale);
  if (given(normWeight)) checkPositive('embedding', 'eps', eps ?? Number.NaN);
  const packet = packetOf(dim);
  const packets = dim / packet;
  const tile = rowTile(packets);
  const read = [table, ids, positions ?? null, type ?? null, normWeight ?? null, normBias ?? null];
  return {
    shader: { ...packed('embedding', source, packet), ...storage, tile },
    constants: {
      has_positions: given(positions),
      has_type: given(type),
      has_norm: given(normWeight),
      has_scale: given(scale),
    },
    uniforms: { m, d: packets, vocabulary, period: length, eps: eps ?? 0 },
    bindings: [
      ...read.map(operand => ({ operand, access: 'read' as const })),
      { operand: out, access: 'read_write' },
      { operand: scale ?? null, access: 'read' },
    ],
    workgroups: spread(Math.ceil(m / tile.ROWS)),
    cost: {
      flops: count * (given(scale) + given(positions) + given(type) + 8 * given(normWeight)),
      bytes:
        count * (bytesOf(storage.act) + bytesOf(storage.weight)) +
        4 *
          (m * (1 + given(scale)) +
            dim * (Math.min(length, m) * given(positions) + given(type) + 2 * given(normWeight))),
    },
  };
}
