// Lesions over frames: which component is which, when one is shown, and when it no longer is.

import { componentsOf, eachNeighbour } from './components.js';
import type { Smoothing } from './types.js';

/** Components that share less (intersection over union) are different lesions. */
const OVERLAP = 0.1;

/** A lesion as it was when it was last seen. */
interface Track {
  readonly id: number;
  /** Its pixels at the network's size, and their logits. */
  cells: Int32Array;
  values: Float32Array;
  /** Frames in a row in which it was seen, and in which it was missed. */
  seen: number;
  missed: number;
  shown: boolean;
  /** When it was last seen, in milliseconds. */
  at: number;
  /** Numbers of parts that stand apart at the source's size. */
  readonly parts: number[];
}

export interface TrackedFrame {
  /** [size, size]: the frame's logits, without the lesions that are not shown yet, and with those that are held. */
  readonly logits: Float32Array;
  /** Whether `logits` has lesions that the frame itself has not. */
  readonly holds: boolean;
  /** [size, size]: the number of the lesion at a pixel, or next to it; 0 where there is none. */
  readonly ids: Int32Array;
  /** Whether the lesion of that number was missed in this frame. */
  held(id: number): boolean;
  /**
   * The number of a part of a lesion, 0 for the largest: parts that stand apart at the source's size keep theirs too. Of the lesion 0,
   * which no frame has, each part is a new one.
   */
  part(id: number, order: number): number;
}

/** The logit of what is certainly no lesion. */
const NOWHERE = -30;

export class Tracker {
  #tracks: Track[] = [];
  #ids = 0;

  constructor(private readonly size: number) {}

  /** Forgets all lesions; their numbers are not given again. */
  reset(): void {
    this.#tracks = [];
  }

  /**
   * @param logits [size, size]
   * @param limit the logit from which a pixel belongs to a lesion
   * @param at time of the frame in milliseconds; a lesion is held for `maxAgeMs` at most
   */
  next(
    logits: Float32Array,
    limit: number,
    { appear, vanish }: Required<Smoothing>,
    at: number,
    maxAgeMs: number,
  ): TrackedFrame {
    const components = componentsOf(logits, this.size, limit);
    const matches = this.#match(components);
    const kept = new Set<Track>();
    for (const [index, cells] of components.entries()) {
      const track = matches.get(index) ?? this.#begin();
      track.cells = cells;
      track.values = Float32Array.from(cells, cell => logits[cell]!);
      track.seen++;
      track.missed = 0;
      track.shown ||= track.seen >= appear;
      track.at = at;
      kept.add(track);
    }
    for (const track of this.#tracks) {
      if (kept.has(track)) continue;
      track.seen = 0;
      track.missed++;
      if (track.shown && track.missed < vanish && at - track.at <= maxAgeMs) kept.add(track);
    }
    this.#tracks = [...kept];
    return this.#frame(logits);
  }

  #begin(): Track {
    const nothing = { cells: new Int32Array(0), values: new Float32Array(0) };
    return { id: ++this.#ids, ...nothing, seen: 0, missed: 0, shown: false, at: 0, parts: [] };
  }

  /** Components to the tracks that they overlap, each at most once, the best overlaps first. */
  #match(components: readonly Int32Array[]): Map<number, Track> {
    const owner = new Int32Array(this.size * this.size).fill(-1);
    for (const [index, { cells }] of this.#tracks.entries()) for (const cell of cells) owner[cell] = index;
    const pairs: { component: number; track: Track; overlap: number }[] = [];
    for (const [component, cells] of components.entries()) {
      const common = new Map<number, number>();
      for (const cell of cells) {
        const track = owner[cell]!;
        if (track >= 0) common.set(track, (common.get(track) ?? 0) + 1);
      }
      for (const [index, count] of common) {
        const track = this.#tracks[index]!;
        pairs.push({ component, track, overlap: count / (cells.length + track.cells.length - count) });
      }
    }
    pairs.sort((a, b) => b.overlap - a.overlap);
    const matches = new Map<number, Track>();
    const taken = new Set<Track>();
    for (const { component, track, overlap } of pairs) {
      if (overlap < OVERLAP || matches.has(component) || taken.has(track)) continue;
      matches.set(component, track);
      taken.add(track);
    }
    return matches;
  }

  #frame(logits: Float32Array): TrackedFrame {
    const shown = this.#tracks.filter(track => track.shown);
    const hidden = this.#tracks.filter(track => !track.shown);
    const holds = shown.some(track => track.missed > 0);
    const gated = hidden.length > 0 || holds ? logits.slice() : logits;
    for (const { cells } of hidden) for (const cell of cells) gated[cell] = NOWHERE;
    const ids = new Int32Array(gated.length);
    for (const track of shown) {
      for (const [i, cell] of track.cells.entries()) {
        if (track.missed > 0) gated[cell] = track.values[i]!;
        eachNeighbour(cell, this.size, to => {
          ids[to] ||= track.id;
        });
      }
    }
    for (const { id, cells } of shown) for (const cell of cells) ids[cell] = id;
    const tracks = new Map(shown.map(track => [track.id, track]));
    return {
      ...{ logits: gated, holds, ids },
      held: id => (tracks.get(id)?.missed ?? 0) > 0,
      part: (id, order) => this.#part(tracks.get(id), order),
    };
  }

  #part(track: Track | undefined, order: number): number {
    if (!track) return ++this.#ids;
    while (order > track.parts.length) track.parts.push(++this.#ids);
    return order === 0 ? track.id : track.parts[order - 1]!;
  }
}
