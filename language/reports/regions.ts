// Places in the lungs: "right upper and left lower lobes", "both lower zones", "bibasal", "lower zone of the left lung".

export interface Region {
  readonly side: 'left' | 'right' | 'both' | null;
  readonly level: 'upper' | 'middle' | 'lower' | null;
  /** A lobe is anatomy; a zone, a base or a side is a place in the picture. */
  readonly lobe: boolean;
  readonly lingula: boolean;
  /** Named in the plural, so that it means both sides if no side is said: "the lower lobes". */
  readonly plural: boolean;
  /** In the words that were searched. */
  readonly from: number;
  readonly to: number;
}

type Side = 'left' | 'right' | 'both';
type Level = 'upper' | 'middle' | 'lower';

const SIDE: Readonly<Record<string, Side>> = {
  ...{ left: 'left', right: 'right', both: 'both', bilateral: 'both', bilaterally: 'both' },
};
const LEVEL: Readonly<Record<string, Level>> = {
  ...{ upper: 'upper', apical: 'upper', apex: 'upper', apices: 'upper', biapical: 'upper' },
  ...{ middle: 'middle', lower: 'lower', basal: 'lower', base: 'lower', bases: 'lower', basilar: 'lower' },
  ...{ bibasal: 'lower', bibasilar: 'lower', basally: 'lower' },
};
const BOTH = /^(?:bi(?:basal|basilar|apical))$/;
/** Levels that are places by themselves. */
const PLACE = /^(?:apex|apices|base|bases|bibasal|bibasilar|biapical|basally|basal|basilar|apical)$/;
const NOUN =
  /^(?:lobes?|zones?|lungs?|fields?|hemithorax|hemithoraces|lingula|lingular|side|sides|sided|perihilar|parahilar|paracardiac|retrocardiac|lung)$/;
const GLUE =
  /^(?:and|or|,|\/|the|of|on|in|at|to|as|well|side|lung|also|within|region|regions|area|areas|aspect|aspects|part|parts)$/;
/** After a bare side or level, these make it a side of something else. */
const ELSEWHERE =
  /^ ?(?:quadrant|ribs?|clavicle|atrium|atrial|ventric\w+|heart|hil(?:um|a|ar)|kidney|renal|internal|external|jugular|subclavian|breast|costophrenic|pleur\w+|effusions?|hemidiaphragm\w*|diaphragm|shoulder|humer\w+|main|pulmonary|paratracheal|axill\w+|chest pain|pleuritic|pneumothorax|mastectomy|abdom\w+|neck|arm|leg|scapula|central|picc|seventh|fifth|sixth|third|fourth|eighth|ninth|tenth|border|limit|respiratory|gi|mediastin\w+|thoracic|lobectomy|pneumonectomy|internal|brachiocephalic)/;

const SEGMENT =
  /(?:(?:posterior|anterior|lateral|medial|superior|inferior|apical|basal|apicoposterior|posterobasal|anterobasal|laterobasal)(?: |,|and )*)+segments?/g;

/** All regions that are named in the words, with what a later word adds to an earlier one put together. */
export function findRegions(line: string): Region[] {
  // a segment is finer than any place that is told, and "basal" in it is no base
  const words = line.replace(SEGMENT, found => '_'.repeat(found.length));
  const regions: Region[] = [];
  let run: { word: string; at: number }[] = [];
  const end = () => {
    regions.push(...parse(run, words));
    run = [];
  };
  for (const match of words.matchAll(/\S+/g)) {
    const [word] = match;
    const known = word in SIDE || word in LEVEL || NOUN.test(word);
    if (known || (run.length > 0 && GLUE.test(word))) run.push({ word, at: match.index });
    else end();
  }
  end();
  return regions;
}

export const isRegionOnly = (words: string): boolean => {
  if (/\b(?:pleura|heart|ribs?)\b/.test(words)) return false;
  const rest = words
    .replace(SEGMENT, '')
    .split(' ')
    .filter(word => !(word in SIDE || word in LEVEL || NOUN.test(word) || GLUE.test(word)));
  return rest.length === 0 && findRegions(words).length > 0;
};

