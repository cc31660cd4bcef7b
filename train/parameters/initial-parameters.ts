// The parameters that a network starts from, as PyTorch's modules of the reference (reference/tmca.py) draw theirs: the same
// distributions, not the same numbers. A parameter's numbers are told by the seed and its name alone.

import { check } from '../../errors/index.js';
import { type Shape, sizeOf } from '../../graph/graph.js';
import { type Random, randomOf } from '../random.js';

/** ConvNeXt's layer scale (section 3 of its paper). */
const LAYER_SCALE = 1e-6;

/**
 * The value of parameter `name`, row-major:
 *
 * - linear and convolution: uniform in ±1/sqrt(fan in) (He et al. with a = sqrt 5), their biases in the same bounds
 * - embedding: normal, mean 0, standard deviation 1
 * - normalisation: weight 1, bias 0; running mean 0, running variance 1
 * - layer scale: 1e-6
 *
 * @param shapes All parameters of the network: a bias follows its weight.
 * @example
 * const weight = initialParameter('head.out.weight', Network.of(config).parameters, 0);
 */
export function initialParameter(name: string, shapes: ReadonlyMap<string, Shape>, seed: number): Float32Array {
  const shape = shapes.get(name);
  check(shape, 'INTERNAL', `initialParameter: the network must have the parameter, got ${name}`);
  const values = new Float32Array(sizeOf(shape));
  const field = name.slice(name.lastIndexOf('.') + 1);
  if (field === 'layer_scale_parameter') return values.fill(LAYER_SCALE);
  if (field === 'running_mean') return values;
  if (field === 'running_var') return values.fill(1);
  const weight = field === 'bias' ? shapes.get(`${name.slice(0, -'bias'.length)}weight`)! : shape;
  // A weight of one dimension is a normalisation's.
  if (weight.length === 1) return values.fill(field === 'bias' ? 0 : 1);
  const random = randomOf(seed, 'initial', name);
  if (/_embeddings\.weight$/.test(name) && shape.length === 2) return fillNormal(values, random);
  // PyTorch's fan in: everything but the first dimension, for transposed convolutions ([in, out, k, k]) too.
  const bound = 1 / Math.sqrt(sizeOf(weight.slice(1)));
  for (let i = 0; i < values.length; i++) values[i] = random.between(-bound, bound);
  return values;
}

/** Box and Muller: two independent normal numbers from two uniform ones. */
function fillNormal(values: Float32Array, random: Random): Float32Array {
  for (let i = 0; i < values.length; i += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.unit()));
    const angle = 2 * Math.PI * random.unit();
    values[i] = radius * Math.cos(angle);
    if (i + 1 < values.length) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}
