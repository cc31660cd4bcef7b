// The reference interpreter: a graph on the host, op by op, in double precision: the oracle of the tests. Pages load
// evaluate.ts alone, which computes constants.

import { evaluateBy, type Feed, type HostMemory, type References } from './evaluate.js';
import type { Outputs } from './graph.js';
import { oracle } from './ops/oracle.js';
import type { HostNumbers, NdArray } from './rule.js';

export type { Feed, HostMemory } from './evaluate.js';

/**
 * Evaluates `outputs` on the host, whatever ops they have.
 * @param memory what values are kept in between ops; doubles, if not given
 * @throws TmcaError BAD_ARGUMENT where a leaf has no value, SHAPE_MISMATCH where its size is wrong.
 */
export const evaluate = <O extends Outputs, N extends HostNumbers = Float64Array>(
  outputs: O,
  feed: Feed,
  memory?: HostMemory<N>,
): { [K in keyof O]: NdArray<N> } => evaluateBy(outputs, feed, memory, oracle as References);
