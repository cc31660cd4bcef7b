// From a graph to the source of a Python function, a line for each op, in the order in which a step computes.

import { check } from '../../errors/index.js';
import {
  type ConstantTensor,
  inputsOf,
  isOp,
  type OpTensor,
  type Outputs,
  orderOf,
  type Tensor,
} from '../../graph/graph.js';
import type { BinaryAttrs } from '../../graph/ops/binary.js';
import { expressionOf } from './expressions.js';

/** The layer that a line belongs to: that of the first parameter it reads. */
function layerOf(node: OpTensor): string | null {
  const [parameter] = inputsOf(node).filter(t => t.op === 'parameter');
  return parameter?.op === 'parameter' ? parameter.name.slice(0, parameter.name.lastIndexOf('.')) : null;
}

/**
 * `def NAME(x, p, c)`: a dictionary of the outputs, from inputs `x`, parameters `p` and constants `c` by name. Maps are [B,H,W,C].
 *
 * @param constants those of functions before, which this one adds its own to
 */
export function emitFunction(name: string, outputs: Outputs, constants: Map<string, ConstantTensor>): string {
  const names = new Map<Tensor, string>();
  const lines: string[] = [];
  const nameOf = (t: Tensor): string => {
    const known = names.get(t);
    check(known !== undefined, 'INTERNAL', () => `emitFunction: a value must be made before it is read, got ${t.op}`);
    return known;
  };
  const order = orderOf(outputs);
  const operands = arithmeticOperands(order);
  let layer: string | null = null;
  let made = 0;
  for (const t of order) {
    if (isOp(t)) {
      const expression = expressionOf(t.op);
      check(expression, 'INTERNAL', () => `emitFunction: every op must be in the table, got ${t.op}; expand it first`);
      const inputs = t.inputs.map(input => input && nameOf(input));
      const shapes = t.inputs.map(input => input?.shape ?? []);
      const named = layerOf(t);
      if (named !== null && named !== layer) {
        layer = named;
        lines.push(`# ${layer}`);
      }
      const variable = `t${++made}`;
      lines.push(`${variable} = ${expression({ attrs: t.attrs, inputs, shapes, out: t.shape })}`);
      names.set(t, variable);
    } else if (t.op === 'constant') names.set(t, operands.has(t) ? constantOf(t, constants) : held(t, constants));
    else names.set(t, `${t.op === 'input' ? 'x' : 'p'}[${JSON.stringify(t.name)}]`);
  }
  const results = Object.entries(outputs).map(([key, t]) => `    ${JSON.stringify(key)}: ${nameOf(t)},`);
  return [
    `def ${name}(x, p, c):`,
    ...lines.map(line => `    ${line}`),
    '    return {',
    ...results.map(r => `    ${r}`),
    '    }',
  ].join('\n');
}

/** What only sums, differences, products and quotients read, where a plain number may stand in for a tensor. */
function arithmeticOperands(order: readonly Tensor[]): Set<Tensor> {
  const read = order.filter(isOp).flatMap(node => {
    const kind = node.op === 'binary' ? (node.attrs as BinaryAttrs).kind : null;
    const plain = kind !== null && kind !== 'max' && kind !== 'min';
    return inputsOf(node).map(input => ({ input, plain }));
  });
  const others = new Set(read.flatMap(({ input, plain }) => (plain ? [] : [input])));
  return new Set(read.flatMap(({ input }) => (others.has(input) ? [] : [input])));
}

/** A single number is written where it is read. */
function constantOf(t: ConstantTensor, constants: Map<string, ConstantTensor>): string {
  const [only] = t.data;
  if (t.data.length === 1 && t.shape.length <= 1 && Number.isFinite(only)) return String(only);
  return held(t, constants);
}

function held(t: ConstantTensor, constants: Map<string, ConstantTensor>): string {
  const name = `${constants.size}`;
  constants.set(name, t);
  return `c[${JSON.stringify(name)}]`;
}
