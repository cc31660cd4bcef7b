// Reverse mode over the graph: every op's rule answers with graph (rule.ts), so a gradient is lowered, planned, fused and
// tested like any other tensor. Nothing is computed here, and nothing is mutated.

import { check } from '../errors/index.js';
import { builder } from './builder.js';
import { inputsOf, isOp, type OpTensor, sameShape, showShape, sizeOf, type Tensor, topological } from './graph.js';
import { gradientOf, gradientRules } from './ops/gradients/gradient-table.js';
import { addGradientRules } from './ops/table.js';
import { expandForGradients } from './passes/expand-for-gradients.js';
import { trainingBuilder } from './training-builder.js';

/** Tensors through which the loss depends on a parameter that is asked for: all that has to be differentiated. */
function findActive(order: readonly Tensor[], wanted: ReadonlySet<string>): ReadonlySet<Tensor> {
  const active = new Set<Tensor>();
  for (const t of order) {
    if (t.op === 'parameter' ? wanted.has(t.name) : inputsOf(t).some(input => active.has(input))) active.add(t);
  }
  return active;
}

/** The derivative of the loss by each input of `node`, checked against the input's shape. */
function backward(node: OpTensor, dy: Tensor): readonly (Tensor | null)[] {
  const gradient = gradientOf(node.op);
  check(gradient, 'INTERNAL', () => `gradients: composites must be expanded first, got ${node.op}`);
  const { inputs, attrs } = node;
  const found = gradient(trainingBuilder, { inputs, attrs, out: node, dy });
  found.forEach((d, i) => {
    const x = inputs[i] ?? null;
    check(
      d === null || x === null || sameShape(d.shape, x.shape),
      'INTERNAL',
      () =>
        `gradients: ${node.op} must answer with its input's shape, got ${showShape(d!.shape)} for ${showShape(x!.shape)}`,
    );
  });
  return found;
}

/** Contributions to one derivative, summed in the order in which they came: the same graph, the same bits. */
const total = (parts: readonly Tensor[]): Tensor => parts.reduce((sum, part) => builder.add(sum, part));

/**
 * The derivatives of `loss` (one number) by the parameters named in `wrt`, each in its parameter's shape. Entries come in
 * the order of the backward pass, last layer first, so that evaluating them in that order keeps little alive; a name
 * that the loss does not depend on has none. Composites are expanded first (`expandForGradients`); hand over an
 * expanded loss to share its nodes with the gradients.
 *
 * @throws TmcaError SHAPE_MISMATCH where the loss is not one number, UNSUPPORTED where an op on the way has no derivative
 *
 * @example
 * const { loss } = expandForGradients({ loss: trainingLoss(config, outputs, target).loss });
 * evaluate({ loss, ...gradients(loss, parametersOf({ loss }).keys()) }, feed);
 */
export function gradients(loss: Tensor, wrt: Iterable<string>): Record<string, Tensor> {
  check(
    sizeOf(loss.shape) === 1,
    'SHAPE_MISMATCH',
    () => `gradients: the loss must be one number, got ${showShape(loss.shape)}; sum or average it`,
  );
  addGradientRules(gradientRules);
  const root = expandForGradients({ loss }).loss!;
  const order = topological([root]);
  const active = findActive(order, new Set(wrt));
  const adjoints = new Map<Tensor, Tensor[]>([[root, [builder.constant([1], root.shape)]]]);
  // By name: a checkpoint's tensor may stand in several leaves.
  const parameters = new Map<string, Tensor[]>();
  for (const t of order.reverse()) {
    const parts = active.has(t) ? adjoints.get(t) : undefined;
    adjoints.delete(t);
    if (!parts) continue;
    const dy = total(parts);
    if (t.op === 'parameter') parameters.set(t.name, [...(parameters.get(t.name) ?? []), dy]);
    if (!isOp(t)) continue;
    backward(t, dy).forEach((d, i) => {
      const input = t.inputs[i] ?? null;
      if (d === null || input === null || !active.has(input)) return;
      const before = adjoints.get(input);
      if (before) before.push(d);
      else adjoints.set(input, [d]);
    });
  }
  return Object.fromEntries([...parameters].map(([name, parts]) => [name, total(parts)]));
}
