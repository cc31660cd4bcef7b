// A sentence to mentions of lesions: noun phrases with the words that are said of them.

import { type Line, lineOf, type Sentence } from './document.js';
import { ANATOMY, BESIDE } from './lexicon/anatomy.js';
import * as words from './lexicon/attributes.js';
import { HEADS, type HeadRole, INSTRUMENTS, NOT_INFECTION, OTHER_LESIONS } from './lexicon/lesions.js';
import { findMeasures } from './measures.js';
import { findRegions, type Region } from './regions.js';
import type { FindingKind, SizeWord } from './types.js';

interface At {
  /** In the words of the sentence. */
  readonly from: number;
  readonly to: number;
}

export type Attribute = At &
  (
    | { readonly type: 'count'; readonly value: number }
    | { readonly type: 'many' }
    | { readonly type: 'size'; readonly value: SizeWord }
    | { readonly type: 'measure'; readonly value: number }
    | { readonly type: 'colour' | 'shape' | 'paris' | 'place' | 'anatomy'; readonly value: string }
    | { readonly type: 'region'; readonly value: Region }
  );

export type AttributeType = Attribute['type'];

export interface Mention extends At {
  readonly kind: FindingKind;
  readonly role: HeadRole | 'pronoun';
  readonly plural: boolean;
  /** Where the noun phrase starts. */
  readonly start: number;
  readonly attributes: Attribute[];
  readonly sentence: Sentence;
}

interface Node extends At {
  readonly type: 'lesion' | 'other' | 'instrument';
  readonly kind: FindingKind;
  readonly role: HeadRole | 'pronoun';
  start: number;
  readonly attributes: Attribute[];
}

const all = (pattern: string) => new RegExp(`(?<![\\w.])(?:${pattern})(?![\\w])`, 'g');
const matches = (pattern: RegExp, line: string): At[] =>
  [...line.matchAll(pattern)].map(({ index, 0: found }) => ({ from: index, to: index + found.length }));

const anatomyPatterns = ANATOMY.map(([pattern, name]) => ({ pattern: all(pattern), name }));
const sizePatterns = words.SIZES.map(([pattern, size]) => ({ pattern: all(pattern), size }));
const headPatterns = HEADS.map(rule => ({ ...rule, pattern: all(rule.pattern) }));
const others = all(OTHER_LESIONS);
const instruments = all(INSTRUMENTS);
const colours = all(words.COLOUR);
const shapes = { polyp: all(words.SHAPES.polyp), infection: all(words.SHAPES.infection) };
const stalked = all(words.STALKED);
const paris =
  /(?<![\w])(?:paris_(is|isp|ip|ii[abc])|paris(?: type| class| classification|:)*(?: 0)? (isp|is|ip|ii[abc])|0 ?(isp|is|ip|ii[abc]))(?![\w])/g;
const picturePlaces = words.PICTURE_PLACES.map(all);
const barePlace = all(words.BARE_PLACE);
const NUMBER = `(?:\\d{1,2}|${Object.keys(words.NUMBERS).join('|')})`;
const numbers = all(`${NUMBER}(?! ?(?:mm|cm|%|o'clock|to|days?|weeks?|months?|years?|hours?|minutes?|th|/)\\b)`);
const many = all(words.MANY);

/** Words that no noun phrase goes over: verbs, prepositions, conjunctions. */
const STOP =
  /^(?:is|are|was|were|be|been|being|has|have|had|having|do|does|did|seen|found|shows?|showed|shown|showing|noted|lies|lay|lie|there|here|which|that|who|it|they|i|we|in|at|on|of|with|within|from|to|by|near|for|into|over|under|and|or|but|as|also|then|than|through|between|without|no|not|nor|removed|resected|taken|contains?|containing|measures?|measured|measuring|revealed|reveals|visible|identified|detected|located|present|because|so|if|due|after|before|during|via|:|;|,|\.|\(|\)|\?|\/|--|\||while|versus|looks?|looked|came|upon|plus|may|might|could|can|cannot|includes?|including|like|approximately)$/;
const DETERMINER = /^(?:an?|the|this|these|those|its|his|her|their|another|both|each|any|such)$/;
const GROUP =
  /(?:^| )((?:areas?|patch(?:es)?|foc(?:us|i)|regions?|clusters?|groups?|pairs?|couple|number|series|zones?|collection|handful|dozen|crop|bits?|spots?|islands?|remnants?|rests?) of )$/;

