// How elements without structure are dealt to threads: ITEMS each, GROUP apart, so that neighbours touch neighbours.

import { spread } from '../../kernel.js';

/** Tile constants of kernels over a flat list. */
export const flatTile = { GROUP: 64, ITEMS: 4 } as const;

/** The same, of four numbers a thread whatever the packet. */
export const numbersTile = (packet: 1 | 4) => ({ GROUP: flatTile.GROUP, ITEMS: flatTile.ITEMS / packet });

/** Workgroups for `count` elements (or packets). */
export const flatGroups = (count: number, { GROUP, ITEMS } = numbersTile(1)): [number, number, number] =>
  spread(Math.ceil(count / (GROUP * ITEMS)));
