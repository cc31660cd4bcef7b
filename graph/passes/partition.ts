// One graph, two plans: what depends on the frame, and what does not. The second runs once a report; the tensors that pass
// from it to the first (keys and values of every cross-attention, the pooled text of every gate) are the report.

import { builder as b } from '../builder.js';
import { findDependents, findLoadTime, inputsOf, isLeaf, type Outputs, orderOf, type Tensor } from '../graph.js';

export interface Partition {
  /** Computes the report: its outputs are named `report.0`, `report.1`, … */
  readonly report: Outputs;
  /** Computes the outputs from the frame; reads the report as inputs of those names, and whatever inputs it needs itself. */
  readonly frame: Outputs;
}

/** @param frame name of the input that changes with every frame. Every output must depend on it. */
export function partition(outputs: Outputs, frame: string): Partition {
  const known = findLoadTime(outputs);
  const perFrame = findDependents(outputs, frame);
  const done = new Map<Tensor, Tensor>();
  const report: Record<string, Tensor> = {};
  const crossing = (t: Tensor): Tensor => {
    const name = `report.${Object.keys(report).length}`;
    report[name] = t;
    return b.input(name, t.shape, t.dtype);
  };
  const place = (t: Tensor): Tensor => {
    let placed = done.get(t);
    if (!placed) {
      placed = known.has(t) || t.op === 'input' ? t : crossing(t);
      done.set(t, placed);
    }
    return placed;
  };
  for (const t of orderOf(outputs)) {
    if (!perFrame.has(t)) continue;
    if (isLeaf(t) || inputsOf(t).length === 0) done.set(t, t);
    else done.set(t, { ...t, inputs: t.inputs.map(input => (input === null ? null : place(input))) });
  }
  return { report, frame: Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, place(t)])) };
}
