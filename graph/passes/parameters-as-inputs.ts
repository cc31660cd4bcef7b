// Parameters as inputs: for training, where they change from step to step and nothing of them is known at load.

import { builder as b } from '../builder.js';
import { isLeaf, type Outputs, type Tensor, topological } from '../graph.js';

/** The input that stands for a parameter. */
export const parameterInput = (name: string): string => `parameter:${name}`;

export function parametersAsInputs(outputs: Outputs): Outputs {
  const byName = new Map<string, Tensor>();
  const done = new Map<Tensor, Tensor>();
  for (const t of topological(Object.values(outputs))) {
    if (t.op === 'parameter') {
      const input = byName.get(t.name) ?? b.input(parameterInput(t.name), t.shape);
      byName.set(t.name, input);
      done.set(t, input);
    } else if (isLeaf(t)) done.set(t, t);
    else done.set(t, { ...t, inputs: t.inputs.map(input => (input === null ? null : done.get(input)!)) });
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, done.get(t)!]));
}
