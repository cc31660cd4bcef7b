// A routine report to findings: sentences, mentions, what the context makes of them, and which mentions mean one lesion.

import { checkArgument } from '../../errors/arguments.js';
import { check } from '../../errors/index.js';
import { readDocument, type Sentence } from './document.js';
import { type Draft, draftsOf, fill, spanOf } from './drafts.js';
import { Filing } from './filing.js';
import { DESCRIBES_PICTURE } from './lexicon/attributes.js';
import { ANAPHOR } from './lexicon/contexts.js';
import {
  type Attribute,
  findAttributes,
  findMentions,
  headingAttributes,
  looseAttributes,
  type MentionContext,
} from './mentions.js';
import { impliedMention, mergeNeighbours } from './neighbours.js';
import { finer, placeOf } from './places.js';
import { promptOf } from './prompts.js';
import { statusOf } from './scopes.js';
import type { Finding, FindingKind, RoutineReport, Span } from './types.js';

/**
 * Reads a routine report in plain English: which polyps (endoscopy) or infections (chest) it says that there are, and one prompt for
 * each. Findings that are denied, of another day or taken back are left out. By rules alone: no model, no network.
 *
 * @example
 * const { findings, prompts } = readReport('Sigmoid colon: an 8 mm sessile polyp, removed.');
 * findings[0].anatomy; // 'sigmoid colon'
 * prompts[0]; // 'one sessile polyp'
 *
 * Errors: BAD_ARGUMENT (no text, or more than 50 000 characters), TEXT_EMPTY.
 */
export function readReport(text: string): RoutineReport {
  checkArgument('readReport', 'text', text, 'string', 'pass the text of one report');
  check(
    text.length <= LONGEST_REPORT,
    'BAD_ARGUMENT',
    () => `readReport: a report may have ${LONGEST_REPORT} characters, got ${text.length}; pass one report at a time`,
  );
  check(/\S/.test(text), 'TEXT_EMPTY', 'readReport: text must have words, got none; pass the text of one report');
  const findings = new Reader(text).read();
  return { findings, prompts: promptsOf({ findings }) };
}

/** Some twenty times a long report. */
export const LONGEST_REPORT = 50_000;

/** The sentences with which the findings are segmented: one each, in their order. */
export const promptsOf = ({ findings }: Pick<RoutineReport, 'findings'>): string[] => findings.map(promptOf);

const ENDOSCOPY =
  /\b(?:\w*colonoscop\w*|\w*gastroscop\w*|\w*endoscop\w*|sigmoidoscop\w*|ogd|egd|scope|polyps?|adenomas?|caecum|sigmoid|rectum|duoden\w+|stomach|mucosa|snare|ileum|antrum|bowel|paris_\w+|transverse|oesophagus)\b/g;
const CHEST =
  /\b(?:chest|lungs?|cxr|radiograph|x ray|consolidation|opacit(?:y|ies)|pneumonia|pleural?|effusions?|lobes?|ground glass|zones?|ct|hrct|infiltrates?|thorax|pneumothorax|mediastin\w+|infection|shadowing)\b/g;

