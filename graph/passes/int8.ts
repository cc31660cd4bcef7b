// int8 for a whole network: its passes, and which parameters are worth storing as whole numbers: those that kernels read as a weight of a matrix product, a dense
// convolution or a table, and nothing but that. A parameter's role comes from the ops that read it after folding and fusing, never
// from its name. Depthwise kernels, norms, biases and positional tables do not qualify; nor do transposed convolutions,
// whose output channels are not the checkpoint's first axis, nor the head, whose two convolutions folding multiplies.

import { findLoadTime, isLeaf, type Outputs, orderOf, parametersOf, type Tensor } from '../graph.js';
import { ruleOf } from '../ops/table.js';
import { slotOf } from '../rule.js';
import { dequantize } from './dequantize.js';
import { type Int8Passes, prepare } from './index.js';
import { int8Weights } from './int8-weights.js';

/** The passes of a network in which the parameters called `names` are whole numbers. */
export const int8Passes = (names: ReadonlySet<string>): Int8Passes => ({
  before: outputs => dequantize(outputs, names),
  after: int8Weights,
});

/** @param outputs the network as its author wrote it; every parameter's readers should be reached */
export function chooseInt8(outputs: Outputs): ReadonlySet<string> {
  const candidates = [...parametersOf(outputs)].flatMap(([name, shape]) => (shape.length >= 2 ? [name] : []));
  const graph = prepare(outputs, { int8: int8Passes(new Set(candidates)), activations: 'f32' });
  const known = findLoadTime(graph);
  const whole = new Set<string>();
  const computed = new Set<string>();
  for (const node of orderOf(graph)) {
    if (known.has(node) || isLeaf(node)) continue;
    const rule = ruleOf(node.op);
    node.inputs.forEach((t, i) => {
      if (!t || !known.has(t)) return;
      if (t.dtype === 'i8') add(whole, t);
      else if (slotOf(rule, i) === 'weight') add(computed, t);
    });
  }
  return new Set(candidates.filter(name => whole.has(name) && !computed.has(name)));
}

function add(names: Set<string>, tensor: Tensor): void {
  for (const name of parametersOf({ tensor }).keys()) names.add(name);
}
