// How elements without structure are dealt to threads: ITEMS each, GROUP apart, so that neighbours touch neighbours.

import { spread } from '../../kernel.js';

/** Tile constants of kernels over a flat list. */
export const flatTile = { GROUP: 64, ITEMS: 4 } as const;

/** Workgroups for `count` elements (or quads). */
export const flatGroups = (count: number): [number, number, number] =>
  spread(Math.ceil(count / (flatTile.GROUP * flatTile.ITEMS)));