class Reader {
  readonly #sentences: readonly Sentence[];
  readonly #kind: FindingKind;
  readonly #picture: boolean;
  readonly #filing: Filing;
  #lastRow = -1;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
    this.#sentences = readDocument(text);
    const words = this.#sentences.map(sentence => `${sentence.place?.words ?? ''} ${sentence.words}`).join(' ');
    const count = (pattern: RegExp) => [...words.matchAll(pattern)].length;
    this.#kind = count(CHEST) > count(ENDOSCOPY) ? 'infection' : 'polyp';
    this.#filing = new Filing(this.#kind);
    this.#picture = DESCRIBES_PICTURE.test(words);
  }

  read(): Finding[] {
    const now = this.#sentences.filter(({ section }) => section !== 'summary' && section !== 'correction');
    const later = this.#sentences.filter(({ section }) => section === 'summary' || section === 'correction');
    for (const sentence of now) this.#readSentence(sentence);
    this.#filing.dropIntroductions();
    for (const sentence of later) this.#readSentence(sentence);
    this.#filing.dropIntroductions();
    this.#placeByTopic();
    const points = codePointsOf(this.#text);
    return [...this.#filing.drafts]
      .sort((a, b) => (a.evidence[0]?.[0] ?? 0) - (b.evidence[0]?.[0] ?? 0))
      .map(draft => this.#finish(draft, points));
  }

  #context(): MentionContext {
    return { kind: this.#kind, picture: this.#picture, continued: this.#filing.last.length > 0 };
  }

  #readSentence(sentence: Sentence): void {
    if (sentence.section === 'outside') return;
    const context = this.#context();
    const heading = sentence.place ? headingAttributes(sentence.place, context) : [];
    const mentions = mergeNeighbours(findMentions(sentence, context));
    const implied = mentions.length === 0 ? impliedMention(sentence, context) : null;
    if (implied) mentions.push(implied);
    if (mentions.length === 0) {
      this.#readAside(sentence, context);
      return;
    }
    if (sentence.section === 'correction' && this.#filing.correct(sentence, mentions)) return;
    if (ANAPHOR.test(sentence.words)) this.#filing.explain(sentence);
    const inSentence: Draft[] = [];
    for (const mention of mentions) {
      const status = statusOf(mention, mentions);
      if (status.dropped) continue;
      const drafts = draftsOf(mention, heading, status);
      for (const draft of drafts) if (sentence.place && heading.length > 0) addHeadingEvidence(draft, sentence);
      inSentence.push(...this.#filing.take(mention, drafts, inSentence));
    }
    this.#share(sentence, context, inSentence);
    if (inSentence.length > 0) {
      this.#filing.last = inSentence;
      this.#lastRow = sentence.row;
    } else this.#filing.takeBack(sentence, context);
  }

  /** "…, each of them under 5 mm": what is said of all, where several were named. */
  #share(sentence: Sentence, context: MentionContext, drafts: readonly Draft[]): void {
    if (drafts.length < 2) return;
    for (const attribute of findAttributes(sentence, context)) {
      if (!OF_ALL.test(sentence.words.slice(0, attribute.from))) continue;
      for (const draft of drafts) {
        const missing =
          attribute.type === 'measure' ? draft.mm === null : attribute.type === 'shape' && draft.shapes.length === 0;
        if (!missing) continue;
        fill(draft, [attribute]);
        draft.evidence.push(spanOf(sentence, attribute.from, attribute.to));
      }
    }
  }

  /** A sentence without a lesion of its own may speak of the one before, or say that it was none. */
  #readAside(sentence: Sentence, context: MentionContext): void {
    if (this.#filing.last.length === 0) return;
    const near = sentence.row - this.#lastRow <= 1;
    const { words } = sentence;
    const anaphor = ANAPHOR.test(words);
    const correction = sentence.section === 'correction';
    if ((anaphor || correction || near) && this.#filing.takeBack(sentence, context)) return;
    const field = sentence.section === 'attribute';
    const attributes = looseAttributes(sentence, context).filter(
      ({ type }) => type !== 'many' && (type !== 'count' || field),
    );
    const fragment = near && (field || isFragment(sentence, attributes));
    if (!anaphor && !fragment && !correction) return;
    if (attributes.length === 0) {
      if (anaphor && /\b(?:would|could|might|may) (?:look|mimic|be|have|give)\b/.test(words))
        for (const draft of this.#filing.last) draft.certain = false;
      return;
    }
    const several = /\b(?:both|they|all|these|those|each|their)\b/.test(words);
    const targets =
      several && this.#filing.last.length < 2
        ? this.#filing.recent()
        : several
          ? this.#filing.last
          : this.#filing.last.slice(-1);
    const place = sentence.place && fragment ? null : placeOf(this.#kind, attributes);
    for (const draft of targets) {
      fill(
        draft,
        attributes.filter(({ type }) => type !== 'place'),
        correction,
      );
      if (place) draft.place = finer(draft.place, place);
      const number = attributes.find(({ type }) => type === 'count');
      if (number?.type === 'count') draft.count ??= number.value;
      draft.evidence.push(spanOf(sentence, attributes[0]!.from, attributes.at(-1)!.to));
      this.#lastRow = sentence.row;
    }
  }

  /** "Still picture from the transverse colon": where all that it shows lies. */
  #placeByTopic(): void {
    if (this.#kind !== 'polyp' || !this.#picture) return;
    const topic = this.#sentences.find(({ words }) =>
      /\b(?:picture|image|frame|still|photo\w*|snapshot|view|recording|video)\b.{0,40}?(?:\b(?:of|from|in|at|taken|shows|showing|labelled)\b|\()/.test(
        words,
      ),
    );
    if (!topic) return;
    const found = findAttributes(topic, this.#context()).find(({ type }) => type === 'anatomy');
    if (found?.type !== 'anatomy') return;
    for (const draft of this.#filing.drafts) {
      if (draft.place.anatomy !== null) continue;
      draft.place = { ...draft.place, anatomy: found.value };
      draft.evidence.unshift(spanOf(topic, found.from, found.to));
    }
  }

  #finish(draft: Draft, points: Uint32Array): Finding {
    const { kind, size, mm, colour, shapes, paris, place, certain } = draft;
    const both = place.picture === 'both lungs';
    const count = both ? Math.max(2, draft.count ?? 2) : (draft.count ?? (draft.plural ? 2 : 1));
    const shape = shapes.length > 0 ? shapes.join(', ') : paris || null;
    const { picture, anatomy } = place;
    const evidence = mergeSpans(draft.evidence).map(([start, end]): Span => [points[start]!, points[end]!]);
    return { kind, count, size, size_mm: mm, colour, shape, place_in_image: picture, anatomy, certain, evidence };
  }
}

/** Offsets of UTF-16 units in offsets of code points, each in its place. */
function codePointsOf(text: string): Uint32Array {
  const points = new Uint32Array(text.length + 1);
  for (let unit = 0, point = 0; unit < text.length; point++) {
    const width = text.codePointAt(unit)! > 0xffff ? 2 : 1;
    points.fill(point, unit, unit + width);
    unit += width;
    points[unit] = point + 1;
  }
  return points;
}

function mergeSpans(spans: readonly [number, number][]): [number, number][] {
  const merged: [number, number][] = [];
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    const last = merged.at(-1);
    if (last && start <= last[1] + 1) last[1] = Math.max(last[1], end);
    else merged.push([start, end]);
  }
  return merged;
}

/** "Sessile, 8 mm." is no sentence, but says something of the lesion before it. */
function isFragment({ words }: Sentence, attributes: readonly Attribute[]): boolean {
  const covered = attributes.reduce((sum, { from, to }) => sum + to - from, 0);
  const measures =
    /^(?:size|diameter|about|measur\w+|located|location|colour|shape|position|paris|maximum|lies|situated|seen)\b/.test(
      words,
    );
  return attributes.length > 0 && (covered > words.length * 0.5 || measures);
}

const OF_ALL =
  /\b(?:each|all|both)(?: of (?:them|which|these))?(?: (?:were|was|are|is|being|about|under|below|up to|measuring|less than|of|<|,))* $/;

function addHeadingEvidence(draft: Draft, { place }: Sentence): void {
  if (!place || (draft.place.anatomy === null && draft.place.picture === null)) return;
  draft.evidence.unshift([place.tokens[0]!.start, place.tokens.at(-1)!.end]);
}
