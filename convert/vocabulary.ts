// The vocabulary of a text encoder.

import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { loadAssembly } from '../assembly/instance.js';
import { Vocabulary } from '../assembly/wordpiece.js';
import { check } from '../errors/index.js';
import type { Config } from '../model/config.js';
import { readJson } from './foreign-config.js';
import type { Part } from './parts.js';

export interface VocabularyFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Tokens. */
  readonly size: number;
}

/**
 * The file that the user names, else vocab.txt beside the text encoder; null where there is none, and then a warning.
 *
 * @throws TmcaError FILE_NOT_FOUND, VOCABULARY_INVALID
 */
export async function readVocabulary(
  named: string | undefined,
  text: Part | undefined,
  warnings: string[],
): Promise<VocabularyFile | null> {
  const path = named ?? (text && join(text.checkpoint.folder, 'vocab.txt'));
  const bytes = path === undefined ? null : await readFile(path).catch(() => null);
  if (path === undefined || !bytes) {
    check(
      named === undefined,
      'FILE_NOT_FOUND',
      `import: --vocab must be a readable file, got none at ${named}; check the path`,
    );
    warnings.push('no vocab.txt: the model can be run on token ids only; give --vocab');
    return null;
  }
  using vocabulary = new Vocabulary(await loadAssembly(), bytes);
  const tokenizer = await readJson(join(dirname(path), 'tokenizer_config.json'));
  if (tokenizer?.do_lower_case === false)
    warnings.push(`${path}: a cased vocabulary; texts are lower-cased here, as uncased BERT has them`);
  return { path, bytes, size: vocabulary.size };
}

/** @throws TmcaError MODEL_MISMATCH, where the word embeddings have another number of rows */
export function checkVocabulary({ path, size }: VocabularyFile, config: Config): void {
  check(
    size === config.vocabSize,
    'MODEL_MISMATCH',
    `import: ${path} must have ${config.vocabSize} tokens, one for each row of word_embeddings, got ${size}; ` +
      'give the vocab.txt that belongs to the text encoder',
  );
}
