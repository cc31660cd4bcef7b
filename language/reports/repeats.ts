// Whether two drafts may be one finding, and what the one adds to the other.

import type { Draft } from './drafts.js';
import { holds } from './places.js';

export const hasSomething = ({ size, mm, colour, shapes, paris, place }: Draft): boolean =>
  size !== null ||
  mm !== null ||
  colour !== null ||
  shapes.length > 0 ||
  paris !== null ||
  place.anatomy !== null ||
  place.picture !== null;

/** A lesion with a shape that only polyps have. */
export const isPolypLike = ({ kind, shapes, paris }: Draft): boolean =>
  kind === 'polyp' &&
  (paris !== null ||
    shapes.some(shape => /^(?:sessile|pedunculated|semi-pedunculated|laterally spreading|flat)$/.test(shape)));

/** Whether two mentions contradict each other in nothing. */
export const agrees = (a: Draft, b: Draft): boolean =>
  (a.mm === null || b.mm === null || a.mm === b.mm || a.plural || (a.count ?? 1) > 1) &&
  (a.colour === null || b.colour === null || a.colour === b.colour) &&
  (a.count === null || b.count === null || a.count >= b.count);

/** All that the draft says is known of the finding. */
export const saysNoMore = (draft: Draft, known: Draft): boolean =>
  (draft.place.anatomy !== null || draft.place.picture !== null) &&
  (draft.place.anatomy === null || draft.place.anatomy === known.place.anatomy) &&
  (draft.place.picture === null || draft.place.picture === known.place.picture) &&
  (draft.mm === null || draft.mm === known.mm) &&
  (draft.size === null || draft.size === known.size) &&
  (draft.colour === null || draft.colour === known.colour) &&
  draft.shapes.every(shape => known.shapes.includes(shape)) &&
  (draft.paris === null || draft.paris === known.paris);

/** Adds a repeat to its finding. */
export function join(known: Draft, draft: Draft, overwrite: boolean): void {
  const before = JSON.stringify([known.size, known.mm, known.colour, known.shapes, known.paris, known.place]);
  if (overwrite && draft.mm !== null) known.mm = draft.mm;
  known.size ??= draft.size;
  known.mm ??= draft.mm;
  known.colour ??= draft.colour;
  known.paris ??= draft.paris;
  if (known.shapes.length === 0) known.shapes = draft.shapes;
  known.count ??= draft.count;
  const finer =
    known.place.anatomy !== null && draft.place.anatomy !== null && holds(known.place.anatomy, draft.place.anatomy);
  const zone = known.place.picture === null || (draft.place.picture?.endsWith(` ${known.place.picture}`) ?? false);
  known.place = {
    picture:
      zone && draft.place.picture !== 'both lungs' ? (draft.place.picture ?? known.place.picture) : known.place.picture,
    anatomy: finer ? draft.place.anatomy : (known.place.anatomy ?? draft.place.anatomy),
  };
  const after = JSON.stringify([known.size, known.mm, known.colour, known.shapes, known.paris, known.place]);
  if (before !== after) known.evidence.push(...draft.evidence);
}

export function inheritLooks(draft: Draft, group: Draft): void {
  draft.size ??= group.size;
  draft.colour ??= group.colour;
  if (draft.shapes.length === 0 && draft.paris === null) {
    draft.shapes = group.shapes;
    draft.paris = group.paris;
  }
}
