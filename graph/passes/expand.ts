// Composites replaced by what they stand for, and that by what it stands for, until only core ops are left: the graph that
// autodiff and exporters see.

import { builder } from '../builder.js';
import { isOp, type Outputs, type Tensor, topological } from '../graph.js';
import { ruleOf } from '../ops/table.js';
import { rewritePass } from './rewrite.js';

/**
 * The same values from core ops alone, and from composites of which `keeps` says so. A graph that has no others is returned
 * as it is, node for node.
 */
export function expandComposites(outputs: Outputs, keeps: (t: Tensor) => boolean = () => false): Outputs {
  const isOpened = (t: Tensor) => isOp(t) && ruleOf(t.op).expand !== undefined && !keeps(t);
  const expandOnce = rewritePass(node =>
    isOpened(node) ? ruleOf(node.op).expand!(builder, node.inputs, node.attrs) : undefined,
  );
  let graph = outputs;
  // A composite's subgraph may hold composites; each round opens one level.
  while (topological(Object.values(graph)).some(isOpened)) graph = expandOnce(graph);
  return graph;
}
