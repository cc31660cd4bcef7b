// Which sides of a graph's tensors stand for the batch, and which for the text's length. The graph is built for numbers; built
// again with another batch, and with another length, it is the same graph, node by node, but for the sides that depend on it.

import { check } from '../../errors/index.js';
import { type Outputs, type Tensor, topological } from '../../graph/graph.js';

/** A side: a number, or a number that the caller chooses. */
export interface Dim {
  /** As the graph was built. */
  readonly size: number;
  readonly symbol?: 'batch' | 'length';
}

export const sameDim = (a: Dim | undefined, b: Dim | undefined): boolean =>
  a !== undefined && b !== undefined && a.size === b.size && a.symbol === b.symbol;

/** The same graph, built for other numbers. */
export interface Probes {
  readonly base: Outputs;
  readonly otherBatch: Outputs;
  readonly otherLength: Outputs;
}

/** The sides of every tensor of `base`. @throws TmcaError INTERNAL where one depends on both numbers, or is a multiple of one */
export function dimsOf({ base, otherBatch, otherLength }: Probes): ReadonlyMap<Tensor, readonly Dim[]> {
  const order = topological(Object.values(base));
  const byBatch = topological(Object.values(otherBatch));
  const byLength = topological(Object.values(otherLength));
  check(
    order.every((t, i) => t.op === byBatch[i]?.op && t.op === byLength[i]?.op),
    'INTERNAL',
    'dimsOf: a graph must not change with the batch or the length but in its shapes, got another order of ops',
  );
  const input = (name: string, axis: number) => {
    const found = order.find(t => t.op === 'input' && t.name === name);
    return found?.shape[axis];
  };
  const batch = input('image', 0) ?? input('ids', 0);
  const length = input('ids', 1) ?? input('mask', 1);
  return new Map(
    order.map((t, i) => {
      const dims = t.shape.map((size, axis): Dim => {
        const varies = [byBatch[i]!.shape[axis] !== size, byLength[i]!.shape[axis] !== size] as const;
        if (!varies[0] && !varies[1]) return { size };
        const symbol = varies[0] ? 'batch' : 'length';
        check(
          !(varies[0] && varies[1]) && size === (varies[0] ? batch : length),
          'INTERNAL',
          () => `dimsOf: a side must be the batch or the length itself, got ${size} of ${t.op} [${t.shape}]`,
        );
        return { size, symbol };
      });
      return [t, dims] as const;
    }),
  );
}
