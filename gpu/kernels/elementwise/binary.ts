// binary: elementwise over two tensors with numpy's broadcasting (aligned at the last axis; 1 stretches).

import { check } from '../../../errors/index.js';
import { type KernelCall, spread } from '../../kernel.js';
import { hardwareTuning, type Tuning } from '../../tuning.js';
import { type Axis, axisUniforms, contiguous, mergeAxes } from '../shared/axes.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { caseOf, elements, named } from '../shared/guard.js';
import { bytesOf } from '../shared/sizes.js';
import source from './binary.wgsl?raw';
import rowsSource from './binary-rows.wgsl?raw';

/** The functions, in the order of the cases of include/binary-formula.wgsl. Comparisons give 1 and 0. */
export const binaryKinds = [
  'add',
  'sub',
  'mul',
  'div',
  'max',
  'min',
  'greater',
  'greaterEqual',
  'less',
  'lessEqual',
  'equal',
] as const;

export type BinaryKernelKind = (typeof binaryKinds)[number];

export interface BinaryDims {
  readonly kind: BinaryKernelKind;
  readonly aShape: readonly number[];
  readonly bShape: readonly number[];
}

/** The kind of binary-rows.wgsl that does for the first three, and their factors. */
const JOINED = 11;
const FACTORS = [1, -1, 0];

/**
 * out = kind(a, b), of the broadcast shape. Four elements a thread where both are alike or one is a vector (or block)
 * repeated over leading axes, of a multiple of 4 elements, or one number; else any broadcast that leaves at most six axes after merging.
 *
 * Errors: BAD_ARGUMENT (kind, dimensions), SHAPE_MISMATCH (shapes that do not broadcast, too many axes or elements).
 *
 * @example
 * binary({ kind: 'add', aShape: [2, 49, 768], bShape: [768] }, { a, b, out }, { act: 'f16' })
 */
export function binary<O>(
  { kind, aShape, bShape }: BinaryDims,
  { a, b, out }: { a: O; b: O; out: O },
  { act, tuning = hardwareTuning }: { act: 'f32' | 'f16'; tuning?: Tuning | undefined },
): KernelCall<O> {
  const read = elements('binary', named('aShape', aShape)) + elements('binary', named('bShape', bShape));
  const axes = mergeAxes(broadcastAxes(aShape, bShape));
  const count = elements(
    'binary',
    named(
      'axis',
      axes.map(axis => axis.n),
    ),
  );
  const own = caseOf('binary', binaryKinds, kind);
  const factor = tuning.lanes > 0 ? FACTORS[own] : undefined;
  const { shader, workgroups, uniforms, constants } = quadForm(axes, count, own, factor) ?? {
    shader: { name: 'binary', source, tile: flatTile },
    workgroups: flatGroups(count),
    uniforms: { count, ...axisUniforms('binary', axes) },
    constants: { kind: own, rank: axes.length },
  };
  return {
    shader: { ...shader, act },
    constants,
    uniforms,
    bindings: [
      { operand: a, access: 'read' },
      { operand: b, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups,
    cost: { flops: count, bytes: (read + count) * bytesOf(act) },
  };
}

/** The arguments of binary-rows.wgsl, where the axes are [columns] or [rows, columns] with whole quads in a row, or an operand is one number. */
function quadForm(axes: readonly Axis[], count: number, kind: number, factor: number | undefined) {
  const columns = axes.at(-1)!;
  const rows = axes.length === 2 ? axes[0]! : { n: 1, s: 0, t: 0 };
  const steps = [columns.s, columns.t];
  const least = axes.length - 1; // of a step: one number goes with one axis
  if (least > 1 || columns.n % 4 !== 0 || steps.some(step => step > 1 || step < least)) return undefined;
  return {
    shader: { name: 'binary-rows', source: rowsSource },
    workgroups: spread(Math.ceil(count / 4 / 64)),
    uniforms: {
      ...{ count: count / 4, quads: columns.n / 4, a_stride: rows.s / 4, b_stride: rows.t / 4 },
      ...{ a_step: columns.s, b_step: columns.t, factor: factor ?? 0 },
    },
    constants: { kind: factor === undefined ? kind : JOINED },
  };
}

function broadcastAxes(aShape: readonly number[], bShape: readonly number[]): Axis[] {
  const rank = Math.max(aShape.length, bShape.length);
  const pad = (shape: readonly number[]) => [...new Array<number>(rank - shape.length).fill(1), ...shape];
  const [a, b] = [pad(aShape), pad(bShape)];
  const [s, t] = [contiguous(a), contiguous(b)];
  return a.map((n, i) => {
    check(
      n === b[i] || n === 1 || b[i] === 1,
      'SHAPE_MISMATCH',
      () =>
        `binary: shapes must broadcast, got [${aShape.join(', ')}] and [${bShape.join(', ')}]; insert axes of length 1`,
    );
    const length = Math.max(n, b[i]!);
    return { n: length, s: n === 1 ? 0 : s[i]!, t: b[i] === 1 ? 0 : t[i]! };
  });
}
