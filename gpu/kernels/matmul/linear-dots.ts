// A linear layer of int8 weights in whole numbers: its rows quantized as they are, four products an instruction. Not part of what a
// page loads: the tuner brings it where a model may use it (`DotTuning`).

import { type KernelCall, type KernelStorage, spread } from '../../kernel.js';
import { type Cut, hardwareTuning, type Tuning } from '../../tuning.js';
import { whole } from '../shared/range.js';
import { type LinearDims, type LinearOperands, linear } from './linear.js';
import source from './linear-dots.wgsl?raw';
import { quantizedStrips, quantizeRows } from './quantize-rows.js';

/** Variants, and the outputs on a side of their tiles over eight. */
export const dotTiles = { dots32: 4, dots64: 8 } as const;

/**
 * Two calls in place of `linear`, where the tuning's choice for the class of shapes says so; else null. The second reads what the
 * first wrote to `temporary`. Each row of x is rounded to 255 steps between its greatest magnitude and its negative: whether that
 * is good enough is for the model's maker to say (`tmca quantize --integer-products`).
 *
 * Errors: those of `linear`.
 */
export function linearDots<O>(
  dims: LinearDims,
  operands: LinearOperands<O>,
  storage: KernelStorage,
  temporary: (bytes: number) => O,
): KernelCall<O>[] | null {
  const usual = linear(dims, operands, storage);
  const { shape } = usual.cut!;
  const choice = (storage.tuning ?? hardwareTuning).choices?.[shape];
  if (storage.weight !== 'i8' || !shape.startsWith('linear-vec4') || !isDots(choice)) return null;
  const { m, k, n, x: at = whole(k) } = dims;
  const tile = dotTiles[choice];
  const cut: Cut = { shape, variant: choice };
  const strips = quantizedStrips(k);
  const [q, scale] = [temporary(16 * m * strips), temporary(4 * m)];
  const [, weight, ...others] = usual.bindings;
  return [
    { ...quantizeRows({ m, k, x: at }, { x: operands.x, q, scale }, storage.act), cut },
    {
      ...usual,
      shader: { name: 'linear-dots', source, act: storage.act, weight: 'i8', tile: { TILE: tile } },
      uniforms: { ...usual.uniforms, strips, x_offset: 0, x_pitch: k },
      bindings: [{ operand: q, access: 'read' }, weight!, ...others, { operand: scale, access: 'read' }],
      workgroups: spread(Math.ceil(m / (8 * tile)) * Math.ceil(n / (8 * tile))),
      cut,
    },
  ];
}

/** A tuning that may also have linear layers multiplied in whole numbers, for a model that allows it. */
export interface DotTuning extends Tuning {
  readonly dots?: typeof linearDots;
}

const isDots = (choice: string | undefined): choice is keyof typeof dotTiles =>
  choice !== undefined && Object.hasOwn(dotTiles, choice);
