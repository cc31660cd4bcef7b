// The findings of a report as its sentences are read: what is new, what repeats a known one, what takes one back.

import { causeIn, takesBack } from './causes.js';
import type { Sentence } from './document.js';
import { type Draft, draftsOf, fill } from './drafts.js';
import { findAttributes, type Mention, type MentionContext } from './mentions.js';
import { mayBeSame, NOWHERE, placeOf } from './places.js';
import { agrees, hasSomething, inheritLooks, isPolypLike, join, saysNoMore } from './repeats.js';
import { statusOf } from './scopes.js';
import type { FindingKind } from './types.js';

export class Filing {
  readonly drafts: Draft[] = [];
  /** Those of the last sentence with a lesion. */
  last: Draft[] = [];
  /** The group that a "first" or a "larger one" is part of. */
  #group: Draft | null = null;
  /** The last of which nothing was said. */
  #plain: Draft | undefined;
  readonly #kind: FindingKind;

  constructor(kind: FindingKind) {
    this.#kind = kind;
  }

  /** Files the drafts of one mention: new findings, or repeats of known ones. Gives the findings that they became. */
  take(mention: Mention, drafts: Draft[], inSentence: readonly Draft[]): Draft[] {
    const { sentence } = mention;
    if (mention.role === 'pronoun') return this.#takePart(mention, drafts, inSentence);
    const phrase = sentence.words.slice(mention.start, mention.to);
    const implied = mention.start === mention.from && mention.attributes.some(({ from }) => from === mention.from);
    const definite =
      isDefinite(phrase) ||
      (bare(phrase) && !implied && (this.#kind === 'polyp' || !drafts.some(hasSomething)) && this.drafts.length > 0);
    const repeats =
      sentence.section === 'summary' ||
      sentence.section === 'correction' ||
      definite ||
      mention.role === 'diagnosis' ||
      isSummary(sentence) ||
      (mention.kind === 'infection' && this.drafts.length > 0 && !drafts.some(hasSomething));
    const taken: Draft[] = [];
    for (const draft of drafts) {
      this.#placeBeside(draft, sentence);
      const known = this.#known(draft, mention, repeats, definite, inSentence);
      if (known === 'drop') continue;
      if (known) {
        join(known, draft, sentence.section === 'correction');
        taken.push(known);
      } else if (mention.role === 'generic' && !isPolypLike(draft)) {
        if (
          /\b(?:another|second|third|further|similar)\b/.test(phrase) &&
          this.drafts.length > 0 &&
          this.#kind === 'polyp' &&
          hasSomething(draft)
        )
          taken.push(this.#add(draft));
      } else taken.push(this.#add(draft));
    }
    const [only] = taken;
    if (taken.length === 1 && only && (only.plural || (only.count ?? 1) > 1)) this.#group = only;
    else if (taken.length > 0) this.#group = null;
    return taken;
  }

  /** "A second one next to it": where the one before is. */
  #placeBeside(draft: Draft, { words }: Sentence): void {
    const [before] = this.last.slice(-1);
    if (!before || draft.place.anatomy !== null || !BESIDE_IT.test(words)) return;
    draft.place = { ...draft.place, anatomy: before.place.anatomy };
  }

  #remove(draft: Draft): void {
    const at = this.drafts.indexOf(draft);
    if (at >= 0) this.drafts.splice(at, 1);
  }

  #add(draft: Draft): Draft {
    // words that say nothing of a lesion but that there is one need no second finding
    const same = hasSomething(draft) ? undefined : this.#plain;
    if (same && this.drafts.includes(same) && (same.count ?? 0) >= (draft.count ?? 0)) return same;
    if (!hasSomething(draft)) this.#plain = draft;
    this.drafts.push(draft);
    return draft;
  }

  /** The finding that a draft repeats; 'drop' for words that mean all findings or none in particular. */
  #known(
    draft: Draft,
    mention: Mention,
    repeats: boolean,
    definite: boolean,
    inSentence: readonly Draft[],
  ): Draft | 'drop' | null {
    const fitting = this.drafts.filter(
      other => mayBeSame(draft.kind, other.place, draft.place) && agrees(other, draft),
    );
    if (!repeats) {
      const other = /\b(?:another|second|third|fourth|further|additional|new|separate|similar)\b/.test(
        mention.sentence.words.slice(mention.start, mention.to),
      );
      if (other) return null;
      const same = fitting.find(known => !inSentence.includes(known) && saysNoMore(draft, known));
      return same ?? null;
    }
    const exact = fitting.filter(
      other => other.place.anatomy === draft.place.anatomy && other.place.picture === draft.place.picture,
    );
    const candidates = exact.length > 0 ? exact : fitting;
    if (mention.role === 'generic' && candidates.length === 0) return 'drop';
    const nowhere = draft.place.anatomy === null && draft.place.picture === null;
    if (candidates.length === 0) return nowhere && this.drafts.length > 0 ? 'drop' : null;
    if (nowhere && !definite && this.drafts.length > 1) return 'drop';
    if (nowhere && definite) {
      const last = candidates.filter(other => this.last.includes(other));
      if (last.length > 0) return last.at(-1)!;
    }
    if (candidates.length > 1 && (nowhere || exact.length === 0)) {
      const close = candidates.filter(other => draft.mm !== null && other.mm === draft.mm);
      return close.length === 1 ? close[0]! : 'drop';
    }
    return candidates[0]!;
  }

