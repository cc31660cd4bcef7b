// embedding: rows of a table by index. Inputs table [V,D], ids […] → […,D].

import type { KernelCall, WeightStorage } from '../../gpu/kernel.js';
import { embedding as kernel } from '../../gpu/kernels/movement/embedding.js';
import { sizeOf, type Tensor } from '../graph.js';
import type { CoreRule, Operand } from '../rule.js';
import { expectShapes, last, required } from './shared/expect.js';

/** The row that an id reads: ids outside the table read its first or last one. */
export const rowOf = (id: number, rows: number): number => Math.min(Math.max(id, 0), rows - 1);

export function lowerEmbedding(
  { table, ids, scale }: { readonly table: Tensor; readonly ids: Tensor; readonly scale: Tensor | null },
  out: Tensor,
  storage: { act: 'f32' | 'f16'; weight: WeightStorage },
): KernelCall<Operand> {
  const [vocabulary, dim] = table.shape as [number, number];
  const count = sizeOf(out.shape) / last(out.shape);
  return kernel<Operand>({ m: count, length: count, dim, vocabulary }, { table, ids, scale, out }, storage);
}

export const embedding: CoreRule<Record<never, never>> = {
  slots: ['weight', 'index'],
  infer(inputs) {
    const table = required(inputs, 0, 'embedding');
    expectShapes(table.length === 2, 'embedding', 'the table must be [V,D]', table);
    return [...required(inputs, 1, 'embedding'), table[1]!];
  },
  reference([table, ids], _attrs, out) {
    const [rows, dim] = table!.shape as [number, number];
    ids!.data.forEach((id, at) => {
      const row = rowOf(id, rows);
      out.data.set(table!.data.subarray(row * dim, (row + 1) * dim), at * dim);
    });
  },
  lower: ({ inputs, out, act, weight }) => [
    lowerEmbedding({ table: inputs[0]!, ids: inputs[1]!, scale: null }, out, { act, weight }),
  ],
};
