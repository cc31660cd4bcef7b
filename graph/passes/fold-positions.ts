// Positional terms are known at load: linear(x + p, W, b) = linear(x, W, b) + linear(p, W), whose second half is a constant.
// Only for what depends on `frame`, the input that changes with every run: a text's keys are computed once a report, and
// their constants would be as many as there are text lengths.

import { builder as b } from '../builder.js';
import { findDependents, findLoadTime, type Outputs } from '../graph.js';
import { asOp, rewritePass } from './rewrite.js';

/** @param frame name of the input whose dependents are folded */
export function foldPositions(outputs: Outputs, frame: string): Outputs {
  const known = findLoadTime(outputs);
  const perFrame = findDependents(outputs, frame);
  return rewritePass((node, original) => {
    const linear = asOp(node, 'linear');
    const sum = asOp(linear?.inputs[0], 'binary');
    const before = asOp(original.inputs[0], 'binary');
    if (!linear || !before || sum?.attrs.kind !== 'add' || !perFrame.has(original) || !known.has(original.inputs[1]!))
      return undefined;
    const [x, positions] = sum.inputs as [typeof sum, typeof sum];
    if (!known.has(before.inputs[1]!) || positions.shape.length !== 2) return undefined;
    return b.add(b.linear(x, linear.inputs[1]!, linear.inputs[2] ?? null), b.linear(positions, linear.inputs[1]!));
  })(outputs);
}
