// How kernels are cut for the adapter at hand. A profile says it of a kind of adapter (gpu/profiles.ts): it follows from what the
// adapter is, never from a clock, so a training run that is resumed rounds as it did. For inference, the tuner may choose
// otherwise for a class of shapes, by measuring (gpu/tuner/).

/** Rows x columns of the outputs that one workgroup computes (include/gemm-tile.wgsl). */
export const productTiles = {
  '32x32': { LINES: 8, TILE_M: 4, TILE_N: 4 },
  '32x64': { LINES: 8, TILE_M: 4, TILE_N: 8 },
  '64x32': { LINES: 16, TILE_M: 4, TILE_N: 4 },
  '64x64': { LINES: 8, TILE_M: 8, TILE_N: 8 },
  '128x64': { LINES: 16, TILE_M: 8, TILE_N: 8 },
} as const;

export type ProductTile = keyof typeof productTiles;

/** `large` where that makes `enough` workgroups, else `small`. */
export interface ProductKnobs {
  readonly large: ProductTile;
  readonly small: ProductTile;
  readonly enough: number;
}

/** What differs from one kind of adapter to another; gpu/profiles/*.json has the reasons. */
export interface Knobs {
  /** `skinny`: most rows of a product whose sums are shared out along k (linear-skinny.wgsl); 0 for never. */
  readonly linear: ProductKnobs & { readonly skinny: number };
  readonly conv2d: ProductKnobs;
  /** `pixels`: neighbours that an invocation computes, where that makes `enough` workgroups; else half of them. */
  readonly depthwise: { readonly pixels: number; readonly enough: number };
  /** Queries of a workgroup: `large` from `many` queries on, else `small`; 8, 16 or 32. */
  readonly attention: { readonly large: number; readonly small: number; readonly many: number };
}

/** Knobs of kernel factories. */
export interface Tuning {
  /**
   * Where it is not 0, invocations are the lanes of a CPU's vector unit, and the device's subgroups all have so many of them:
   * tiles are then shared by shuffling registers (include/gemm-lanes.wgsl) instead of through workgroup memory. 1 where it has no
   * subgroups that can be relied on: each invocation works alone.
   */
  readonly lanes: 0 | 1 | 4 | 8 | 16;
  readonly knobs: Knobs;
  /** Variants by class of shapes, in place of what the knobs say: of the tuner, and never where training reads them. */
  readonly choices?: Readonly<Record<string, string>>;
}

/** What GPUs want, and what a program is lowered with where no device is known: tiles in workgroup memory. */
export const hardwareTuning: Tuning = {
  lanes: 0,
  knobs: {
    linear: { large: '64x64', small: '32x32', enough: 96, skinny: 32 },
    conv2d: { large: '64x64', small: '32x32', enough: 96 },
    depthwise: { pixels: 4, enough: 64 },
    attention: { large: 32, small: 16, many: 256 },
  },
};

/** Where a call can be cut in several ways: its class of shapes, and the way that was taken. */
export interface Cut {
  readonly shape: string;
  readonly variant: string;
}

/**
 * Calls that share a choice: those of one kernel, equal in `traits` (element types, and what decides how work can be cut), whose
 * sizes round up to the same powers of two.
 */
export const shapeClass = (kernel: string, traits: readonly (string | number)[], sizes: readonly number[]): string =>
  `${kernel} ${traits.join('/')} ${sizes.map(size => 2 ** Math.ceil(Math.log2(size))).join('x')}`;
