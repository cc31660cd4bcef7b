// Which lengths and hashes a folder's files are held to: those of its manifest.json. The model that the package ships is known to
// the package, so that a missing or edited manifest changes nothing for it.

import { TmcaError } from '../../errors/index.js';
import type { Config } from '../../networks/config.js';
import type { Hash } from './hash.js';
import type { Manifest, ManifestFiles } from './manifest.js';

/** `checked`: the length and hash of every file of the folder were known, and are right. */
export type Integrity = 'checked' | 'unchecked';

const SHIPPED_NAME = 'nano-128';

export interface Expectation {
  readonly files: ManifestFiles;
  /** Who says so. */
  readonly by: string;
}

/** What is known of a manifest, which nothing else tells of. */
export const NOTHING: Expectation = { files: new Map(), by: 'the manifest' };

// Apart, as most folders hold other models.
const shippedExpectation = async (): Promise<Expectation> => ({
  files: (await import('./shipped.js')).shippedFiles,
  by: 'the package, whose model it is,',
});

export const expectationOf = async (manifest: Manifest | null, isShipped: boolean): Promise<Expectation> =>
  isShipped ? shippedExpectation() : { ...NOTHING, ...(manifest && { files: manifest.files }) };

/** What a folder must hold: a copy of the shipped model, which its config.json tells, what that holds; else `known`. */
export async function copyExpectation(
  known: Expectation,
  { name }: Config,
  config: Uint8Array,
  newHash: () => Hash,
): Promise<Expectation> {
  if (name !== SHIPPED_NAME) return known;
  const shipped = await shippedExpectation();
  const hash = newHash();
  hash.update(config);
  return hash.hex() === shipped.files.get('config.json')!.sha256 ? shipped : known;
}

/** Errors: MODEL_UNCHECKED, where all files must be known and one is not. */
export function integrityOf(
  { files }: Expectation,
  names: readonly string[],
  required: boolean,
  location: string,
): Integrity {
  const unknown = names.filter(name => !files.has(name));
  if (unknown.length === 0) return 'checked';
  if (!required) return 'unchecked';
  throw new TmcaError(
    'MODEL_UNCHECKED',
    `openModelFolder: ${location} must have a manifest.json that lists all its files (integrity: required), ` +
      `got none for ${unknown.join(', ')}; fetch the folder again, with its manifest`,
  );
}
