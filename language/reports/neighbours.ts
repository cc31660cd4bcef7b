// Mentions that stand for one lesion, and lesions that a sentence does not name.

import type { Sentence } from './document.js';
import { ANAPHOR } from './lexicon/contexts.js';
import { findAttributes, type Mention, type MentionContext } from './mentions.js';

/** Two names of one lesion side by side are one mention: "ground-glass opacity and consolidation", "a lesion, a sessile polyp". */
export function mergeNeighbours(mentions: readonly Mention[]): Mention[] {
  const kept: Mention[] = [];
  for (const mention of mentions) {
    const last = kept.at(-1);
    const { words } = mention.sentence;
    const between = last ? words.slice(last.to, mention.start) : '';
    const phrase = words.slice(mention.start, mention.from);
    if (last && isOneMention(last, mention, between, phrase)) {
      const attributes = [...last.attributes, ...mention.attributes.filter(one => !last.attributes.includes(one))];
      const role = last.role === 'generic' ? mention.role : last.role;
      kept[kept.length - 1] = {
        ...last,
        role,
        plural: last.plural,
        attributes,
        to: last.role === 'generic' ? mention.to : last.to,
      };
    } else kept.push(mention);
  }
  return kept;
}

/** "Polyps with the look of fundic gland polyps" are no two kinds. */
const LIKENESS =
  /\b(?:looks?|appearances?|features|characteristics|aspect|pattern|typical|consistent|compatible|keeping|suggestive|resembling|type)(?: of| with| for)? (?:an? )?$/;

function isOneMention(last: Mention, mention: Mention, between: string, phrase: string): boolean {
  if (mention.role === 'pronoun') return false;
  if (last.role === 'generic' && mention.role === 'diagnosis' && !/\bno\b/.test(between)) return true;
  if (last.role === 'generic' && mention.role !== 'generic')
    return (
      /^[^;.]*?(?:,|--|\(|namely|:) $/.test(between) &&
      !/^(?:the|no) /.test(phrase) &&
      between.length < 80 &&
      !/\band\b/.test(between)
    );
  const causal = mention.role === 'diagnosis' || /adenoma/.test(mention.sentence.words.slice(mention.from, mention.to));
  if (last.role === 'lesion' && LIKENESS.test(between)) return true;
  const ownPlace = mention.attributes.some(
    ({ type, from }) => (type === 'region' || type === 'anatomy') && from >= last.to,
  );
  if (causal && last.role !== 'pronoun' && !ownPlace && !/;|\bno\b|\band an?\b/.test(between)) return true;
  const tight =
    /^ (?:and|with|\/|or|,|\(|associated|surrounding|plus|,? and|and associated|with associated|with surrounding)* ?$/.test(
      between.replace(/ +/g, ' '),
    );
  const separate =
    /\b(?:an?|one|two|three|another|second|\d+)\b/.test(phrase) ||
    last.attributes.some(
      ({ from, type }) => from >= last.to && (type === 'region' || type === 'anatomy' || type === 'measure'),
    );
  const bothPlaced =
    ownPlace &&
    last.attributes.some(
      ({ type, from, to }) => (type === 'region' || type === 'anatomy') && from >= last.start && to <= last.from,
    );
  return (
    tight &&
    !separate &&
    !bothPlaced &&
    !(
      mention.kind === 'polyp' &&
      ownPlace &&
      mention.start < mention.from &&
      / and $/.test(between) &&
      last.attributes.length > 0
    )
  );
}

/** A row of a list of lesions, or a code of the Paris classification: a lesion without its name. */
export function impliedMention(sentence: Sentence, context: MentionContext): Mention | null {
  const attributes = findAttributes(sentence, context);
  const coded = attributes.find(({ type }) => type === 'paris');
  const told = attributes.some(({ type }) => type === 'measure' || type === 'shape');
  const listed = sentence.list !== null && told && sentence.first;
  if ((!coded && !listed) || sentence.section === 'attribute' || context.kind !== 'polyp') return null;
  if (ANAPHOR.test(sentence.words)) return null;
  if (
    coded &&
    !listed &&
    context.continued &&
    !sentence.place &&
    !attributes.some(({ type }) => type === 'anatomy' || type === 'measure')
  )
    return null;
  const used = attributes.filter(
    ({ type, from, to }) =>
      type !== 'many' &&
      !(type === 'count' && !/^ ?x/.test(sentence.words.slice(to)) && from < 3 && sentence.words.includes('|')),
  );
  const [first] = used;
  if (!first) return null;
  return {
    kind: 'polyp',
    role: 'lesion',
    plural: false,
    start: first.from,
    from: first.from,
    to: first.to,
    attributes: used,
    sentence,
  };
}
