// The nodes of a prepared graph as layers with names: what a report lists, and what two runs are compared by.

import { builder as b } from '../graph/builder.js';
import {
  findLoadTime,
  isLeaf,
  isOp,
  type OpTensor,
  type Outputs,
  parametersOf,
  type Tensor,
  topological,
} from '../graph/graph.js';
import { ruleOf } from '../graph/ops/table.js';
import { slotOf } from '../graph/rule.js';
import { scaleName } from '../graph/scale-name.js';

export interface Layer {
  /** From the parameters that it reads; of a layer without any, what it does to which. */
  readonly name: string;
  readonly op: string;
  readonly tensor: OpTensor;
  /** Checkpoint names of the parameters of its weight. */
  readonly parameters: readonly string[];
}

/**
 * Parameters of what the node's weight slots (else any slot) read at load: matrices where there are some, for folding mixes
 * the vectors of their neighbours in.
 */
function weightsOf(node: OpTensor, known: ReadonlySet<Tensor>): string[] {
  const rule = ruleOf(node.op);
  const read = (only: boolean) =>
    node.inputs.flatMap((t, i) =>
      t && known.has(t) && (!only || slotOf(rule, i) === 'weight') ? [...parametersOf({ t })] : [],
    );
  const found = new Map(read(true).length > 0 ? read(true) : read(false));
  const matrices = [...found].filter(([, shape]) => shape.length >= 2);
  return (matrices.length > 0 ? matrices : [...found]).map(([name]) => name);
}

/** a.b.query.weight, a.b.key.weight → a.b.{query,key}. */
export function joinNames(parameters: readonly string[]): string {
  const modules = [...new Set(parameters.map(name => name.replace(/\.[^.]*$/, '')))];
  if (modules.length === 1) return modules[0]!;
  const paths = modules.map(name => name.split('.'));
  const shared = paths[0]!.findIndex((part, i) => paths.some(path => path[i] !== part));
  const head = paths[0]!.slice(0, Math.max(shared, 0));
  return [...head, `{${paths.map(path => path.slice(head.length).join('.')).join(',')}}`].join('.');
}

/** Nodes that run, views left out, in their order. Equal graphs give equal lists. */
export function layersOf(outputs: Outputs): readonly Layer[] {
  const known = findLoadTime(outputs);
  const names = new Map<Tensor, string>();
  const layers: Layer[] = [];
  for (const tensor of topological(Object.values(outputs))) {
    if (!isOp(tensor) || known.has(tensor)) continue;
    const parameters = weightsOf(tensor, known);
    const before = tensor.inputs.find(t => t && names.has(t));
    const name =
      parameters.length > 0 ? joinNames(parameters) : `${tensor.op} of ${before ? names.get(before) : 'the input'}`;
    // A view of a layer, and what follows a layer without parameters, is told by that layer.
    names.set(tensor, parameters.length === 0 && before ? names.get(before)! : name);
    if (tensor.op !== 'reshape') layers.push({ name, op: tensor.op, tensor, parameters });
  }
  return layers;
}

/** The same graph, node for node, over real weights: whole numbers read as floats, every scale 1. */
export function overFloats(outputs: Outputs, int8: ReadonlySet<string>): Outputs {
  const scales = new Set([...int8].map(scaleName));
  const done = new Map<Tensor, Tensor>();
  for (const t of topological(Object.values(outputs))) {
    if (isLeaf(t)) {
      const isScale = t.op === 'parameter' && scales.has(t.name);
      done.set(t, isScale ? b.constant(new Float64Array(t.shape[0]!).fill(1), t.shape) : float(t));
    } else done.set(t, float({ ...t, inputs: t.inputs.map(input => (input === null ? null : done.get(input)!)) }));
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, done.get(t)!]));
}

const float = <T extends Tensor>(t: T): T => (t.dtype === 'i8' ? { ...t, dtype: 'f32' } : t);
