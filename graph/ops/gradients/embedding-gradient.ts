// embedding-gradient: the derivative of a table by the rows that were read: each row is the sum of its tokens' dy, in the
// tokens' order; zero without tokens. Inputs ids […], dy […,D] → [V,D].

import { embeddingGradient as kernel } from '../../../gpu/kernels/movement/embedding-gradient.js';
import { sameShape, sizeOf } from '../../graph.js';
import type { TrainingRule } from '../../rule.js';
import { rowOf } from '../embedding.js';
import { expectShapes, last, required } from '../shared/expect.js';
import { notDifferentiable } from './gradient.js';

export interface EmbeddingGradientAttrs {
  /** Rows of the table. */
  readonly vocabulary: number;
}

export const embeddingGradient: TrainingRule<EmbeddingGradientAttrs> = {
  slots: ['index', 'act'],
  infer(inputs, { vocabulary }) {
    const ids = required(inputs, 0, 'embeddingGradient');
    const dy = required(inputs, 1, 'embeddingGradient');
    expectShapes(sameShape(ids, dy.slice(0, -1)), 'embeddingGradient', 'ids […] and dy […,D] must agree', ids, dy);
    return [vocabulary, last(dy)];
  },
  reference([ids, dy], { vocabulary }, out) {
    const dim = out.shape[1]!;
    ids!.data.forEach((id, at) => {
      const row = rowOf(id, vocabulary) * dim;
      for (let c = 0; c < dim; c++) out.data[row + c]! += dy!.data[at * dim + c]!;
    });
  },
  lower: ({ inputs: [ids, dy], attrs: { vocabulary }, out, act }) =>
    kernel({ m: sizeOf(ids!.shape), dim: last(out.shape), vocabulary }, { ids: ids!, dy: dy!, out }, { act }),
  gradient: notDifferentiable,
};