/** Reached, passed or healthy: no place of a lesion. */
const ROUTE =
  /(?:\bto|reached|reaching|intubat\w+|as far as|through|past|via|up to|examined|until|examination of|sparing|towards)(?: the)? $/;
const HEALTHY =
  /^,?(?: (?:is|are|was|were|remains?|looks?|looked|appears?|and|views?))?(?: (?:also|otherwise|entirely|all|both|again|well))*,? (?:clear|normal|spared|unremarkable|free|reached|intubated|photographed|not involved|not examined|identified|healthy|clean|intact|unaffected|uninvolved|not affected|preserved|visuali[sz]ed)\b/;

export interface MentionContext {
  /** What the report is about; the heads of other kinds are no findings in it. */
  readonly kind: FindingKind;
  /** Whether the text describes a picture, so that "on the left" is a place in it. */
  readonly picture: boolean;
  /** Whether a lesion was named before, so that "another" has a meaning. */
  readonly continued: boolean;
}

/** Everything that a line says of lesions, wherever it belongs. */
export function findAttributes(line: Line, { kind, picture }: MentionContext): Attribute[] {
  const text = line.words;
  const found: Attribute[] = [];
  const taken: At[] = [];
  const free = ({ from, to }: At) => taken.every(other => to <= other.from || from >= other.to);
  const add = (attribute: Attribute) => {
    if (!free(attribute)) return;
    taken.push(attribute);
    found.push(attribute);
  };
  for (const { mm, diameter, from, to } of findMeasures(line)) {
    if (diameter) add({ type: 'measure', value: mm, from, to });
    else taken.push({ from, to });
  }
  for (const match of text.matchAll(paris)) {
    const value = match[1] ?? match[2] ?? match[3]!;
    add({ type: 'paris', value, from: match.index, to: match.index + match[0].length });
  }
  if (kind === 'polyp') {
    for (const pattern of [...picturePlaces, ...(picture ? [barePlace] : [])]) {
      for (const match of text.matchAll(pattern)) {
        const { words: said, side, hour } = match.groups ?? {};
        const clock = hour === undefined ? null : words.directionOfHour(words.NUMBERS[hour] ?? Number(hour));
        const value = side ?? (said === undefined ? clock : words.directionOf(said));
        if (value) add({ type: 'place', value, from: match.index, to: match.index + match[0].length });
      }
    }
    for (const { pattern, name } of anatomyPatterns)
      for (const at of matches(pattern, text)) add({ type: 'anatomy', value: name, ...at });
    for (const at of matches(colours, text)) add({ type: 'colour', value: text.slice(at.from, at.to), ...at });
    for (const at of matches(stalked, text)) add({ type: 'shape', value: 'pedunculated', ...at });
  } else {
    for (const region of findRegions(text)) {
      // several share a noun: "upper and lower lobe"
      const attribute = { type: 'region', value: region, from: region.from, to: region.to } as const;
      taken.push(attribute);
      found.push(attribute);
    }
  }
  for (const at of matches(shapes[kind], text))
    add({ type: 'shape', value: shapeOf(text.slice(at.from, at.to)), ...at });
  for (const { pattern, size } of sizePatterns)
    for (const at of matches(pattern, text)) add({ type: 'size', value: size, ...at });
  for (const at of matches(numbers, text)) {
    const word = text.slice(at.from, at.to);
    const value = words.NUMBERS[word] ?? Number(word);
    if (value > 0 && value <= 100) add({ type: 'count', value: half(text, at.from) ? 6 : value, ...at });
  }
  for (const at of matches(many, text)) add({ type: 'many', ...at });
  return found.sort((a, b) => a.from - b.from);
}

const half = (text: string, from: number): boolean =>
  /\bhalf an? $/.test(text.slice(0, from)) && text.startsWith('dozen', from);

function shapeOf(said: string): string {
  const word = words.SPELT_SHAPES[said] ?? said;
  return word
    .replace(/^semi /, 'semi-')
    .replace(/^lateral spreading/, 'laterally spreading')
    .replace(/ (shaped|based|like)$/, '-$1');
}

