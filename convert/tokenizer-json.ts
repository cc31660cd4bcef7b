// tokenizer.json of Hugging Face's tokenizers: a WordPiece vocabulary is taken from it, what tokenises otherwise is refused.

import { TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import { isObject } from '../formats/json.js';
import type { Json } from './foreign-config.js';

/** What the tokeniser here does, and what a field that is not there stands for. */
const MUST: readonly (readonly [field: string, must: unknown, absent?: unknown])[] = [
  ['model.type', 'WordPiece'],
  ['model.unk_token', '[UNK]', '[UNK]'],
  ['model.continuing_subword_prefix', '##', '##'],
  ['model.max_input_chars_per_word', 100, 100],
  ['normalizer.type', 'BertNormalizer'],
  ['normalizer.clean_text', true, true],
  ['normalizer.handle_chinese_chars', true, true],
  ['normalizer.lowercase', true, true],
  ['pre_tokenizer.type', 'BertPreTokenizer'],
];

const SPECIAL = ['[UNK]', '[CLS]', '[SEP]', '[PAD]', '[MASK]'];

/** A step that stands in a sequence of one is that step. */
const step = (value: unknown): Json => {
  const [only, ...more] =
    isObject(value) && value.type === 'Sequence' ? (Object.values(value).find(Array.isArray) ?? []) : [value];
  return more.length === 0 && isObject(only) ? only : isObject(value) ? value : {};
};

/** Fields in which it is not uncased BERT's. */
function differences(tokenizer: Json): string[] {
  const parts: Record<string, Json> = {
    model: step(tokenizer.model),
    normalizer: step(tokenizer.normalizer),
    pre_tokenizer: step(tokenizer.pre_tokenizer),
  };
  const broken = MUST.flatMap(([field, must, absent]) => {
    const [part, key] = field.split('.') as [string, string];
    const got = parts[part]![key] ?? absent;
    return got === must ? [] : [`${field} must be ${show(must)}, got ${got === undefined ? 'none' : show(got)}`];
  });
  // the accents go with the case where nothing is said
  if (parts.normalizer!.strip_accents === false) broken.push('normalizer.strip_accents must not be false, got false');
  return broken;
}

const fail = (path: string, rule: string, got: string) =>
  new TmcaError(
    'VOCABULARY_INVALID',
    `import: ${path}: ${rule}, got ${got}; give the vocab.txt of the text encoder with --vocab`,
  );

/** Tokens that were added to the vocabulary, by id. */
export function addedTokens(tokenizer: Json): Map<number, string> {
  const added = Array.isArray(tokenizer.added_tokens) ? tokenizer.added_tokens : [];
  return new Map(
    added.flatMap(token =>
      isObject(token) && typeof token.id === 'number' && typeof token.content === 'string'
        ? [[token.id, token.content] as const]
        : [],
    ),
  );
}

/**
 * The content of the vocab.txt that a tokenizer.json stands for.
 *
 * @throws TmcaError UNSUPPORTED, naming every field in which it is not uncased BERT's; VOCABULARY_INVALID
 */
export function vocabularyOf(path: string, tokenizer: Json): Uint8Array {
  const broken = differences(tokenizer);
  if (broken.length > 0)
    throw new TmcaError(
      'UNSUPPORTED',
      `import: ${path} must be the tokeniser of uncased BERT, the one that is built in: ${broken.join('; ')}; ` +
        'give a BERT with such a tokeniser, or its vocab.txt with --vocab',
    );
  const { vocab } = tokenizer.model as Json;
  if (!isObject(vocab)) throw fail(path, 'model.vocab must map tokens to ids', show(vocab));
  const ids = new Map(Object.entries(vocab).map(([token, id]) => [id, token] as const));
  const named = Object.keys(vocab).length;
  if (ids.size < named)
    throw fail(path, 'every token of model.vocab must have an id of its own', `${ids.size} ids for ${named} tokens`);
  for (const [id, token] of addedTokens(tokenizer))
    if (SPECIAL.includes(token) && !Object.hasOwn(vocab, token) && !ids.has(id)) ids.set(id, token);
  const lines = Array.from({ length: ids.size }, (_, id) => {
    const token = ids.get(id);
    if (token === undefined) throw fail(path, `ids must be the numbers from 0 to ${ids.size - 1}`, `none with ${id}`);
    if (/[\r\n]/.test(token)) throw fail(path, 'a token must fit on a line of vocab.txt', show(token));
    return `${token}\n`;
  });
  return new TextEncoder().encode(lines.join(''));
}
