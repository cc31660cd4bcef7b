// The ways in which calls of a class of shapes can be cut: those worth trying, and those that may be asked for at all.

import { type DotTuning, dotTiles } from '../kernels/matmul/linear-dots.js';
import { type ProductTile, productTiles } from '../tuning.js';

/** A class of shapes, taken apart (`shapeClass`). */
export interface ShapeClass {
  readonly kernel: string;
  readonly traits: readonly string[];
  /** Powers of two. */
  readonly sizes: readonly number[];
}

export function parseShape(shape: string): ShapeClass | undefined {
  const [kernel, traits, sizes, ...rest] = shape.split(' ');
  if (!kernel || !traits || !sizes || rest.length > 0 || !/^\d+(x\d+)*$/.test(sizes)) return undefined;
  return { kernel, traits: traits.split('/'), sizes: sizes.split('x').map(Number) };
}

const tiles = Object.keys(productTiles) as ProductTile[];

/** Rows up to which sharing k out may pay. */
const MOST_SKINNY = 64;
/** Vectors that an invocation may hold. */
const MOST_HELD = 64;

function productVariants(kernel: string, [m = 1, n = 1]: readonly number[]): string[] {
  // Tiles twice as wide as the outputs compute for nothing what a smaller one leaves out.
  const fitting = tiles.filter(tile => {
    const { LINES, TILE_M, TILE_N } = productTiles[tile];
    return LINES * TILE_M <= Math.max(32, m) && 8 * TILE_N <= Math.max(32, n);
  });
  return kernel === 'linear-vec4' && m <= MOST_SKINNY ? [...fitting, 'skinny'] : fitting;
}

/** What of a tuning decides which variants there are. */
type Able = Pick<DotTuning, 'lanes' | 'dots'>;

function depthwiseVariants(kernel: string, traits: readonly string[], [, width = 1]: readonly number[]): string[] {
  const packets = Math.ceil(Number(traits[2]) / (kernel.endsWith('-vec4') ? 4 : 1));
  const held = Math.ceil(packets / 64);
  return [1, 2, 4, 8, 16].filter(pixels => pixels <= width && pixels * held <= MOST_HELD).map(String);
}

/** Queries of a workgroup: those whose outputs an invocation can hold. */
const attentionVariants = (traits: readonly string[]): string[] =>
  [8, 16, 32].filter(queries => (queries / 8) * Math.ceil(Number(traits[1]) / 32) <= 16).map(String);

/** Variants to try for a class; none for a kernel that is not cut by the device. */
export function variantsOf(shape: string, { lanes, dots }: Able): readonly string[] {
  const parsed = parseShape(shape);
  if (!parsed) return [];
  const { kernel, traits, sizes } = parsed;
  const shared = lanes > 0 ? ['lanes'] : [];
  const whole = dots && kernel === 'linear-vec4' && traits[1] === 'i8' ? Object.keys(dotTiles) : [];
  if (/^(linear|conv2d)(-vec4)?$/.test(kernel)) return [...shared, ...productVariants(kernel, sizes), ...whole];
  if (/^attention(-vec4)?$/.test(kernel)) return [...shared, ...attentionVariants(traits)];
  return /^depthwise(-vec4)?$/.test(kernel) ? depthwiseVariants(kernel, traits, sizes) : [];
}

/** Whether a factory can make this variant of a class: what a file may ask for. */
export function isVariant(shape: string, variant: string, tuning: Able): boolean {
  if (variantsOf(shape, tuning).includes(variant)) return true;
  // On lanes, a run has as many pixels as divide its row evenly.
  return /^depthwise/.test(shape) && variantsOf(shape, tuning).length > 0 && /^([1-9]|1[0-6])$/.test(variant);
}
