// The configuration of a network that is made from checkpoints.

import { join } from 'node:path';
import { check, TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import { type NetworkConfig, parseConfig } from '../networks/config.js';
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
import { rowsRead, type VocabularyFile } from './vocabulary.js';

type Json = Readonly<Record<string, unknown>>;

/**
 * The network's configuration: what the tensors decide, what the user says, defaults for the rest.
 *
 * @param given `path`: the user's file; `vocab`: the vocabulary, where there is one.
 * @param warnings What is worth saying is put here.
 * @throws TmcaError CONFIG_INVALID, FILE_NOT_FOUND, FILE_UNREADABLE, and those of `sizesOf` and `rowsRead`
 */
export async function networkConfig(
  parts: ReadonlyMap<Part['part'], Part>,
  { path, vocab }: { readonly path?: string | undefined; readonly vocab: VocabularyFile | null },
  warnings: string[],
): Promise<NetworkConfig<'tmca'>> {
  const named = path === undefined ? await ownBeside(parts.get('decoder')) : await namedJson(path);
  const foreign = named && foreignConfig(named.path, named.values);
  const given = named && !foreign ? named.values : {};
  const sizes: Record<string, number | readonly number[]> = {};
  let told: Json = {};
  for (const part of parts.values()) {
    const own = sizesOf(part);
    Object.assign(sizes, own);
    if (part.part === 'decoder') continue;
    const beside = foreign?.encoder === part.part ? foreign : await foreignBeside(part);
    if (!beside) continue;
    checkForeignConfig(beside, own);
    const warning = epsilonWarning(beside);
    if (warning) warnings.push(warning);
    const heads = headsOf(beside);
    if (heads !== null) told = { text_heads: heads };
  }
  const text = parts.get('text');
  const rows = sizes.vocab_size as number;
  if (text && vocab) sizes.vocab_size = await rowsRead(rows, vocab, text, warnings);
  // of a padded table either number may be meant
  checkGiven(given, given.vocab_size === rows ? { ...sizes, vocab_size: rows } : sizes, named?.path);
  told = { ...told, ...given };
  const guessed = guessHeads(sizes, told, parts, warnings);
  const words = vocab ? { vocab_size: vocab.size } : {};
  return parseConfig(
    { name: 'imported', ...words, ...guessed, ...told, ...sizes, dtype: 'fp32' },
    named?.path ?? 'import without --config',
  ) as NetworkConfig<'tmca'>;
}

interface NamedJson {
  readonly path: string;
  readonly values: Json;
}

async function namedJson(path: string): Promise<NamedJson> {
  const values = await readJson(path);
  if (values) return { path, values };
  throw new TmcaError('FILE_NOT_FOUND', `import: --config must exist, got no file ${path}; check the path`);
}

/** config.json beside a checkpoint of the whole network, where it is the network's. */
async function ownBeside(decoder: Part | undefined): Promise<NamedJson | null> {
  if (!decoder) return null;
  const path = join(decoder.checkpoint.folder, 'config.json');
  const values = await readJson(path);
  return values && !foreignConfig(path, values) ? { path, values } : null;
}

async function foreignBeside({ part, checkpoint }: Part): Promise<ForeignConfig | null> {
  const path = join(checkpoint.folder, 'config.json');
  const json = await readJson(path);
  const found = json && foreignConfig(path, json);
  return found?.encoder === part ? found : null;
}

const divisor = (channels: readonly number[]): number =>
  [4, 2].find(heads => channels.every(count => count % heads === 0)) ?? 1;

/**
 * Heads where nothing tells them: BERT's have 64 channels in every published size, of other sizes a divisor is taken; the decoder has 4
 * where that divides its channels. A guess about parameters that come from a file is a warning.
 */
function guessHeads(
  { text_dim: dim, dims }: Sizes,
  told: Json,
  parts: ReadonlyMap<Part['part'], Part>,
  warnings: string[],
): { readonly text_heads?: number; readonly heads?: number } {
  const guess: { text_heads?: number; heads?: number } = {};
  const warn = (key: string, value: number) =>
    warnings.push(
      `${key} is taken as ${value}: tensors do not tell, and no config.json does; give --config where it is another`,
    );
  if (typeof dim === 'number' && !Object.hasOwn(told, 'text_heads')) {
    guess.text_heads = dim % 64 === 0 ? dim / 64 : divisor([dim]);
    warn('text_heads', guess.text_heads);
  }
  if (Array.isArray(dims) && !Object.hasOwn(told, 'heads')) {
    guess.heads = divisor(dims.slice(1) as number[]);
    if (parts.has('decoder')) warn('heads', guess.heads);
  }
  return guess;
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
