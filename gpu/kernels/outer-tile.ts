// The host side of include/outer-tile.wgsl: how a product over a long outer axis is cut into tiles and runs of rows.

import { spread } from '../kernel.js';

/** out[a,b] = Σ over m of A[m,a] B[m,b]. */
export interface OuterDims {
  readonly m: number;
  readonly a: number;
  readonly b: number;
}

/** Workgroups that fill a large GPU twice over. */
const ENOUGH_WORKGROUPS = 512;

/** Rows under which a run would not pay for writing and adding its partial sums. */
const FEWEST_ROWS = 128;

/**
 * Tile constants, runs of rows, and workgroups. The cut depends on the dimensions alone, never on the device, so sums are
 * rounded in the same order everywhere.
 */
export function outerTiles({ m, a, b }: OuterDims) {
  const perThread = a > 32 && b > 32 ? 8 : 4;
  const tiles = Math.ceil(a / (8 * perThread)) * Math.ceil(b / (8 * perThread));
  const wanted = Math.min(Math.ceil(ENOUGH_WORKGROUPS / tiles), Math.ceil(m / FEWEST_ROWS));
  const rows = Math.ceil(m / wanted / 8) * 8; // whole rounds
  const runs = Math.ceil(m / rows);
  return { tile: { TILE_A: perThread, TILE_B: perThread }, rows, runs, workgroups: spread(tiles * runs) };
}

/** Floats of partial sums: 0 where one run takes all rows. */
export function outerPartial(dims: OuterDims): number {
  const { runs } = outerTiles(dims);
  return runs === 1 ? 0 : runs * dims.a * dims.b;
}
