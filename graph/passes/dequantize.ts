// int8 parameters as what they mean: the parameter NAME, which the file stores as whole numbers, becomes NAME · NAME.scale,
// one scale for each index of its first axis (an output channel, a row of a table). Everything after this pass, and the
// interpreter, sees real numbers; passes/int8-weights.ts takes the product apart again where a kernel can.

import { builder as b } from '../builder.js';
import { isOp, type OpTensor, type Outputs, orderOf, type Tensor } from '../graph.js';
import { dequantized } from '../ops/fused/dequantized.js';
import { scaleName } from '../scale-name.js';

/** @param int8 checkpoint names of the parameters that are stored as whole numbers */
export function dequantize(outputs: Outputs, int8: ReadonlySet<string>): Outputs {
  if (int8.size === 0) return outputs;
  const byName = new Map<string, OpTensor>();
  const real = (t: Tensor & { readonly op: 'parameter' }): Tensor => {
    if (!int8.has(t.name)) return t;
    const before = byName.get(t.name);
    if (before) return before;
    const product = dequantized(b, { ...t, dtype: 'i8' }, b.parameter(scaleName(t.name), [t.shape[0]!]));
    byName.set(t.name, product as OpTensor);
    return product;
  };
  const done = new Map<Tensor, Tensor>();
  for (const t of orderOf(outputs)) {
    if (isOp(t)) done.set(t, { ...t, inputs: t.inputs.map(input => (input === null ? null : done.get(input)!)) });
    else done.set(t, t.op === 'parameter' ? real(t) : t);
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, done.get(t)!]));
}
