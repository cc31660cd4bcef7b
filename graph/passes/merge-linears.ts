// Projections of one tensor side by side: query, key and value (or key and value of several levels) become one linear with
// stacked weights, and attention reads its parts in place.

import { builder as b, makeNode } from '../builder.js';
import { findLoadTime, type OpTensor, type Outputs, orderOf, sizeOf, type Tensor } from '../graph.js';
import { asOp, compose, rewritePass } from './rewrite.js';

/** A linear that is nothing but x Wᵀ + b + rows, its parameters known at load. */
function projection(t: Tensor, known: ReadonlySet<Tensor>): OpTensor | undefined {
  if (known.has(t) || t.shape.length !== 3) return undefined;
  const fused = asOp(t, 'fusedLinear');
  if (fused && (fused.attrs.activation !== 'none' || fused.attrs.block !== 1 || fused.inputs[4])) return undefined;
  const node = fused ?? asOp(t, 'linear');
  return node && known.has(node.inputs[1]!) ? node : undefined;
}

/** Groups of at least two attention operands that are projections of the same tensor. */
function findGroups(outputs: Outputs): Map<Tensor, readonly OpTensor[]> {
  const known = findLoadTime(outputs);
  const bySource = new Map<Tensor, Set<OpTensor>>();
  for (const t of orderOf(outputs)) {
    for (const operand of asOp(t, 'attention')?.inputs.slice(0, 3) ?? []) {
      const node = projection(operand!, known);
      if (!node) continue;
      const source = node.inputs[0]!;
      bySource.set(source, (bySource.get(source) ?? new Set()).add(node));
    }
  }
  const groups = new Map<Tensor, readonly OpTensor[]>();
  for (const members of bySource.values()) if (members.size > 1) for (const t of members) groups.set(t, [...members]);
  return groups;
}

const widthOf = (t: Tensor): number => t.shape[2]!;

/** One linear that computes all of `members` over `source`, their channels one after another. */
function merge(source: Tensor, members: readonly OpTensor[]): OpTensor {
  const zeros = (shape: number[]) => b.computed(`zeros ${shape}`, shape, () => new Float64Array(sizeOf(shape)));
  const weight = b.concat(
    members.map(m => m.inputs[1]!),
    { axis: 0 },
  );
  const bias = b.concat(
    members.map(m => m.inputs[2] ?? zeros([widthOf(m)])),
    { axis: 0 },
  );
  const period = members.find(m => m.inputs[3])?.inputs[3]?.shape[0];
  const rows =
    period === undefined
      ? null
      : b.concat(
          members.map(m => m.inputs[3] ?? zeros([period, widthOf(m)])),
          { axis: 1 },
        );
  return makeNode('fusedLinear', [source, weight, bias, rows, null], { activation: 'none', block: 1 });
}

function mergeGroups(outputs: Outputs): Outputs {
  const groups = findGroups(outputs);
  const merged = new Map<Tensor, OpTensor>();
  return rewritePass((node, original) => {
    const group = groups.get(original);
    if (!group) return undefined;
    // Members share their source; whichever is met first builds the merged linear over the rewritten source.
    const key = group[0]!;
    let whole = merged.get(key);
    if (!whole) {
      whole = merge(node.inputs[0]!, group);
      merged.set(key, whole);
    }
    const start = group.slice(0, group.indexOf(original)).reduce((sum, m) => sum + widthOf(m), 0);
    return b.slice(whole, { axis: 2, start, end: start + widthOf(original) });
  })(outputs);
}

/** attention over slices of the channel axis → packed attention over their sources. */
const packAttention = rewritePass(node => {
  const attention = asOp(node, 'attention');
  if (!attention) return undefined;
  const parts = attention.inputs.slice(0, 3).map(t => {
    const slice = asOp(t, 'slice');
    return slice?.attrs.axis === 2
      ? { source: slice.inputs[0]!, offset: slice.attrs.start }
      : { source: t!, offset: 0 };
  });
  if (parts.every((part, i) => part.source === attention.inputs[i])) return undefined;
  return makeNode('packedAttention', [...parts.map(p => p.source), attention.inputs[3] ?? null], {
    heads: attention.attrs.heads,
    channels: widthOf(attention),
    offsets: parts.map(p => p.offset) as [number, number, number],
  });
});

export const mergeLinears: (outputs: Outputs) => Outputs = compose(mergeGroups, packAttention);
