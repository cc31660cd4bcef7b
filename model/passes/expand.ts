// Composites replaced by what they stand for, and that by what it stands for, until only core ops are left: the graph that
// autodiff and exporters see.

import { builder } from '../builder.js';
import { isOp, type Outputs, topological } from '../graph.js';
import { ruleOf } from '../ops/table.js';
import { rewritePass } from './rewrite.js';

const expandOnce = rewritePass(node => ruleOf(node.op).expand?.(builder, node.inputs, node.attrs));

/** The same values from core ops alone. A graph that has no others is returned as it is, node for node. */
export function expandComposites(outputs: Outputs): Outputs {
  let graph = outputs;
  // A composite's subgraph may hold composites; each round opens one level.
  while (topological(Object.values(graph)).some(t => isOp(t) && ruleOf(t.op).expand)) graph = expandOnce(graph);
  return graph;
}