const PRONOUNS: readonly RegExp[] = [
  /(?<!\w)(?:another(?: one)?|(?:the )?others?|a further(?: one)?|(?:the|an?) (?:first|second|third|fourth|fifth|last|smaller|larger|bigger|largest|smallest|biggest|other|next)(?: one)?|the remaining (?:one|two|three))(?= ?[,(:]| (?:\d|(?:in|at|of|is|was|lies|lay|measur\w+|about|from|on|with|also|near|sessile|flat|pedunculated|semi|small|tiny|large|approximately|located|situated|being|up to|half|only|just|beside|next|close)\b))(?! (?:of|in) (?:the )?(?:image|picture|frame|view|part|portion|half|third|case))/g,
  /(?<=\b(?:mm|cm|small|tiny|large|larger|smaller|sessile|flat|pedunculated|pale|red|similar|second|third|diminutive|round|single|isolated|oval|solitary|possible|a) )ones?(?! (?:was the))\b/g,
];

/** The lesions that a sentence names, with what it says of each. */
export function findMentions(sentence: Sentence, context: MentionContext): Mention[] {
  const { words: text } = sentence;
  const attributes = findAttributes(sentence, context);
  const nodes = findNodes(text, attributes, context);
  for (const node of nodes) node.start = phraseStart(sentence, node, attributes);
  const kept = nodes.filter(
    node =>
      node.role !== 'pronoun' ||
      !nodes.some(
        other => other !== node && other.role !== 'pronoun' && other.start <= node.from && node.to <= other.from,
      ),
  );
  attach(text, kept, attributes);
  return kept
    .filter(({ type }) => type === 'lesion')
    .map(node => ({ ...node, plural: isPlural(text, node), sentence }));
}

function findNodes(text: string, attributes: readonly Attribute[], { kind, continued }: MentionContext): Node[] {
  const nodes: Node[] = [];
  const add = (node: Omit<Node, 'start' | 'attributes'>) => {
    if (nodes.some(other => node.from < other.to && other.from < node.to)) return;
    nodes.push({ ...node, start: node.from, attributes: [] });
  };
  for (const rule of headPatterns) {
    if (rule.kind !== kind) continue;
    for (const at of matches(rule.pattern, text)) {
      const other = kind === 'infection' && isOther(text, at);
      add({ ...at, type: other ? 'other' : 'lesion', kind, role: rule.role });
    }
  }
  for (const at of matches(instruments, text)) add({ ...at, type: 'instrument', kind, role: 'generic' });
  for (const at of matches(others, text)) add({ ...at, type: 'other', kind, role: 'generic' });
  if (continued || nodes.some(({ type }) => type === 'lesion')) {
    const groups = new RegExp(
      `(?<![\\w.])${NUMBER}(?: more| others?| of them| of these)?(?= (?:(?:small|tiny|large|flat|sessile|pedunculated|of|measuring|about|was|were|is|are|lay|lies|each|,) )*(?:in|at|on|from|\\d[\\d.]* (?:mm|cm)|sessile|flat|pedunculated)\\b)(?! (?:(?:at|on|in) (?:an?|one) (?:time|piece)|in (?:number|total|all)))`,
      'g',
    );
    const patterns = kind === 'polyp' ? [...PRONOUNS, groups] : PRONOUNS.slice(0, 1);
    for (const pattern of patterns) {
      for (const at of matches(pattern, text)) {
        const measured = attributes.some(({ type, from, to }) => type === 'measure' && from <= at.from && at.to <= to);
        if (
          !measured &&
          !(
            pattern === groups &&
            /(?:score|no|number|part|grade|type|pot|piece|pieces|paris|figure|boston|bbps|nice|kudo|x) $/.test(
              text.slice(0, at.from),
            )
          )
        )
          add({ ...at, type: 'lesion', kind, role: 'pronoun' });
      }
    }
  }
  return nodes.sort((a, b) => a.from - b.from);
}

/** A shadow that is none of the lungs, or a band, or a nodule. */
function isOther(text: string, { from, to }: At): boolean {
  if (NOT_INFECTION.test(text.slice(0, from).trimEnd())) return true;
  return (
    /^ (?:of|in) (?:the )?(?:\w+ )?(?:arter\w+|vessels?|vein\w*|sinus\w*|bladder|bowel|gallbladder|kidneys?|urinary)/.test(
      text.slice(to),
    ) || /^ nodules?\b/.test(text.slice(to))
  );
}

/** The first letter of the noun phrase that ends with the node. */
function phraseStart(line: Line, node: Node, attributes: readonly Attribute[]): number {
  const { tokens, starts, words: text } = line;
  let index = starts.findLastIndex(start => start <= node.from);
  let start = node.from;
  const covering = (from: number, to: number) => attributes.find(one => one.from <= from && to <= one.to);
  for (let steps = 0; index > 0 && steps < 14; steps++) {
    const from = starts[index - 1]!;
    const { norm } = tokens[index - 1]!;
    const attribute = covering(from, from + norm.length);
    if (attribute) {
      if (
        attribute.type === 'place' &&
        /^\D*(?:corner|image|picture|frame|view)/.test(text.slice(attribute.from, attribute.to))
      )
        break;
      start = attribute.from;
      index = starts.findLastIndex(at => at <= attribute.from);
    } else if (DETERMINER.test(norm)) {
      start = from;
      break;
    } else if (norm === ',' || norm === 'and' || norm === '/' || norm === 'or') {
      const left =
        index > 1 ? covering(starts[index - 2]!, starts[index - 2]! + tokens[index - 2]!.norm.length) : undefined;
      const right = covering(starts[index]!, starts[index]! + tokens[index]!.norm.length);
      const listed = /^(?:size|colour|shape|measure)$/;
      const joined =
        norm === ','
          ? listed.test(left?.type ?? '') && /^(?:size|colour|shape)$/.test(right?.type ?? '')
          : left !== undefined && left.type === right?.type;
      if (!joined) break;
      index--;
    } else if (STOP.test(norm) || /^\W/.test(norm)) {
      const before = GROUP.exec(text.slice(0, start));
      if (norm !== 'of' || !before) break;
      start -= before[1]!.length;
      index = starts.findLastIndex(at => at <= start);
    } else {
      start = from;
      index--;
    }
  }
  return start;
}

const PLACES: readonly AttributeType[] = ['place', 'anatomy', 'region'];
const isPlace = ({ type }: Attribute): boolean => PLACES.includes(type);

/** Gives each attribute to the lesion, or to the other thing, that it is said of. */
function attach(text: string, nodes: readonly Node[], attributes: readonly Attribute[]): void {
  const targets = nodes.filter(({ type }) => type !== 'instrument');
  const fronted = new Map<Node, Attribute[]>();
  for (const attribute of attributes) {
    const own = nodes.find(({ start, to }) => start <= attribute.from && attribute.to <= to);
    if (own) {
      own.attributes.push(attribute);
      continue;
    }
    if (isPlace(attribute) && isPassed(text, attribute, attributes)) continue;
    // "snare 15 mm"
    if (
      attribute.type === 'measure' &&
      nodes.some(({ type, to }) => type === 'instrument' && /^ (?:of )?$/.test(text.slice(to, attribute.from)))
    )
      continue;
    const before = targets.findLast(({ to }) => to <= attribute.from);
    const next = targets.find(({ start }) => start >= attribute.to);
    const leads = next && (!before || isFronted(text, before, attribute, next));
    if (leads && (isPlace(attribute) || !before)) {
      if (isPlace(attribute)) fronted.set(next, [...(fronted.get(next) ?? []), attribute]);
      else if (!/[;:.]/.test(text.slice(attribute.to, next.start)) && attribute.type !== 'count')
        next.attributes.push(attribute);
    } else if (before && belongs(text, before, attribute))
      holderOf(text, targets, before, attribute).attributes.push(attribute);
  }
  inherit(text, targets, fronted);
}

/** "A polyp at the edge of the scar in the rectum": the place of the scar is that of the polyp. */
function holderOf(text: string, targets: readonly Node[], before: Node, attribute: Attribute): Node {
  const at = targets.indexOf(before);
  const host = targets[at - 1];
  if (before.type !== 'other' || host?.type !== 'lesion' || !isPlace(attribute)) return before;
  const beside =
    /\b(?:behind|on|at|of|over|beside|near|in|within|along|between|opposite|to|under)(?: the| an?)? $/.test(
      text.slice(host.to, before.start),
    );
  return beside && !/[;:]/.test(text.slice(host.to, before.start)) ? host : before;
}

/** A count follows its lesions only as "x 3", "(3)" or ": 3". */
function belongs(text: string, before: Node, attribute: Attribute): boolean {
  const between = text.slice(before.to, attribute.from);
  if (attribute.type === 'many') return false;
  if (attribute.type !== 'count') return true;
  if (/ x $/.test(between)) return true;
  if (/\( (?:n = |x )?$/.test(between) && /^ ?\)/.test(text.slice(attribute.to))) return true;
  return (
    /^(?: \w+){0,2}? (?:x|\(|:|\( n =|\( x|numbering|-- )+ $/.test(`${between}`) ||
    /^ (?:x|\() ?$/.test(between) ||
    (/^ x/.test(text.slice(attribute.to)) === true && between === ' ') ||
    /^ in (?:number|total)/.test(text.slice(attribute.to))
  );
}

function isFronted(text: string, before: Node, attribute: Attribute, next: Node): boolean {
  const open = /[,;:()]| and |--|\.|\|/;
  // a clause with a lesion of its own keeps its places
  if (/;/.test(text.slice(before.to, attribute.from)) && !/;/.test(text.slice(attribute.to, next.start))) return true;
  const apart = open.test(text.slice(before.to, attribute.from));
  return apart && !open.test(text.slice(attribute.to, next.start));
}

/** A place that was passed, or that is healthy, or only the neighbour of the one that is meant. */
function isPassed(text: string, attribute: Attribute, attributes: readonly Attribute[]): boolean {
  const before = text.slice(0, attribute.from);
  if (/\bnot (?:in|at|from|on)(?: the)? $/.test(before)) return true;
  if (attribute.type === 'place') return false;
  if (HEALTHY.test(text.slice(attribute.to))) return true;
  if (ROUTE.test(before) && !/\b(?:spread|extend)\w* (?:in)?to(?: the)? $/.test(before)) return true;
  const beside = BESIDE.test(before.trimEnd().replace(/ the$/, '')) && attribute.type !== 'region';
  return beside && attributes.some(other => other.type === attribute.type && other !== attribute);
}

/** "In the sigmoid colon, a small polyp and a large one": a place at the front holds until another is named. */
function inherit(text: string, targets: readonly Node[], fronted: ReadonlyMap<Node, Attribute[]>): void {
  let held: Attribute[] = [];
  for (const node of targets) {
    const leading = fronted.get(node);
    if (leading) held = [...held.filter(one => leading.every(other => other.type !== one.type)), ...leading];
    const own = node.attributes.filter(isPlace).map(({ type }) => type);
    node.attributes.unshift(...held.filter(({ type }) => !own.includes(type)));
  }
  for (const [i, node] of targets.entries()) {
    const next = targets[i + 1];
    if (
      !next ||
      node.type !== 'lesion' ||
      next.type !== 'lesion' ||
      next.role === 'pronoun' ||
      node.attributes.some(isPlace)
    )
      continue;
    const between = text.slice(node.to, next.start);
    if (/^(?: \( [^)]* \))?(?: ,)? and $/.test(between) || /^ (?:,|\/|with|plus) $/.test(between))
      node.attributes.push(...next.attributes.filter(one => isPlace(one) && one.from >= next.to));
  }
}

function isPlural(text: string, node: Node): boolean {
  const head = text.slice(node.from, node.to);
  if (node.role === 'pronoun') return /others|ones|remaining (?:two|three)/.test(head);
  return /(?:s|ies)$/.test(head) && !/(?:pneumonitis|glass|mass|changes)$/.test(head);
}

/** The attributes of a heading. */
export function headingAttributes(label: Line, context: MentionContext): Attribute[] {
  const found = findAttributes(lineOf(label.tokens), context).filter(isPlace);
  const direction =
    context.kind === 'polyp' && DIRECTION_ONLY.test(label.words) ? words.directionOf(label.words) : null;
  if (!direction || found.some(({ type }) => type === 'place')) return found;
  return [...found, { type: 'place', value: direction, from: 0, to: label.words.length }];
}

/** What a sentence without a lesion says of one: nothing, where it speaks of something else. */
export function looseAttributes(sentence: Sentence, context: MentionContext): Attribute[] {
  const attributes = findAttributes(sentence, context);
  if (findNodes(sentence.words, attributes, { ...context, continued: false }).some(({ type }) => type === 'other'))
    return [];
  return attributes.filter(one => !isPassed(sentence.words, one, attributes));
}

const DIRECTION_ONLY = new RegExp(`^(?:${words.PICTURE_HEADING})$`);
