// Recomputation: less memory for more arithmetic. What the backward pass reads of the forward pass lives from the one to the
// other; here the backward pass reads copies of chosen tensors instead, made again from what is kept. A copy is the same op
// on the same values, so every gradient keeps its bits. Source of the idea: Chen et al., arXiv:1604.06174.
//
// Copies are nodes of their own, equal to the originals in all but identity, so nothing after this pass may merge equal nodes.
// `topological` leaves a copy until the backward pass has come to its block, because gradients are outputs from the last layer to
// the first: test/unit/recompute.test.ts holds what the arena takes.

import {
  findWithout,
  inputsOf,
  isLeaf,
  isOp,
  type OpTensor,
  type Outputs,
  sizeOf,
  type Tensor,
  topological,
} from '../graph.js';
import type { OpName } from '../ops/table.js';

/**
 * What is made again. `none`: nothing. `cheap`: what costs no more than reading it (activations, norms, copies) where its
 * inputs are kept anyway. `blocks`: everything inside a block of the network; its input and output are kept.
 */
export type Recompute = 'none' | 'cheap' | 'blocks';

/** A part of the network that the backward pass can make again from `inputs` (and parameters). */
export interface Block {
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
}

const CHEAP: ReadonlySet<OpName> = new Set<OpName>([
  'unary',
  'binary',
  'layerNorm',
  'l2Normalize',
  'batchNormTraining',
  'permute',
  'slice',
  'concat',
  'broadcast',
]);

/** A tensor this many times smaller than its largest input (statistics of a batch) costs less to keep than to make. */
const SMALL = 16;

const isSmall = (t: OpTensor): boolean => SMALL * sizeOf(t.shape) <= Math.max(...inputsOf(t).map(x => sizeOf(x.shape)));

/** What a view shows; undefined for what has memory of its own. */
const viewed = (t: Tensor): Tensor | undefined => (isOp(t) && t.op === 'reshape' ? t.inputs[0]! : undefined);

/** The tensor whose memory `t` is. */
function base(t: Tensor): Tensor {
  let found = t;
  for (let next = viewed(t); next; next = viewed(next)) found = next;
  return found;
}

/** What lies between a block's inputs and its output, neither included, and depends on a batch. */
function insideBlocks(blocks: readonly Block[], known: ReadonlySet<Tensor>): Set<Tensor> {
  const inside = new Set<Tensor>();
  for (const { inputs, output } of blocks) {
    const ends = new Set(inputs);
    const rest = [...inputsOf(output)];
    for (let t = rest.pop(); t; t = rest.pop()) {
      if (ends.has(t) || inside.has(t) || known.has(t) || isLeaf(t)) continue;
      if (!isSmall(t)) inside.add(t);
      rest.push(...inputsOf(t));
    }
  }
  return inside;
}

/** The cheap tensors among those that backward reads (`saved`, without views) that follow from the rest of these. */
function cheapOnes(order: readonly Tensor[], saved: ReadonlySet<Tensor>, known: ReadonlySet<Tensor>): Set<Tensor> {
  const cheap = new Set<Tensor>();
  // Inputs come first in the order, so a chain of cheap ops hangs on the first tensor before it that is kept.
  const isThere = (t: Tensor): boolean => isLeaf(t) || known.has(t) || saved.has(base(t)) || cheap.has(base(t));
  for (const t of order) {
    if (!isOp(t) || known.has(t) || isSmall(t)) continue;
    if (CHEAP.has(t.op) && inputsOf(t).every(isThere)) cheap.add(t);
  }
  return cheap;
}

export interface RecomputeOptions {
  readonly what: Recompute;
  readonly blocks: readonly Block[];
}

/**
 * `gradients` reading copies of what `what` names in place of the forward pass's own tensors.
 * @param forward what the forward pass is for: losses, statistics
 * @param gradients of that forward pass, sharing its nodes
 */
export function recompute(forward: Outputs, gradients: Outputs, { what, blocks }: RecomputeOptions): Outputs {
  if (what === 'none') return gradients;
  const order = topological(Object.values(forward));
  const isForward = new Set(order);
  const backward = topological(Object.values(gradients)).filter(t => !isForward.has(t));
  const read = new Set(backward.flatMap(t => inputsOf(t).filter(x => isForward.has(x))));
  // In a step parameters are inputs: what is made of them (a weight in another layout) is made again too.
  const known = findWithout({ ...forward, ...gradients }, ['input', 'parameter']);
  const dropped =
    what === 'blocks' ? insideBlocks(blocks, known) : cheapOnes(order, new Set([...read].map(base)), known);
  const copies = new Map<Tensor, Tensor>();
  const copyOf = (t: Tensor | null): Tensor | null => (t === null ? null : (copies.get(t) ?? t));
  for (const t of order) {
    const source = viewed(t);
    if (isOp(t) && (dropped.has(t) || (source && copies.has(source))))
      copies.set(t, { ...t, inputs: t.inputs.map(copyOf) });
  }
  const rebuilt = new Map<Tensor, Tensor>();
  const placed = (t: Tensor | null): Tensor | null => (t === null ? null : (rebuilt.get(t) ?? copyOf(t)));
  for (const t of backward) rebuilt.set(t, isOp(t) ? { ...t, inputs: t.inputs.map(placed) } : t);
  return Object.fromEntries(Object.entries(gradients).map(([name, t]) => [name, rebuilt.get(t) ?? t]));
}
