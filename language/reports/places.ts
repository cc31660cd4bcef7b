// Which places a mention names, and whether two places may be the same.

import { HOLDS } from './lexicon/anatomy.js';
import type { Attribute } from './mentions.js';
import type { Region } from './regions.js';
import type { FindingKind } from './types.js';

/** Where one finding is. A chest finding may have a zone in one sentence and a lobe in another. */
export interface Place {
  readonly picture: string | null;
  readonly anatomy: string | null;
}

export const NOWHERE: Place = { picture: null, anatomy: null };

interface Spot extends Place {
  /** The attributes that say it. */
  readonly said: readonly Attribute[];
}

/** The separate places of a mention: one entry for each, and none where it has none. */
export function placesOf(kind: FindingKind, attributes: readonly Attribute[], text: string): Spot[] {
  return kind === 'polyp' ? spotsOfPolyps(attributes) : spotsOfLungs(attributes, text);
}

function spotsOfPolyps(attributes: readonly Attribute[]): Spot[] {
  const pictures = attributes.filter(({ type }) => type === 'place');
  const bodies = attributes.filter(({ type }) => type === 'anatomy');
  const names = bodies.map(textOf);
  // "in the colon, at the hepatic flexure": the finer one
  const fine = bodies.filter((one, i) => {
    const coarse = names.some(other => HOLDS[textOf(one)]?.includes(other));
    return !coarse && names.indexOf(textOf(one)) === i;
  });
  const picture = pictures.length > 0 ? textOf(pictures[0]!) : null;
  if (fine.length === 0) return picture ? [{ picture, anatomy: null, said: pictures }] : [];
  if (pictures.length > 1 && fine.length <= 1)
    return pictures.map(one => ({ picture: textOf(one), anatomy: names[0] ?? null, said: [one, ...fine] }));
  return fine.map(one => ({ picture, anatomy: textOf(one), said: [one, ...pictures] }));
}

const textOf = (attribute: Attribute): string => ('value' in attribute ? String(attribute.value) : '');

type OneSided = Omit<Region, 'side'> & { readonly side: 'left' | 'right' | 'both' };

function spotsOfLungs(attributes: readonly Attribute[], text: string): Spot[] {
  const regions = attributes.flatMap(one => (one.type === 'region' ? [{ ...one.value, said: one }] : []));
  const wide =
    /\b(?:diffuse(?:ly)?|widespread|bilateral(?:ly)?|throughout (?:both|the) lungs|generalised|all (?:lobes|zones|five lobes))\b/.exec(
      text,
    );
  const named = regions.filter(({ level, lingula }) => level === null && !lingula);
  const both = named.filter(region => region.side === 'both');
  const sides = both.length > 0 ? both : named;
  const fine = regions.filter(region => !named.includes(region));
  const side =
    sides.length === 1
      ? sides[0]!.side
      : sides.length > 1
        ? 'both'
        : wide && /bilateral|both/.test(wide[0])
          ? 'both'
          : null;
  const placed = fine.flatMap(region => oneSided(region, region.side ?? side));
  const spots = new Map<string, Spot>();
  const add = (picture: string | null, anatomy: string | null, said: Attribute) => {
    const key = `${picture}/${anatomy}`;
    const same = spots.get(key);
    spots.set(key, { picture, anatomy, said: [...(same?.said ?? []), said] });
  };
  for (const { side: of, level, lobe, lingula, said } of placed) {
    if (lingula) add(null, 'lingula', said);
    else if (lobe) add(null, `${of} ${level} lobe`, said);
    else add(`${level} ${of} lung`, null, said);
  }
  if (spots.size > 0) return paired([...spots.values()]);
  if (sides.length === 2 && sides.every(one => one.side !== 'both') && sides[0]!.side !== sides[1]!.side)
    return [{ picture: 'both lungs', anatomy: null, said: sides.map(({ said }) => said) }];
  for (const one of sides) {
    if (one.side === 'both') add('both lungs', null, one.said);
    else if (one.side) add(`${one.side} lung`, null, one.said);
  }
  if (spots.size === 0 && wide && fine.length === 0) return [{ picture: 'both lungs', anatomy: null, said: [] }];
  return [...spots.values()];
}

