// What a mask says of its lesions in the terms of a sentence: in which ninth of the picture, how large, at which hour. It tells
// which words a zoom has made untrue.

import type { Attribute, Finding } from '../../language/captions/finding.js';

/** One lesion of a mask, in pixels. */
export interface Lesion {
  /** x, y, width, height. */
  readonly box: readonly [number, number, number, number];
  readonly area: number;
}

export type LesionsOf = (mask: Uint8Array, size: number) => readonly Lesion[];

/** Shares of a picture below which a part of its mask is a speck, and no lesion. */
export const SPECK = 1 / 4096;
/** Shares of a picture at which a lesion is medium and large, as the captions of Kvasir-SEG draw the lines. */
const SIZES = [1 / 12, 0.306] as const;
/** Distance from the middle, in sides of the picture, from which on a place has an hour. */
const OUTSIDE = 1 / 6;

const middle = ({ box: [x, y, width, height] }: Lesion, size: number): [number, number] => [
  (x + width / 2) / size,
  (y + height / 2) / size,
];

const third = (x: number): number => Math.min(2, Math.floor(x * 3));
/** Row of the ninth, and whether it is of the middle column: a zoom takes nothing from left to right, and a flip changes no more. */
const cellOf = (lesion: Lesion, size: number): string => {
  const [x, y] = middle(lesion, size);
  return `${third(y)} ${third(x) === 1}`;
};
const sizeOf = ({ area }: Lesion, size: number): number => SIZES.filter(limit => area / size ** 2 >= limit).length;

const same = (a: readonly (string | number)[], b: readonly (string | number)[]): boolean =>
  [...a].sort().join(' ') === [...b].sort().join(' ');

/**
 * The attributes of a finding that were true of one mask, and may not be of the other: of the same lesions after a zoom and
 * perhaps a flip, which swaps the words itself. Places in a lung are where they were, since the lung is zoomed too.
 */
export function untrueOf(
  finding: Finding,
  before: readonly Lesion[],
  after: readonly Lesion[],
  size: number,
): Attribute[] {
  if (before.length !== after.length) return ['count', 'extent', 'size', 'place'];
  const inEach = (what: (lesion: Lesion, size: number) => string | number) =>
    same(
      before.map(lesion => what(lesion, size)),
      after.map(lesion => what(lesion, size)),
    );
  return [
    ...(inEach(sizeOf) ? [] : (['size'] as const)),
    ...(finding.subject === 'lung' || inEach(cellOf) ? [] : (['place'] as const)),
  ];
}

/** The hour on a clock's face at which the only lesion lies, 1 to 12; null where there are several, or it lies in the middle. */
export function hourOf(lesions: readonly Lesion[], size: number): number | null {
  if (lesions.length !== 1) return null;
  const [x, y] = middle(lesions[0]!, size);
  if (Math.hypot(x - 0.5, y - 0.5) < OUTSIDE) return null;
  // clockwise from twelve
  const turn = Math.atan2(x - 0.5, 0.5 - y) / (2 * Math.PI);
  return ((Math.round(turn * 12 + 12) - 1) % 12) + 1;
}
