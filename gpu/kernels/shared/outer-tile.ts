// The host side of include/outer-tile.wgsl and outer-lanes.wgsl: how a product over a long outer axis is cut into tiles and runs of rows.

import { type Shader, spread } from '../../kernel.js';
import { hardwareTuning, type Tuning } from '../../tuning.js';

/** out[a,b] = Σ over m of A[m,a] B[m,b]. */
export interface OuterDims {
  readonly m: number;
  readonly a: number;
  readonly b: number;
}

/** Workgroups that fill a large GPU twice over, and the cores of a CPU. */
const ENOUGH_WORKGROUPS = 512;
const ENOUGH_FOR_CORES = 64;

/** Rows under which a run would not pay for writing and adding its partial sums. */
const FEWEST_ROWS = 128;

export interface OuterTiles {
  readonly tiling: Pick<Shader, 'tile' | 'swap'>;
  readonly rows: number;
  readonly runs: number;
  readonly workgroups: [number, number, number];
}

/**
 * What the shader must know, runs of rows, and workgroups. The cut depends on dimensions and tuning alone, so devices that
 * are tuned alike round in the same order.
 */
export function outerTiles({ m, a, b }: OuterDims, { lanes }: Tuning = hardwareTuning): OuterTiles {
  const perThread = a > 32 && b > 32 ? 8 : 4;
  const [high, wide] = lanes > 1 ? [lanes, 4 * lanes] : [8 * perThread, 8 * perThread];
  const tiling =
    lanes > 1
      ? { tile: { LANES: lanes }, swap: { 'outer-tile': 'outer-lanes' } }
      : { tile: { TILE_A: perThread, TILE_B: perThread } };
  const tiles = Math.ceil(a / high) * Math.ceil(b / wide);
  const enough = lanes > 0 ? ENOUGH_FOR_CORES : ENOUGH_WORKGROUPS;
  const wanted = Math.min(Math.ceil(enough / tiles), Math.ceil(m / FEWEST_ROWS));
  const rows = Math.ceil(m / wanted / 8) * 8; // whole rounds
  const runs = Math.ceil(m / rows);
  return { tiling, rows, runs, workgroups: spread(tiles * runs) };
}

/** Floats of partial sums: 0 where one run takes all rows. */
export function outerPartial(dims: OuterDims, tuning?: Tuning): number {
  const { runs } = outerTiles(dims, tuning);
  return runs === 1 ? 0 : runs * dims.a * dims.b;
}
