// Captions of chest images as LViT writes them for QaTa-COV19 and MosMedData+: "bilateral pulmonary infection, two infected
// areas, all left lung and upper lower right lung."

import { type Finding, type LungPlace, NUMBER, numberOf, wordOf, type Zone } from './finding.js';

const NOUN = 'pulmonary infection';
const PLACE = '(?:all|(?:upper |middle |lower )*(?:upper|middle|lower)) (?:left|right) lung';
const GRAMMAR = new RegExp(
  `^(?:(?<extent>unilateral|bilateral) )?${NOUN}(?:, (?<count>${NUMBER}) infected areas?)?(?:, (?<place>${PLACE}(?: and ${PLACE})*))?\\.?$`,
);

/** Null for any other sentence. @param text lower case */
export function readLungs(text: string): Finding | null {
  const said = GRAMMAR.exec(text)?.groups;
  if (!said) return null;
  const { extent, count, place } = said;
  return {
    ...{ subject: 'lung', noun: NOUN, count: count === undefined ? null : numberOf(count) },
    extent: (extent as Finding['extent'] | undefined) ?? null,
    ...{ size: [], colour: null, shape: null },
    place: (place?.split(' and ') ?? []).map(lungPlace),
  };
}

function lungPlace(text: string): LungPlace {
  const words = text.split(' ');
  return { zones: words.slice(0, -2) as Zone[], side: words.at(-2) as LungPlace['side'] };
}

export const lungWords = ({ zones, side }: LungPlace): string => `${zones.join(' ')} ${side} lung`;

export const areas = (count: number): string => `${wordOf(count)} infected area${count === 1 ? '' : 's'}`;

export function writeLungs({ extent, noun, count, place }: Finding): string {
  const where = (place as readonly LungPlace[]).map(lungWords).join(' and ');
  const parts = [extent === null ? noun : `${extent} ${noun}`, count === null ? '' : areas(count), where];
  return `${parts.filter(Boolean).join(', ')}.`;
}
