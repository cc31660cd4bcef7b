// The one way in which passes change a graph: every node is rebuilt after its inputs, and a rule may put another in its
// place. What nothing reaches any more is gone by itself.

import { countUses, isLeaf, isOp, type OpTensor, type Outputs, orderOf, type Tensor } from '../graph.js';
import type { AttrsOf, OpName } from '../ops/table.js';

export interface RewriteContext {
  /** How often a tensor of the graph before the pass was read. */
  uses(original: Tensor): number;
  /** Whether a tensor of the graph before the pass is an output. */
  isOutput(original: Tensor): boolean;
}

/**
 * A node whose inputs are already rewritten, and the node it was.
 * Returns what stands in its place, or undefined to keep it.
 */
export type RewriteRule = (node: OpTensor, original: OpTensor, context: RewriteContext) => Tensor | undefined;

export type Pass = (outputs: Outputs) => Outputs;

/** The pass that applies `rule` once to every node, inputs first. */
export function rewritePass(rule: RewriteRule): Pass {
  return outputs => {
    const uses = countUses(outputs);
    const named = new Set(Object.values(outputs));
    const context: RewriteContext = { uses: t => uses.get(t) ?? 0, isOutput: t => named.has(t) };
    /** What has another in its place; the rest stands for itself. */
    const changed = new Map<Tensor, Tensor>();
    const now = (t: Tensor): Tensor => changed.get(t) ?? t;
    for (const original of orderOf(outputs)) {
      if (isLeaf(original)) continue;
      const same = !original.inputs.some(t => t !== null && changed.has(t));
      const node = same ? original : { ...original, inputs: original.inputs.map(t => t && now(t)) };
      const made = rule(node, original, context) ?? node;
      if (made !== original) changed.set(original, made);
    }
    if (changed.size === 0) return outputs;
    return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, now(t)]));
  };
}

/** `passes`, one after another. */
export const compose =
  (...passes: readonly Pass[]): Pass =>
  outputs =>
    passes.reduce((graph, pass) => pass(graph), outputs);

/** The node as op K, or undefined if it is another op. */
export function asOp<K extends OpName>(
  t: Tensor | null | undefined,
  op: K,
): (OpTensor & { readonly attrs: AttrsOf<K> }) | undefined {
  return t && isOp(t) && t.op === op ? (t as OpTensor & { readonly attrs: AttrsOf<K> }) : undefined;
}
