// The host side of include/activation.wgsl, include/depth-to-space.wgsl and include/gemm-tile.wgsl.

import { check } from '../../errors/index.js';
import { spread } from '../kernel.js';
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

/** Tile constants of include/gemm-tile.wgsl for m x n outputs, and the workgroups that cover them. */
export function gemmTiles(
  m: number,
  n: number,
): { tile: Record<string, number>; workgroups: [number, number, number] } {
  const count = (size: number) => Math.ceil(m / size) * Math.ceil(n / size);
  const perThread = count(64) >= LARGE_TILES ? 8 : 4;
  return { tile: { TILE_M: perThread, TILE_N: perThread }, workgroups: spread(count(8 * perThread)) };
}
