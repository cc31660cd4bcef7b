// Storage of activations. What depends on an input is stored as `activations`; what is known at load stays as it is and is
// stored as its readers' slots ask (rule.ts). Arithmetic is f32 in every kernel.

import { findLoadTime, isLeaf, type Outputs, orderOf, type Tensor } from '../graph.js';

export function setPrecision(outputs: Outputs, activations: 'f32' | 'f16'): Outputs {
  if (activations === 'f32') return outputs;
  const known = findLoadTime(outputs);
  const done = new Map<Tensor, Tensor>();
  for (const t of orderOf(outputs)) {
    const dtype = known.has(t) || t.dtype === 'i32' ? t.dtype : activations;
    if (isLeaf(t)) done.set(t, t.dtype === dtype ? t : { ...t, dtype });
    else done.set(t, { ...t, dtype, inputs: t.inputs.map(input => (input === null ? null : done.get(input)!)) });
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, done.get(t)!]));
}