function parse(run: readonly { word: string; at: number }[], words: string): Region[] {
  const out: {
    side: Side | null;
    level: Level | null;
    lobe: boolean;
    lingula: boolean;
    plural: boolean;
    from: number;
    to: number;
    noun: boolean;
  }[] = [];
  let side: Side | null = null;
  let levels: { side: Side | null; level: Level; from: number; to: number; place: boolean }[] = [];
  let sideAt = 0;
  let sideEnd = 0;
  const emit = (noun: string | null, to: number) => {
    const lobe = noun !== null && /^lobe/.test(noun);
    const plural = noun !== null && /s$/.test(noun);
    for (const one of levels)
      out.push({
        side: one.side,
        level: one.level,
        lobe,
        lingula: false,
        plural,
        from: one.from,
        to: Math.max(one.to, to),
        noun: noun !== null || one.place,
      });
    if (levels.length === 0 && side && noun !== 'lobe')
      out.push({
        side,
        level: null,
        lobe: false,
        lingula: false,
        plural,
        from: sideAt,
        to: Math.max(to, sideEnd),
        noun: noun !== null,
      });
    levels = [];
  };
  let pendingSide = false;
  for (const { word, at } of run) {
    const to = at + word.length;
    if (word in SIDE) {
      if (levels.length > 0 && levels.every(level => level.side === null)) {
        levels = levels.map(level => ({ ...level, side: SIDE[word]! }));
      } else if (pendingSide && side && levels.length === 0 && side !== SIDE[word]) {
        // "right and left lower lobes"
        side = 'both';
        sideEnd = to;
        continue;
      } else if (out.length > 0 && levels.length === 0 && out.at(-1)!.side === null) {
        for (const one of out) if (one.side === null) Object.assign(one, { side: SIDE[word]!, to });
        side = null;
        pendingSide = false;
        continue;
      }
      side = SIDE[word]!;
      sideAt = at;
      sideEnd = to;
      pendingSide = true;
    } else if (word in LEVEL) {
      const own = BOTH.test(word) ? 'both' : side;
      levels.push({
        side: own,
        level: LEVEL[word]!,
        from: pendingSide && side ? sideAt : at,
        to,
        place: PLACE.test(word),
      });
      if (/^(?:apices|bases)$/.test(word) && own === null) levels.at(-1)!.side = 'both';
      pendingSide = false;
    } else if (/^lingula/.test(word)) {
      emit(null, at);
      out.push({ side: 'left', level: 'upper', lobe: true, lingula: true, plural: false, from: at, to, noun: true });
      side = null;
      pendingSide = false;
    } else if (NOUN.test(word)) {
      emit(word, to);
      pendingSide = false;
      // "left lung base": the side holds on
      if (!/^(?:lung|side|sided)$/.test(word)) side = null;
      else if (levels.length === 0 && side) sideAt = out.at(-1)?.from ?? sideAt;
    }
  }
  if (levels.length > 0 || pendingSide) emit(null, 0);
  return merge(out).filter(region => region.noun || !ELSEWHERE.test(words.slice(region.to)));
}

/** "Left lung base" and "lower zone of the left lung" are one region, named in two steps. */
function merge<R extends { side: Side | null; level: Level | null; lobe: boolean; from: number; to: number }>(
  regions: R[],
): R[] {
  const kept: R[] = [];
  for (const region of regions) {
    const last = kept.at(-1);
    const coarse = last && last.level === null && !last.lobe && region.level !== null && region.from <= last.to + 12;
    if (coarse && (region.side === null || region.side === last.side)) {
      kept[kept.length - 1] = { ...region, side: last.side, from: last.from };
    } else if (
      last &&
      region.level === null &&
      last.level !== null &&
      (last.side === null || last.side === region.side)
    ) {
      kept[kept.length - 1] = { ...last, side: region.side, to: region.to };
    } else kept.push(region);
  }
  return kept;
}
