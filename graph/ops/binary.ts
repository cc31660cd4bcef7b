// binary: elementwise over two tensors with numpy's broadcasting (aligned at the last axis; 1 stretches).

import { binary as kernel } from '../../gpu/kernels/elementwise/binary.js';
import type { Shape } from '../graph.js';
import type { CoreRule, HostNumbers } from '../rule.js';
import { expectShapes, required } from './shared/expect.js';
import { eachRow } from './shared/strided.js';

const formulas = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: Math.max,
  min: Math.min,
} satisfies Record<string, (a: number, b: number) => number>;

export type BinaryKind = keyof typeof formulas;

export interface BinaryAttrs {
  readonly kind: BinaryKind;
}

/** Strides of `shape` read as if it were `out`, 0 where it is stretched. */
export function broadcastStrides(shape: Shape, out: Shape): number[] {
  const strides = new Array<number>(out.length).fill(0);
  let stride = 1;
  for (let i = shape.length - 1, o = out.length - 1; i >= 0; i--, o--) {
    strides[o] = shape[i] === 1 ? 0 : stride;
    stride *= shape[i]!;
  }
  return strides;
}

/** n products, from `ix`, `iy` on in steps, to `at` on. */
function multiply(
  x: HostNumbers,
  ix: number,
  stepX: number,
  y: HostNumbers,
  iy: number,
  stepY: number,
  out: HostNumbers,
  at: number,
  n: number,
): void {
  for (let i = 0, a = ix, b = iy; i < n; i++, a += stepX, b += stepY) out[at + i] = x[a]! * y[b]!;
}

export const binary: CoreRule<BinaryAttrs> = {
  infer(inputs) {
    const a = required(inputs, 0, 'binary');
    const b = required(inputs, 1, 'binary');
    const rank = Math.max(a.length, b.length);
    const pad = (s: Shape) => [...new Array<number>(rank - s.length).fill(1), ...s];
    const [pa, pb] = [pad(a), pad(b)];
    expectShapes(
      pa.every((n, i) => n === pb[i] || n === 1 || pb[i] === 1),
      'binary',
      'shapes must broadcast',
      a,
      b,
    );
    return pa.map((n, i) => (n === 1 ? pb[i]! : n));
  },
  reference([a, b], { kind }, out) {
    const formula: (a: number, b: number) => number = formulas[kind];
    const strides = [broadcastStrides(a!.shape, out.shape), broadcastStrides(b!.shape, out.shape)] as const;
    const [stepA, stepB] = strides.map(each => each.at(-1) ?? 0) as [number, number];
    const [x, y, z] = [a!.data, b!.data, out.data];
    eachRow(out.shape, strides, (at, ia, ib, n) => {
      // products apart, which fold factors into weights: a call for each would take most of the time
      if (kind === 'mul') multiply(x, ia, stepA, y, ib, stepB, z, at, n);
      else for (let i = 0; i < n; i++) z[at + i] = formula(x[ia + i * stepA]!, y[ib + i * stepB]!);
    });
  },
  lower: ({ inputs, attrs, out, act, tuning }) => [
    kernel(
      { kind: attrs.kind, aShape: inputs[0]!.shape, bShape: inputs[1]!.shape },
      { a: inputs[0]!, b: inputs[1]!, out },
      { act, tuning },
    ),
  ],
};
