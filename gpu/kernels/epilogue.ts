// The host side of include/activation.wgsl, include/depth-to-space.wgsl and include/gemm-tile.wgsl.

import { check } from '../../errors/index.js';
import { type Shader, spread } from '../kernel.js';
import { hardwareTuning, type Tuning } from '../tuning.js';
import { checkSizes } from './sizes.js';

/** `leakyRelu` has slope 0.01; `gelu` is the exact one. */
export type Activation = 'none' | 'gelu' | 'leakyRelu';

/**
 * Channels to space on the store. With depth = channels / block², channel n of a pixel goes to channel c, row ky and
 * column kx of a block x block square: `DCR` n = (ky * block + kx) * depth + c, `CRD` n = (c * block + ky) * block + kx.
 */
export interface Shuffle {
  readonly block: number;
  readonly order: 'DCR' | 'CRD';
}

const ACTIVATION = { none: 0, gelu: 1, leakyRelu: 2 } as const;
const ORDER = { DCR: 1, CRD: 2 } as const;

/** The overridable constants of both includes. */
export function epilogueConstants(activation: Activation, shuffle: Shuffle | null): Record<string, number> {
  return { activation: ACTIVATION[activation], shuffle: shuffle === null ? 0 : ORDER[shuffle.order] };
}

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

/** Large tiles read less, small ones leave fewer multiprocessors idle: large only where there are plenty of them. */
const LARGE_TILES = 96;

/** How m x n outputs are cut: what include/gemm-tile.wgsl or gemm-lanes.wgsl must know, and the workgroups that cover them. */
export function gemmTiles(
  m: number,
  n: number,
  { lanes }: Tuning = hardwareTuning,
): { tiling: Pick<Shader, 'tile' | 'swap'>; workgroups: [number, number, number] } {
  if (lanes > 0) {
    const workgroups = spread(Math.ceil(m / lanes) * Math.ceil(n / (4 * lanes)));
    return { tiling: { tile: { LANES: lanes }, swap: { 'gemm-tile': 'gemm-lanes' } }, workgroups };
  }
  const count = (size: number) => Math.ceil(m / size) * Math.ceil(n / size);
  const perThread = count(64) >= LARGE_TILES ? 8 : 4;
  return { tiling: { tile: { TILE_M: perThread, TILE_N: perThread } }, workgroups: spread(count(8 * perThread)) };
}
