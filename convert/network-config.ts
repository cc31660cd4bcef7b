// The configuration of a network that is made from checkpoints.

import { join } from 'node:path';
import { check, TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import { type Config, parseConfig } from '../model/config.js';
import {
  checkForeignConfig,
  epsilonWarning,
  type ForeignConfig,
  foreignConfig,
  headsOf,
  readJson,
} from './foreign-config.js';
import type { Part } from './parts.js';
import { type Sizes, sizesOf } from './sizes.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * The network's configuration: what the tensors decide, what the user says, defaults for the rest.
 *
 * @param given `path`: the user's file; `vocabSize`: of the vocabulary, where one is given.
 * @param warnings What is worth saying is put here.
 * @throws TmcaError CONFIG_INVALID, FILE_NOT_FOUND, FILE_UNREADABLE, and those of `sizesOf`
 */
export async function networkConfig(
  parts: ReadonlyMap<Part['part'], Part>,
  { path, vocabSize }: { readonly path?: string | undefined; readonly vocabSize?: number | undefined },
  warnings: string[],
): Promise<Config> {
  const named = path === undefined ? null : await readJson(path);
  if (path !== undefined && !named)
    throw new TmcaError('FILE_NOT_FOUND', `import: --config must exist, got no file ${path}; check the path`);
  const foreign = named && foreignConfig(path!, named);
  const given: Json = named && !foreign ? named : {};
  const sizes: Record<string, number | readonly number[]> = {};
  let heads: number | null = null;
  for (const part of parts.values()) {
    const own = sizesOf(part);
    Object.assign(sizes, own);
    if (part.part === 'decoder') continue;
    const beside = foreign?.encoder === part.part ? foreign : await foreignBeside(part);
    if (!beside) continue;
    checkForeignConfig(beside, own);
    const warning = epsilonWarning(beside);
    if (warning) warnings.push(warning);
    heads = headsOf(beside) ?? heads;
  }
  checkGiven(given, sizes, path);
  const text = typeof sizes.text_dim === 'number' ? { text_heads: given.text_heads ?? heads ?? usualHeads(sizes) } : {};
  const words = vocabSize === undefined ? {} : { vocab_size: vocabSize };
  return parseConfig(
    { name: 'imported', ...words, ...given, ...sizes, ...text, dtype: 'fp32' },
    path ?? 'import without --config',
  );
}

async function foreignBeside({ part, checkpoint }: Part): Promise<ForeignConfig | null> {
  const path = join(checkpoint.folder, 'config.json');
  const json = await readJson(path);
  const found = json && foreignConfig(path, json);
  return found?.encoder === part ? found : null;
}

/** BERT's heads have 64 channels in every published size. */
function usualHeads({ text_dim: dim }: Sizes): number {
  check(
    typeof dim === 'number' && dim % 64 === 0,
    'CONFIG_INVALID',
    `import: the number of text_heads must be known, got a text encoder of ${dim} channels and no config.json beside it; ` +
      'give --config with text_heads',
  );
  return dim / 64;
}

function checkGiven(given: Json, sizes: Sizes, path: string | undefined): void {
  const broken = Object.entries(sizes).flatMap(([key, value]) =>
    Object.hasOwn(given, key) && JSON.stringify(given[key]) !== JSON.stringify(value)
      ? [`${key} must be ${show(value)} as the tensors say, got ${show(given[key])}`]
      : [],
  );
  check(
    broken.length === 0,
    'CONFIG_INVALID',
    () => `import: ${path}: ${broken.join('; ')}; leave out what the tensors decide`,
  );
}
