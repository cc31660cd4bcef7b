// A kernel's uniform block. The struct of its WGSL (`Dims`) is the one declaration of the block's fields, their order and
// their types; a call gives values by name, and names that differ from the struct's are an error before anything runs.

import { check } from '../errors/index.js';
import type { Uniforms } from './kernel.js';

/** A field of the block: four bytes. */
export interface UniformField {
  readonly name: string;
  readonly type: 'u32' | 'f32';
}

/** The values of a block, and what says where they lie. */
export interface UniformBlock {
  /** The name of the kernel, for messages. */
  readonly kernel: string;
  readonly fields: readonly UniformField[];
  readonly values: Uniforms;
}

/** Where a call's block lies in a buffer of blocks, in bytes. */
export interface UniformRange {
  readonly offset: number;
  readonly size: number;
}

/**
 * The fields of an assembled text's `var<uniform>`, in order; none where it has no such variable.
 *
 * Errors: INTERNAL (a variable of no struct, a field that is neither u32 nor f32).
 *
 * @example
 * uniformFields('fill', 'struct Dims { count: u32, value: f32 } … var<uniform> dims: Dims;')
 * // [{ name: 'count', type: 'u32' }, { name: 'value', type: 'f32' }]
 */
export function uniformFields(kernel: string, text: string): UniformField[] {
  const struct = /var<uniform>\s*\w+\s*:\s*(\w+)/.exec(text)?.[1];
  if (struct === undefined) return [];
  const body = new RegExp(`struct\\s+${struct}\\s*\\{([^}]*)\\}`).exec(text)?.[1] ?? struct;
  const declared = body.replace(/\/\/.*/g, '').split(',');
  return declared.filter(text => text.trim() !== '').map(declaration => fieldOf(kernel, declaration.trim()));
}

function fieldOf(kernel: string, declaration: string): UniformField {
  const [, name, type] = /^(\w+)\s*:\s*(u32|f32)$/.exec(declaration) ?? [];
  check(
    name !== undefined,
    'INTERNAL',
    `uniformFields: uniforms of ${kernel} must be u32 or f32 fields of a struct, got "${declaration}"; correct its WGSL`,
  );
  return { name, type: type as UniformField['type'] };
}

/** Places for blocks, each at a multiple of `alignment`, its size rounded up to 16 as WGSL rounds the struct's. */
export function placeUniforms(
  blocks: readonly Uniforms[],
  alignment: number,
): { readonly ranges: UniformRange[]; readonly size: number } {
  let end = 0;
  const ranges = blocks.map(values => {
    const offset = Math.ceil(end / alignment) * alignment;
    const size = Math.max(16, Math.ceil(Object.keys(values).length / 4) * 16);
    end = offset + size;
    return { offset, size };
  });
  return { ranges, size: Math.max(16, end) };
}

/** All blocks as `placeUniforms` places them. Errors: as of `writeUniforms`. */
export function packUniforms(
  blocks: readonly UniformBlock[],
  alignment: number,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly ranges: UniformRange[] } {
  const { ranges, size } = placeUniforms(
    blocks.map(({ values }) => values),
    alignment,
  );
  const bytes = new Uint8Array(size);
  for (const [i, block] of blocks.entries()) writeUniforms(new DataView(bytes.buffer, ranges[i]!.offset), block);
  return { bytes, ranges };
}

/** One block. Errors: INTERNAL (names that are not the struct's, a u32 that is no natural number below 2^32). */
export function writeUniforms(view: DataView, { kernel, fields, values }: UniformBlock): void {
  const given = Object.keys(values);
  check(
    given.length === fields.length && fields.every(({ name }) => Object.hasOwn(values, name)),
    'INTERNAL',
    () =>
      `writeUniforms: uniforms of ${kernel} must be ${fields.map(({ name }) => name).join(', ')}, got ${given.join(', ')}; correct the kernel's factory`,
  );
  for (const [i, { name, type }] of fields.entries()) {
    const value = values[name]!;
    if (type === 'f32') {
      view.setFloat32(4 * i, value, true);
      continue;
    }
    check(
      value >>> 0 === value,
      'INTERNAL',
      `writeUniforms: ${name} of ${kernel} must be a natural number below 2^32, got ${value}; correct the kernel's factory`,
    );
    view.setUint32(4 * i, value, true);
  }
}