  /** "The larger", "one in the caecum", "another": a part of the group before, or one more. */
  #takePart(mention: Mention, drafts: Draft[], inSentence: readonly Draft[]): Draft[] {
    const group = this.#group;
    const phrase = mention.sentence.words.slice(mention.from, mention.to);
    const rest = group !== null && /^the others?$/.test(phrase);
    const more = !rest && /another|further|others?$|additional|more$/.test(phrase);
    const taken: Draft[] = [];
    for (const draft of drafts) {
      const placed = draft.place.anatomy !== null || draft.place.picture !== null;
      if (!hasSomething(draft) && !more) continue;
      const elsewhere = placed && !mayBeSame(draft.kind, draft.place, group?.place ?? NOWHERE);
      if (group && !more && !elsewhere) {
        const ownPlace =
          placed && !(draft.place.anatomy === group.place.anatomy && draft.place.picture === group.place.picture);
        if (!ownPlace && draft.shapes.length === 0 && draft.paris === null && draft.colour === null) {
          group.mm = Math.max(group.mm ?? 0, draft.mm ?? 0) || null;
          group.evidence.push(...draft.evidence);
          taken.push(group);
          continue;
        }
        this.#remove(group);
        if (draft.place.anatomy === null) draft.place = { ...draft.place, anatomy: group.place.anatomy };
        inheritLooks(draft, group);
        taken.push(this.#add(draft));
        continue;
      }
      const known = [...this.last.filter(one => !inSentence.includes(one)), ...inSentence];
      if (!more && !elsewhere && isDefinite(phrase)) {
        const fitting = placed ? known.filter(one => mayBeSame(one.kind, one.place, draft.place)) : known;
        const place = /first|former/.test(phrase) ? 0 : /second|latter/.test(phrase) && fitting.length > 1 ? 1 : -1;
        const meant = fitting.at(place);
        if (meant) {
          join(meant, draft, false);
          taken.push(meant);
        }
        continue;
      }
      const before = known.at(-1);
      // "three sessile polyps in the caecum and two in the rectum"
      const elliptic = /^(?:\d+|[a-z]+)$/.test(phrase) && !more && inSentence.at(-1);
      if (elliptic) inheritLooks(draft, elliptic);
      if (!before && !hasSomething(draft)) continue;
      if (before && draft.place.anatomy === null && draft.place.picture === null) draft.place = { ...before.place };
      if (before && !draft.certain) draft.certain = before.certain && draft.certain;
      if (!more && !/second|third|fourth|other|one/.test(phrase) && !placed) continue;
      taken.push(this.#add(draft));
    }
    return taken;
  }

  /** "This may be due to overlying soft tissue": what a pronoun is said to be. */
  explain({ words }: Sentence): void {
    const cause = causeIn(words, this.#kind);
    if (cause === 'open') for (const draft of this.last) draft.certain = false;
    if (cause !== 'innocent') return;
    for (const draft of this.last) this.#remove(draft);
    this.last = [];
  }

  takeBack(sentence: Sentence, context: MentionContext): boolean {
    if (this.last.length === 0 || !takesBack(sentence.words, this.#kind)) return false;
    const place = placeOf(this.#kind, findAttributes(sentence, context));
    const meant = place
      ? this.drafts.filter(draft => mayBeSame(this.#kind, draft.place, place) && draft.place !== NOWHERE)
      : this.last;
    for (const draft of meant) this.#remove(draft);
    this.last = [];
    return meant.length > 0;
  }

  /** "Correction: no polyp in the transverse colon." */
  correct(sentence: Sentence, mentions: readonly Mention[]): boolean {
    const denied = mentions.filter(mention => statusOf(mention, mentions).dropped);
    const gone = takesBack(sentence.words, this.#kind) ? mentions : denied;
    for (const mention of gone) {
      const place = placeOf(this.#kind, mention.attributes);
      const meant = this.drafts.filter(draft => (place ? mayBeSame(this.#kind, draft.place, place) : true));
      if (!place && meant.length > 1) continue;
      for (const draft of meant) this.#remove(draft);
    }
    if (gone.length === 0) return this.#amend(sentence, mentions);
    return gone.length === mentions.length;
  }

  /** "Correction: the sigmoid polyp measured 6 mm, not 16 mm." */
  #amend(sentence: Sentence, mentions: readonly Mention[]): boolean {
    const { words } = sentence;
    const [mention] = mentions;
    const corrects = /\b(?:should (?:read|be|have)|instead of|not|incorrect\w*|wrong\w*|rather than|corrected)\b/.test(
      words,
    );
    if (!mention || !(corrects || isDefinite(words.slice(mention.start, mention.to)))) return false;
    const [draft] = draftsOf(mention, []);
    const denied = /\bnot (?:in|at|from|on)(?: the)? (.*)/.exec(words)?.[1];
    const wrong = this.drafts.filter(
      ({ place }) => denied !== undefined && place.anatomy !== null && denied.startsWith(place.anatomy.split(' ')[0]!),
    );
    const fitting =
      wrong.length > 0 ? wrong : this.drafts.filter(other => mayBeSame(other.kind, other.place, draft!.place));
    const meant = fitting.length === 0 ? this.drafts : fitting;
    if (meant.length !== 1) return false;
    const [known] = meant;
    fill(known!, mention.attributes, true);
    known!.place = {
      picture: draft!.place.picture ?? known!.place.picture,
      anatomy: draft!.place.anatomy ?? known!.place.anatomy,
    };
    known!.evidence.push(...draft!.evidence);
    return true;
  }

  /** "Three polyps were removed:", before each of them is described, is none of them. */
  dropIntroductions(): void {
    const told = this.drafts.filter(draft => !isIntroduction(draft));
    const [first, ...more] = this.drafts.filter(isIntroduction);
    if (!first || told.length + more.length === 0) return;
    for (const draft of told) inheritLooks(draft, first);
    const kept = told.length > 0 ? told : [first, ...more].filter(hasSomething);
    this.drafts.length = 0;
    for (const draft of kept.length > 0 ? kept : [first]) this.drafts.push(draft);
  }

  /** The findings of the paragraph before "both" or "all". */
  recent(): Draft[] {
    return this.drafts.filter(({ place }) => place.anatomy === null || place === NOWHERE).length > 0
      ? this.drafts.slice()
      : this.last;
  }
}

/** Lesions without a place and a diameter, several of them, or nothing said of them at all. */
const isIntroduction = (draft: Draft): boolean =>
  draft.place.anatomy === null &&
  draft.place.picture === null &&
  draft.mm === null &&
  (draft.plural || (draft.count ?? 1) > 1 || !hasSomething(draft));

const BESIDE_IT =
  /\b(?:(?:next|close|adjacent|proximal|distal|opposite|near|beside|right next)(?: to)? (?:it|this|that|them|these|the (?:first|latter|former|above))|beside it|nearby|in the same (?:segment|area|place|region|part|location)|in this (?:segment|area|region|part)|at the same (?:place|site|level)|there(?! (?:is|are|was|were|has|have))|here|adjacent|alongside)\b/;

const isDefinite = (phrase: string): boolean => /^(?:the|this|that|these|those|both|its|such|each|all)\b/.test(phrase);
/** No article, no number, nothing said: "polyp removed with a snare". */
const bare = (phrase: string): boolean => !/ /.test(phrase);

const isSummary = ({ words }: Sentence): boolean =>
  /^(?:in summary|in conclusion|overall|to summarise|to conclude|altogether|in total|summary|conclusion)\b/.test(words);
