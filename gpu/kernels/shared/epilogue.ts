// The host side of include/activation.wgsl, include/depth-to-space.wgsl and include/gemm-tile.wgsl.

import { check } from '../../../errors/index.js';
import { type Shader, spread } from '../../kernel.js';
import { hardwareTuning, type ProductKnobs, type ProductTile, productTiles, type Tuning } from '../../tuning.js';
import { laneGroup } from './lane-group.js';
import { checkSizes } from './sizes.js';

/** `leakyRelu` has slope 0.01, `relu` 0; `gelu` is the exact one. */
export type Activation = 'none' | 'gelu' | 'leakyRelu' | 'relu';

/**
 * Channels to space on the store. With depth = channels / block², channel n of a pixel goes to channel c, row ky and
 * column kx of a block x block square: `DCR` n = (ky * block + kx) * depth + c, `CRD` n = (c * block + ky) * block + kx.
 */
export interface Shuffle {
  readonly block: number;
  readonly order: 'DCR' | 'CRD';
}

/** The kinds of include/activation.wgsl. */
export const ACTIVATION = { none: 0, gelu: 1, leakyRelu: 2, relu: 3 } as const;
const ORDER = { DCR: 1, CRD: 2 } as const;

/** Block and order, as include/depth-to-space.wgsl takes them. */
export const shuffleUniforms = (shuffle: Shuffle | null): { readonly block: number; readonly order: number } =>
  shuffle === null ? { block: 1, order: 0 } : { block: shuffle.block, order: ORDER[shuffle.order] };

/** Channels after the shuffle. Errors: BAD_ARGUMENT (block), SHAPE_MISMATCH (channels that block² does not divide). */
export function shuffledDepth(where: string, channels: number, shuffle: { readonly block: number } | null): number {
  if (shuffle === null) return channels;
  const { block } = shuffle;
  checkSizes(where, { 'shuffle.block': block });
  check(
    channels % block ** 2 === 0,
    'SHAPE_MISMATCH',
    `${where}: output channels must be a multiple of block² = ${block ** 2}, got ${channels}; correct the weight or the block`,
  );
  return channels / block ** 2;
}

/**
 * Columns that an invocation holds sums of (gemm-lanes.wgsl): three or four, whichever covers n and leaves no invocation without any,
 * as three do with 24 channels and eight lanes. Nothing between: each number is a pipeline more to compile. Where both
 * do or neither does: three beside two rows of its own, else four.
 */
function laneTile(n: number, lanes: number): { readonly COLUMNS: number; readonly OWN: number } {
  const OWN = lanes === 8 ? 2 : 1; // measured on llvmpipe with eight lanes, and on SwiftShader with four, where two rows cost 10 %
  const three = n % (3 * lanes) === 0;
  const either = three === (n % (4 * lanes) === 0);
  return { COLUMNS: (either ? OWN > 1 : three) ? 3 : 4, OWN };
}

/** How m x n outputs are cut: what include/gemm-tile.wgsl or gemm-lanes.wgsl must know, and the workgroups that cover them. */
export interface GemmTiles {
  readonly variant: 'lanes' | ProductTile;
  readonly tiling: Pick<Shader, 'tile' | 'swap'>;
  readonly workgroups: [number, number, number];
}

/**
 * Large tiles read less, small ones leave fewer multiprocessors idle.
 *
 * @param choice the tuner's, if it made one
 */
export function gemmTiles(
  m: number,
  n: number,
  { lanes, knobs }: Tuning = hardwareTuning,
  { large, small, enough }: ProductKnobs = knobs.linear,
  choice?: string,
): GemmTiles {
  const count = (tile: ProductTile) => {
    const { LINES, TILE_M, TILE_N } = productTiles[tile];
    return Math.ceil(m / (LINES * TILE_M)) * Math.ceil(n / (8 * TILE_N));
  };
  const usual = lanes > 0 ? 'lanes' : count(large) >= enough ? large : small;
  const variant = choice !== undefined && (choice === 'lanes' || choice in productTiles) ? choice : usual;
  if (variant === 'lanes') {
    const { tile, pieces } = laneGroup(lanes);
    if (lanes === 1) {
      const tiles = Math.ceil(m / 4) * Math.ceil(n / 4);
      const tiling = { tile, swap: { 'gemm-tile': 'gemm-alone' } };
      return { variant, tiling, workgroups: spread(Math.ceil(tiles / pieces)) };
    }
    const own = laneTile(n, lanes);
    const tiling = { tile: { ...tile, ...own }, swap: { 'gemm-tile': 'gemm-lanes' } };
    const workgroups = spread(Math.ceil(m / (own.OWN * lanes)) * Math.ceil(n / (own.COLUMNS * lanes)));
    return { variant, tiling, workgroups };
  }
  const tile = variant as ProductTile;
  return { variant: tile, tiling: { tile: productTiles[tile] }, workgroups: spread(count(tile)) };
}
