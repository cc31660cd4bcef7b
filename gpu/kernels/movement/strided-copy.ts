// strided-copy: permute, slice, concat, expand and pixel shuffle are all this one copy with different strides.

import { check } from '../../../errors/index.js';
import type { KernelCall, Storage } from '../../kernel.js';
import { type Axis, axisUniforms, contiguous, mergeAxes } from '../shared/axes.js';
import { flatGroups, flatTile } from '../shared/flat-tile.js';
import { elements, named } from '../shared/guard.js';
import { packed } from '../shared/packet.js';
import { checkSizes } from '../shared/sizes.js';
import source from './strided-copy.wgsl?raw';

export interface StridedCopyDims {
  /** Shape of what is copied. At most six axes may be left once neighbours that lie together are merged. */
  readonly shape: readonly number[];
  /** Steps in x, in elements; 0 repeats. */
  readonly strides: readonly number[];
  /** First element of x. Default 0. */
  readonly offset?: number;
  /** Steps in out, in elements. Default: row-major. No two elements may land on one place. */
  readonly outStrides?: readonly number[];
  /** First element of out. Default 0. */
  readonly outOffset?: number;
}

/** Units that elements are moved in, widest first. Halves move alone only where nothing wider fits. */
const forms = [
  { bytes: 16, packet: 4, act: 'f32' },
  { bytes: 4, packet: 1, act: 'f32' },
  { bytes: 2, packet: 1, act: 'f16' },
] as const;

/**
 * out[outOffset + Σ i_k outStrides_k] = x[offset + Σ i_k strides_k] for every index i of `shape`. Bits are kept; what is
 * not written stays as it was.
 *
 * Errors: BAD_ARGUMENT (a negative or fractional number), SHAPE_MISMATCH (ranks that differ, too many axes or elements).
 *
 * @example
 * // [2,3,4] to [4,2,3]
 * stridedCopy({ shape: [4, 2, 3], strides: [1, 12, 4] }, { x, out }, { act: 'f32' })
 */
export function stridedCopy<O>(
  dims: StridedCopyDims,
  { x, out }: { x: O; out: O },
  { act }: { act: Storage },
): KernelCall<O> {
  const { shape, strides, offset = 0, outStrides = contiguous(shape), outOffset = 0 } = dims;
  checkCopy(shape, strides, outStrides, offset, outOffset);
  const axes = mergeAxes(shape.map((n, i) => ({ n, s: strides[i]!, t: outStrides[i]! })));
  const bytes = act === 'f16' ? 2 : 4;
  const { form, factor } = chooseForm(axes, bytes, offset, outOffset);
  const units = axes.map((axis, i) =>
    i === axes.length - 1
      ? { n: axis.n / factor, s: factor > 1 ? 1 : axis.s, t: factor > 1 ? 1 : axis.t }
      : { n: axis.n, s: axis.s / factor, t: axis.t / factor },
  );
  const count = units.reduce((product, axis) => product * axis.n, 1);
  return {
    shader: { ...packed('strided-copy', source, form.packet), act: form.act, tile: flatTile },
    constants: { rank: units.length },
    uniforms: {
      ...{ count, x_offset: offset / factor, y_offset: outOffset / factor },
      ...axisUniforms('stridedCopy', units),
    },
    bindings: [
      { operand: x, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: flatGroups(count),
    cost: { flops: 0, bytes: 2 * count * factor * bytes },
  };
}

function checkCopy(
  shape: readonly number[],
  strides: readonly number[],
  outStrides: readonly number[],
  offset: number,
  outOffset: number,
): void {
  check(
    strides.length === shape.length && outStrides.length === shape.length,
    'SHAPE_MISMATCH',
    () =>
      `stridedCopy: strides must be one per axis, got ${strides.length} and ${outStrides.length} for [${shape.join(', ')}]; complete them`,
  );
  elements('stridedCopy', named('shape', shape));
  checkSizes('stridedCopy', { offset, outOffset }, 0);
  for (const [name, list] of Object.entries({ strides, outStrides })) {
    checkSizes('stridedCopy', named(name, list), 0);
    const span = list.reduce(
      (sum, stride, i) => sum + stride * (shape[i]! - 1),
      name === 'strides' ? offset : outOffset,
    );
    check(
      span < 2 ** 32,
      'SHAPE_MISMATCH',
      () => `stridedCopy: ${name} must stay below 2^32 elements, got ${span}; split the copy`,
    );
  }
}

/** The widest unit that both sides' innermost runs, steps and offsets are multiples of; `factor`: elements in a unit. */
function chooseForm(axes: readonly Axis[], bytes: number, offset: number, outOffset: number) {
  const inner = axes.at(-1)!;
  const together = inner.s === 1 && inner.t === 1;
  const aligned = [inner.n, offset, outOffset, ...axes.slice(0, -1).flatMap(axis => [axis.s, axis.t])];
  const fits = (factor: number) => factor === 1 || (factor > 1 && together && aligned.every(n => n % factor === 0));
  // The element itself is among the forms, so one always fits.
  const form = forms.find(({ bytes: unit }) => fits(unit / bytes))!;
  return { form, factor: form.bytes / bytes };
}
