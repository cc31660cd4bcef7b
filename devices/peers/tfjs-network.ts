// The training graph in TensorFlow.js: every op of it by tfjs-ops.ts, parameters as variables, in the layout in which tfjs has them
// (a checkpoint's layout is brought into the network's once, not in every step). So the peer trains the same network on the same loss.

import { builder as b } from '../../graph/builder.js';
import { inputsOf, isOp, type OpTensor, type Outputs, type Tensor, topological } from '../../graph/graph.js';
import { evaluate } from '../../graph/interpreter.js';
import { expandComposites } from '../../graph/passes/expand.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { scalarsOf, targetInput, trainingForward, trainingLosses } from '../../networks/training.js';
import { type Batch, inputOf } from '../../train/step/gradient-pass.js';
import type { Parameters } from '../training.js';
import { tfjsOps } from './tfjs-ops.js';
import type { Tf, TfTensor, TfVariable } from './tfjs-types.js';

const LAYOUT_OPS: ReadonlySet<string> = new Set(['permute', 'reshape']);

/** A parameter, or one brought into another layout: its name, else undefined. */
function parameterOf(t: Tensor): string | undefined {
  if (t.op === 'parameter') return t.name;
  return isOp(t) && LAYOUT_OPS.has(t.op) ? parameterOf(t.inputs[0]!) : undefined;
}

export class TfjsNetwork {
  /** By checkpoint name; running statistics apart. */
  readonly variables = new Map<string, TfVariable>();
  readonly #statistics = new Map<string, TfVariable>();
  readonly #leaves = new Map<Tensor, TfTensor>();
  readonly #order: readonly Tensor[];

  private constructor(
    private readonly tf: Tf,
    private readonly outputs: Outputs,
  ) {
    this.#order = topological(Object.values(outputs));
  }

  /** Parameters and the batch on tfjs's device; `dispose` frees them. */
  static create(tf: Tf, config: Config, batch: Batch, parameters: Parameters, images: number, length: number) {
    const network = Network.of(config);
    const forward = trainingForward(network, network.leaves(images, length));
    const { loss } = trainingLosses(network, forward, targetInput(network, images), scalarsOf(network, false));
    const made = new TfjsNetwork(tf, expandComposites({ loss: loss!, ...forward.statistics }));
    made.#load(batch, parameters, new Set(Object.keys(forward.statistics)));
    return made;
  }

  /** The batch's loss, a scalar; inside `variableGrads`. `statistics` gets what the running ones become. */
  loss(statistics: Map<string, TfTensor>): TfTensor {
    const values = new Map<Tensor, TfTensor>(this.#leaves);
    for (const t of this.#order) if (isOp(t) && parameterOf(t) === undefined) values.set(t, this.#op(t, values));
    for (const name of this.#statistics.keys()) statistics.set(name, this.tf.keep(values.get(this.outputs[name]!)!));
    return this.tf.reshape(values.get(this.outputs.loss!)!, []);
  }

  /** What `loss` gave. */
  keepStatistics(statistics: ReadonlyMap<string, TfTensor>): void {
    for (const [name, value] of statistics) {
      this.#statistics.get(name)!.assign(value);
      value.dispose();
    }
  }

  dispose(): void {
    for (const leaf of this.#leaves.values()) leaf.dispose();
    this.#leaves.clear();
  }

  #op(node: OpTensor, values: ReadonlyMap<Tensor, TfTensor>): TfTensor {
    const inputs = node.inputs.flatMap(t => (t ? [values.get(t)!] : []));
    const rule = tfjsOps[node.op as keyof typeof tfjsOps] as (
      tf: Tf,
      inputs: readonly TfTensor[],
      attrs: object,
      node: OpTensor,
    ) => TfTensor;
    return rule(this.tf, inputs, node.attrs, node);
  }

  #load(batch: Batch, parameters: Parameters, running: ReadonlySet<string>): void {
    const read = new Set(this.#order.flatMap(t => (isOp(t) && parameterOf(t) !== undefined ? [] : inputsOf(t))));
    const filters = new Set(this.#order.flatMap(t => (isOp(t) && t.op === 'conv2d' ? [t.inputs[1]!] : [])));
    for (const t of this.#order) {
      const name = parameterOf(t);
      if (name !== undefined && read.has(t)) this.#variable(t, name, filters.has(t), parameters, running.has(name));
      else if (t.op === 'constant') this.#leaves.set(t, this.tf.tensor(Float32Array.from(t.data), t.shape));
      else if (t.op === 'input') this.#leaves.set(t, this.#input(t.name, t.shape, batch));
    }
  }

  #input(name: string, shape: readonly number[], batch: Batch): TfTensor {
    const data = inputOf(batch, name)!;
    return this.tf.tensor(data, shape, data instanceof Int32Array ? 'int32' : 'float32');
  }

  #variable(t: Tensor, name: string, isFilter: boolean, parameters: Parameters, running: boolean): void {
    const stored = isFilter ? b.permute(t, [1, 2, 3, 0]) : t;
    const feed = { parameter: (asked: string) => parameters.get(asked)!.data };
    const { data, shape } = evaluate({ stored }, feed).stored;
    const variable = this.tf.variable(this.tf.tensor(Float32Array.from(data), shape), !running, name);
    (running ? this.#statistics : this.variables).set(name, variable);
    this.#leaves.set(t, variable);
  }
}
