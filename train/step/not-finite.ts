// Where numbers stopped being numbers: asked once, when a step has gone wrong, of the parameters before it and the same batch.

import type { Assembly } from '../../assembly/index.js';
import { Readback } from '../../gpu/readback.js';
import { builder as b } from '../../graph/builder.js';
import {
  findLoadTime,
  inputsOf,
  isOp,
  type Outputs,
  parametersOf,
  type Tensor,
  topological,
} from '../../graph/graph.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { trainingForward } from '../../networks/training.js';
import type { ParameterArena } from '../parameters/parameter-arena.js';
import { ArenaGraph } from './arena-graph.js';
import type { Batch } from './gradient-pass.js';

/**
 * The first thing that is not finite, in the order in which a step computes: a parameter, a layer's output, or else a
 * gradient; null where everything has numbers.
 *
 * Errors: those of `ArenaGraph.create` and of reading back.
 */
export async function firstNotFinite(
  arena: ParameterArena,
  assembly: Assembly,
  config: Config,
  batch: Batch,
): Promise<string | null> {
  using readback = new Readback(arena.gpu, 0);
  const ofArena = async (kind: 'parameters' | 'gradients', last: boolean) => {
    const tensors = [...(await arena.read(readback, kind))];
    for (const [name, { data }] of last ? tensors.reverse() : tensors) {
      const value = data.find(x => !Number.isFinite(x));
      if (value !== undefined) return `${name} (${value})`;
    }
    return null;
  };
  const parameter = await ofArena('parameters', false);
  if (parameter) return parameter;
  const layer = await firstLayer(arena, assembly, config, batch, readback);
  if (layer) return `the output of ${layer}`;
  // the backward pass begins with the last layer
  const gradient = await ofArena('gradients', true);
  return gradient && `the gradient of ${gradient}`;
}

async function firstLayer(
  arena: ParameterArena,
  assembly: Assembly,
  config: Config,
  batch: Batch,
  readback: Readback,
): Promise<string | null> {
  const pixels = config.imageSize ** 2;
  const count = batch.target.length / pixels;
  const sums = layerSums(config, count, (batch.ids?.length ?? 0) / count);
  const graph = await ArenaGraph.create(arena, assembly, sums, 'parameters', 'layers');
  try {
    graph.submit(batch);
    for (const name of Object.keys(sums)) {
      const { range } = graph.plan.output(name);
      const { buffer } = await readback.read({ ...range, size: 4 });
      const [sum] = new Float32Array(buffer);
      if (!Number.isFinite(sum)) return `${name} (sum ${sum})`;
    }
    return null;
  } finally {
    graph.dispose();
  }
}

/** The sum of every layer's output in training, by the layer's name, in order: not finite where one of its numbers is not. */
export function layerSums(config: Config, batch: number, length: number): Outputs {
  const network = Network.of(config);
  const { logits, features } = trainingForward(network, network.leaves(batch, length));
  const outputs = { logits, ...features };
  const known = findLoadTime(outputs);
  const sums: Record<string, Tensor> = {};
  for (const t of topological(Object.values(outputs))) {
    if (known.has(t) || !isOp(t)) continue;
    const [parameter] = inputsOf(t).flatMap(x => (known.has(x) ? [...parametersOf({ x }).keys()] : []));
    if (parameter === undefined) continue;
    const layer = parameter.slice(0, parameter.lastIndexOf('.'));
    sums[layer] ??= b.reshape(b.sum(b.reshape(t, [-1]), [0]), [1]);
  }
  return sums;
}
