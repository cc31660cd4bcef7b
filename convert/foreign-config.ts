// Hugging Face's config.json beside a checkpoint: what the tensors cannot tell (heads), and what they must agree with.

import { check, TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import { isObject } from '../formats/json.js';
import { ifThere, readJson as readFile } from '../node/disk/read-file.js';
import type { Sizes } from './sizes.js';

export interface ForeignConfig {
  readonly path: string;
  readonly encoder: 'image' | 'text';
  readonly values: Readonly<Record<string, unknown>>;
}

export type Json = Readonly<Record<string, unknown>>;

/** Parses a file of JSON; null where there is none. @throws TmcaError CONFIG_INVALID */
export async function readJson(path: string): Promise<Json | null> {
  const rule = 'import: a configuration must be one JSON object';
  // a tokenizer.json has some megabytes
  const limit = 64 * 2 ** 20;
  const value = await ifThere(readFile(path, { rule, advice: 'correct the file', invalid: 'CONFIG_INVALID', limit }));
  if (value === undefined) return null;
  if (isObject(value)) return value;
  throw new TmcaError('CONFIG_INVALID', `${rule}, got ${show(value)} at ${path}; correct the file`);
}

/** Null for a configuration of another kind (the network's own, for instance). */
export function foreignConfig(path: string, values: Json): ForeignConfig | null {
  if (typeof values.model_type !== 'string') return null;
  if (Object.hasOwn(values, 'hidden_sizes')) return { path, encoder: 'image', values };
  return Object.hasOwn(values, 'num_attention_heads') ? { path, encoder: 'text', values } : null;
}

interface Expectation {
  readonly key: string;
  /** From a field of the sizes, or what the network is built for. */
  readonly size?: string;
  readonly must?: unknown;
}

/** What must agree. A key that is not there is not held against a file: Hugging Face leaves defaults out. */
const EXPECTED: Readonly<Record<ForeignConfig['encoder'], readonly Expectation[]>> = {
  image: [
    { key: 'hidden_sizes', size: 'dims' },
    { key: 'depths', size: 'depths' },
    { key: 'num_channels', must: 3 },
    { key: 'patch_size', must: 4 },
    { key: 'hidden_act', must: 'gelu' },
  ],
  text: [
    { key: 'hidden_size', size: 'text_dim' },
    { key: 'num_hidden_layers', size: 'text_layers' },
    { key: 'intermediate_size', size: 'text_ffn' },
    { key: 'vocab_size', size: 'vocab_size' },
    { key: 'max_position_embeddings', size: 'max_positions' },
    { key: 'type_vocab_size', must: 2 },
    { key: 'hidden_act', must: 'gelu' },
    { key: 'position_embedding_type', must: 'absolute' },
    { key: 'is_decoder', must: false },
  ],
};

/**
 * Holds a configuration against the tensors.
 *
 * @throws TmcaError CONFIG_INVALID, naming every key that disagrees
 */
export function checkForeignConfig({ path, encoder, values }: ForeignConfig, sizes: Sizes): void {
  const broken = EXPECTED[encoder].flatMap(({ key, size, must }) => {
    if (!Object.hasOwn(values, key) || values[key] === null) return [];
    const expected = size === undefined ? must : sizes[size];
    if (JSON.stringify(values[key]) === JSON.stringify(expected)) return [];
    const why = size === undefined ? 'as the network is built' : 'as the tensors say';
    return [`${key} must be ${show(expected)} (${why}), got ${show(values[key])}`];
  });
  check(
    broken.length === 0,
    'CONFIG_INVALID',
    () => `import: ${path}: ${broken.join('; ')}; give the config.json that belongs to the checkpoint`,
  );
}

/** The epsilon of BERT's LayerNorms where it is not the network's: a difference far below training's, but one. */
export function epsilonWarning({ path, encoder, values }: ForeignConfig): string | null {
  const given = values.layer_norm_eps;
  if (encoder !== 'text' || typeof given !== 'number' || given === 1e-12) return null;
  return `${path}: layer_norm_eps is ${given}; this network has 1e-12`;
}

/** Heads of a text encoder, from its configuration. */
export function headsOf(config: ForeignConfig | null): number | null {
  const heads = config?.encoder === 'text' ? config.values.num_attention_heads : undefined;
  return typeof heads === 'number' ? heads : null;
}
