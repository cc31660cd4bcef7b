// resample-columns, resample-rows: a picture of any size to RGB bytes at the network's, as Pillow's BILINEAR makes them.

import type { KernelCall, TextureKind } from '../../kernel.js';
import { elements } from '../shared/guard.js';
import triangleWindow from './include/triangle-window.wgsl?raw';
import columnsSource from './resample-columns.wgsl?raw';
import rowsSource from './resample-rows.wgsl?raw';

const includes = { 'triangle-window': triangleWindow };
const GROUP = 8;

export interface ResampleDims {
  /** The side of the source. */
  readonly height: number;
  readonly width: number;
  /** The side of the square that it becomes. */
  readonly size: number;
}

/**
 * The picture bound as `source` [height, width] → out [height, size]: a word of RGB bytes a pixel. Transparent pixels count as
 * they come: premultiplied ones lie over black.
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many pixels).
 *
 * @example
 * resampleColumns({ height: 1080, width: 1920, size: 224 }, { out }, 'external')
 */
export function resampleColumns<O>(
  { height, width, size }: ResampleDims,
  { out }: { readonly out: O },
  texture: TextureKind,
): KernelCall<O> {
  const pixels = elements('resampleColumns', { height, width });
  const words = elements('resampleColumns', { height, size });
  return {
    shader: { name: 'resample-columns', source: columnsSource, includes, act: 'f32', texture },
    uniforms: { height, width, size, scale: width / size },
    bindings: [{ operand: out, access: 'read_write' }],
    workgroups: [Math.ceil(size / GROUP), Math.ceil(height / GROUP), 1],
    cost: { flops: 18 * Math.max(pixels, words), bytes: 4 * (pixels + words) },
  };
}

/**
 * rows [height, size] → out [size, size], both a word of RGB bytes a pixel.
 *
 * Errors: BAD_ARGUMENT (dimensions), SHAPE_MISMATCH (too many pixels).
 *
 * @example
 * resampleRows({ height: 1080, size: 224 }, { rows, out })
 */
export function resampleRows<O>(
  { height, size }: Omit<ResampleDims, 'width'>,
  { rows, out }: { readonly rows: O; readonly out: O },
): KernelCall<O> {
  const read = elements('resampleRows', { height, size });
  const words = elements('resampleRows', { rows: size, columns: size });
  const groups = Math.ceil(size / GROUP);
  return {
    shader: { name: 'resample-rows', source: rowsSource, includes, act: 'f32' },
    uniforms: { height, size, scale: height / size },
    bindings: [
      { operand: rows, access: 'read' },
      { operand: out, access: 'read_write' },
    ],
    workgroups: [groups, groups, 1],
    cost: { flops: 20 * Math.max(read, words), bytes: 4 * (read + words) },
  };
}
