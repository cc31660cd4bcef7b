// The vocabulary of a text encoder.

import { dirname, join } from 'node:path';
import { loadAssembly } from '../assembly/instance.js';
import { Vocabulary } from '../assembly/wordpiece.js';
import { check, TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import type { NetworkConfig } from '../networks/config.js';
import { ifThere, readText, VOCABULARY } from '../node/disk/read-file.js';
import { some } from './checkpoint.js';
import { readJson } from './foreign-config.js';
import type { Part } from './parts.js';
import { addedTokens, vocabularyOf } from './tokenizer-json.js';

export interface VocabularyFile {
  readonly path: string;
  /** As vocab.txt has them: UTF-8 without a byte order mark, lines that end with LF. */
  readonly bytes: Uint8Array;
  /** Tokens. */
  readonly size: number;
}

/**
 * The file that the user names, else vocab.txt or tokenizer.json beside the text encoder; null where there is none, and then a warning.
 *
 * @throws TmcaError FILE_NOT_FOUND, FILE_UNREADABLE, VOCABULARY_INVALID, UNSUPPORTED (another tokeniser), CONFIG_INVALID (no JSON)
 */
export async function readVocabulary(
  named: string | undefined,
  text: Part | undefined,
  warnings: string[],
): Promise<VocabularyFile | null> {
  const beside = text ? ['vocab.txt', 'tokenizer.json'].map(name => join(text.checkpoint.folder, name)) : [];
  for (const path of named === undefined ? beside : [named]) {
    const bytes = await (path.endsWith('.json') ? fromTokenizer(path) : fromLines(path));
    if (!bytes) continue;
    using vocabulary = new Vocabulary(await loadAssembly(), bytes);
    const tokenizer = await readJson(join(dirname(path), 'tokenizer_config.json'));
    if (tokenizer?.do_lower_case === false)
      warnings.push(`${path}: a cased vocabulary; texts are lower-cased here, as uncased BERT has them`);
    return { path, bytes, size: vocabulary.size };
  }
  check(
    named === undefined,
    'FILE_NOT_FOUND',
    `import: --vocab must be a readable file, got none at ${named}; check the path`,
  );
  warnings.push('no vocab.txt and no tokenizer.json: the model can be run on token ids only; give --vocab');
  return null;
}

async function fromTokenizer(path: string): Promise<Uint8Array | null> {
  const tokenizer = await readJson(path);
  return tokenizer && vocabularyOf(path, tokenizer);
}

async function fromLines(path: string): Promise<Uint8Array | null> {
  const kind = { rule: 'import: the vocabulary must be a readable file', advice: 'check the path', ...VOCABULARY };
  const text = await ifThere(readText(path, kind));
  return text === undefined ? null : new TextEncoder().encode(text.replace(/\r\n?/g, '\n'));
}

/** Most that rows are padded to a multiple of. */
const MOST_PADDING = 1024;

/** The multiple that so many rows were brought to, the smallest that explains it; undefined where none does. */
function paddedTo(rows: number, tokens: number): number | undefined {
  for (let of = 8; of <= MOST_PADDING; of += 8) if (rows % of === 0 && rows - tokens < of) return of;
  return undefined;
}

/**
 * How many rows of the word embeddings are ever read: one for each token. Rows above the vocabulary (padding to a multiple, tokens that
 * were added beside it) are said.
 *
 * @throws TmcaError MODEL_MISMATCH, where the rows are of another vocabulary
 */
export async function rowsRead(
  rows: number,
  vocabulary: VocabularyFile,
  { checkpoint: { folder, path } }: Part,
  warnings: string[],
): Promise<number> {
  const { size } = vocabulary;
  if (rows > size) {
    const added = await addedBeside(folder, size);
    const used = size + added.length;
    const of = paddedTo(rows, used);
    if (rows === used || of !== undefined) {
      const names = added.length > 0 ? [`${added.length} added tokens (${some(added.map(show), 3)})`] : [];
      const padding = rows > used ? [`padding to a multiple of ${of}`] : [];
      warnings.push(
        `${path}: word_embeddings have ${rows} rows for ${size} tokens; the ${rows - size} above the vocabulary ` +
          `(${[...names, ...padding].join(', ')}) are never read and are left out`,
      );
      return size;
    }
  }
  if (rows !== size) throw mismatch(vocabulary, rows);
  return size;
}

/** Tokens beside a vocabulary of `size`, that follow it without a gap. */
async function addedBeside(folder: string, size: number): Promise<string[]> {
  const older = Object.entries((await readJson(join(folder, 'added_tokens.json'))) ?? {});
  const added = new Map<unknown, string>(older.map(([token, id]) => [id, token]));
  for (const [id, token] of addedTokens((await readJson(join(folder, 'tokenizer.json'))) ?? {})) added.set(id, token);
  const found: string[] = [];
  for (let token = added.get(size); token !== undefined; token = added.get(size + found.length)) found.push(token);
  return found;
}

const mismatch = ({ path, size }: VocabularyFile, rows: number) =>
  new TmcaError(
    'MODEL_MISMATCH',
    `import: ${path} must have ${rows} tokens, one for each row of word_embeddings, got ${size}; ` +
      'give the vocab.txt that belongs to the text encoder',
  );

/** @throws TmcaError MODEL_MISMATCH, where the network's word embeddings have another number of rows */
export function checkVocabulary(vocabulary: VocabularyFile, config: NetworkConfig<'tmca'>): void {
  if (vocabulary.size !== config.vocabSize) throw mismatch(vocabulary, config.vocabSize);
}
