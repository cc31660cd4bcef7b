// scaled-embedding: rows of an int8 table by index, each times its scale. Inputs table [V,D], ids […], scale [V] → […,D].

import type { CompositeRule } from '../../rule.js';
import { lowerEmbedding } from '../embedding.js';
import { dequantized } from './dequantized.js';

export const scaledEmbedding: CompositeRule<Record<never, never>> = {
  slots: ['weight', 'index', 'vector'],
  expand: (b, [table, ids, scale]) => b.embedding(dequantized(b, table!, scale), ids!),
  lower: ({ inputs: [table, ids, scale], out, act, weight }) => [
    lowerEmbedding({ table: table!, ids: ids!, scale: scale! }, out, { act, weight }),
  ],
};