/** One region for each side that is meant. */
function oneSided<R extends Region>(region: R, side: Region['side']): (R & OneSided)[] {
  if (region.lingula) return [{ ...region, side: 'left' }];
  const meant = side ?? (region.plural ? 'both' : region.lobe && region.level === 'middle' ? 'right' : null);
  if (meant === null) return [];
  if (meant !== 'both') return [{ ...region, side: meant }];
  return [
    { ...region, side: 'left' },
    { ...region, side: 'right' },
  ];
}

/** "In the right lower zone, in the lower lobe" is one place with two names. */
function paired(spots: readonly Spot[]): Spot[] {
  const lobes = spots.filter(({ anatomy }) => anatomy !== null);
  const zones = spots.filter(({ anatomy }) => anatomy === null);
  const rest = [...zones];
  const joined = lobes.map(lobe => {
    const [, side, level] = /^(left|right) (\w+) lobe$/.exec(lobe.anatomy!) ?? [];
    const at = rest.findIndex(({ picture }) => picture === `${level} ${side} lung`);
    if (at < 0) return lobe;
    const [zone] = rest.splice(at, 1);
    return { picture: zone!.picture, anatomy: lobe.anatomy, said: [...lobe.said, ...zone!.said] };
  });
  return [...joined, ...rest];
}

/** Whether two mentions may be of one place: one says less than the other, or the same in other words. */
export function mayBeSame(kind: FindingKind, a: Place, b: Place): boolean {
  if (kind === 'polyp') return sameOrNull(a.picture, b.picture) && samePart(a.anatomy, b.anatomy);
  if (a.anatomy && b.anatomy) return samePart(a.anatomy, b.anatomy) && sameZone(a.picture, b.picture);
  if (!sameZone(a.picture, b.picture)) return false;
  return lobeInZone(a.anatomy, b.picture) && lobeInZone(b.anatomy, a.picture);
}

const sameOrNull = (a: string | null, b: string | null): boolean => a === null || b === null || a === b;

export const holds = (a: string, b: string): boolean => HOLDS[a]?.includes(b) ?? false;

const samePart = (a: string | null, b: string | null): boolean => sameOrNull(a, b) || holds(a!, b!) || holds(b!, a!);

function sameZone(a: string | null, b: string | null): boolean {
  if (a === null || b === null || a === b || a === 'both lungs' || b === 'both lungs') return true;
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  return long.endsWith(` ${short}`);
}

const ZONES: Readonly<Record<string, readonly string[]>> = {
  upper: ['upper', 'middle'],
  middle: ['middle', 'lower'],
  lower: ['lower', 'middle'],
};

function lobeInZone(lobe: string | null, zone: string | null): boolean {
  if (lobe === null || zone === null || zone === 'both lungs') return true;
  const [, side, level] = lobe === 'lingula' ? ['', 'left', 'middle'] : (/^(left|right) (\w+) lobe$/.exec(lobe) ?? []);
  const [, zoneLevel, zoneSide] = /^(?:(upper|middle|lower) )?(left|right) lung$/.exec(zone) ?? [];
  return side === zoneSide && (zoneLevel === undefined || (ZONES[level!] ?? []).includes(zoneLevel));
}

/** What two mentions of one lesion say of its place: where the second names a part of the first, the part. */
export function finer(known: Place, said: Place): Place {
  const part = known.anatomy !== null && said.anatomy !== null && holds(known.anatomy, said.anatomy);
  return { picture: known.picture ?? said.picture, anatomy: part ? said.anatomy : (known.anatomy ?? said.anatomy) };
}

/** The one place that attributes name, if they name one. */
export function placeOf(kind: FindingKind, attributes: readonly Attribute[]): Place | null {
  const picture = attributes.find(({ type }) => type === 'place');
  const anatomy = attributes.find(({ type }) => type === 'anatomy');
  if (kind === 'polyp') {
    if (!picture && !anatomy) return null;
    return {
      picture: picture?.type === 'place' ? picture.value : null,
      anatomy: anatomy?.type === 'anatomy' ? anatomy.value : null,
    };
  }
  const region = attributes.find(({ type }) => type === 'region');
  if (region?.type !== 'region' || region.value.side === null) return null;
  const { side, level, lobe } = region.value;
  if (side === 'both') return { picture: 'both lungs', anatomy: null };
  return lobe
    ? { picture: null, anatomy: `${side} ${level} lobe` }
    : { picture: [level, side, 'lung'].filter(Boolean).join(' '), anatomy: null };
}
