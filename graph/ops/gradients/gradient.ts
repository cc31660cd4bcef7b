// What the gradient rules share.

import { TmcaError } from '../../../errors/index.js';
import type { Builder } from '../../builder.js';
import { type Shape, sameShape, sizeOf, type Tensor } from '../../graph.js';
import type { GradientContext } from '../../rule.js';
import { last } from '../shared/expect.js';

/** The gradient rule of ops that are derivatives themselves: training needs no second ones. */
export function notDifferentiable(_builder: Builder, { out }: GradientContext<unknown>): never {
  throw new TmcaError(
    'UNSUPPORTED',
    `gradients: the loss must be made of ops with derivatives, got ${out.op}; differentiate once only`,
  );
}

/** The runs of neighbouring axes of `out` along which `shape`, aligned at the last axis, was stretched. */
function stretchedRuns(shape: Shape, out: Shape): number[][] {
  const missing = out.length - shape.length;
  const runs: number[][] = [];
  out.forEach((n, axis) => {
    if (n === 1 || (axis >= missing && shape[axis - missing] !== 1)) return;
    const run = runs.at(-1);
    if (run?.at(-1) === axis - 1) run.push(axis);
    else runs.push([axis]);
  });
  return runs;
}

/** The sum of dy over what broadcasting `shape` to dy's shape repeated: broadcasting's own gradient. */
export function unbroadcast(b: Builder, dy: Tensor, shape: Shape): Tensor {
  const summed = stretchedRuns(shape, dy.shape).reduce<Tensor>((sum, axes) => b.sum(sum, axes), dy);
  return sameShape(summed.shape, shape) ? summed : b.reshape(summed, shape);
}

/** Σ over all axes but the last, […,N] → [N]: the gradient of a bias. */
export const sumRows = (b: Builder, dy: Tensor): Tensor => unbroadcast(b, dy, [last(dy.shape)]);

export const zeros = (b: Builder, shape: Shape): Tensor => b.constant(new Float64Array(sizeOf(shape)), shape);
