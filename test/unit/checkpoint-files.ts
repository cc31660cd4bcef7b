// Checkpoints for the tests of import: those that PyTorch wrote (test/fixtures/checkpoints/make-checkpoints.py), and changed copies.

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { type ImportOptions, type ImportResult, importCheckpoints } from '../../convert/import.js';
import type { ErrorCode } from '../../errors/index.js';
import {
  encodeSafetensors,
  memorySource,
  openSafetensors,
  type SafetensorsTensor,
  tensorOf,
} from '../../formats/safetensors/index.js';
import { failure } from './raw-safetensors.js';

export const FIXTURES = 'test/fixtures/checkpoints';
export const NETWORK = `${FIXTURES}/network.json`;
export const VOCAB = `${FIXTURES}/bert-sharded/vocab.txt`;

export type Tensors = Map<string, SafetensorsTensor>;

/** A folder that goes away with the tests of the file. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tmca-import-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function readTensors(path: string): Promise<Tensors> {
  const tensors: Tensors = new Map();
  const file = await openSafetensors(memorySource(new Uint8Array(readFileSync(path)), path));
  for await (const tensor of file.tensors()) tensors.set(tensor.name, tensor);
  return tensors;
}

export function writeTensors(path: string, tensors: Iterable<SafetensorsTensor>): string {
  writeFileSync(path, encodeSafetensors(tensors));
  return path;
}

/** With the tensors' names, shapes or bytes changed. */
export const changed = (
  tensors: Tensors,
  change: (tensor: SafetensorsTensor) => SafetensorsTensor,
): SafetensorsTensor[] => [...tensors.values()].map(change);

/** As `tmca import FILES --out OUT --config NETWORK`. */
export const importSmall = (
  files: string[],
  out: string,
  options: Partial<ImportOptions> = {},
): Promise<ImportResult> => importCheckpoints({ files, out, config: NETWORK, package: 'tmca-edge@test', ...options });

export const float = (name: string, shape: readonly number[], value = 0): SafetensorsTensor =>
  tensorOf(name, shape, new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(value));

/** What is there to import: bytes, text or tensors by file name. */
type Files = Record<string, string | Uint8Array | Iterable<SafetensorsTensor>>;

/** One file of these tensors, or of these bytes. */
export const one = (content: () => Files[string]) => (): Files => ({ 'm.safetensors': content() });

/** What a case gives to the command: files by name (bytes, text or tensors), and options. */
export interface MalformedCase {
  readonly code: ErrorCode;
  readonly says: string;
  readonly files: () => Files;
  /** Names of those that are imported; the first if not given. */
  readonly give?: readonly string[];
  readonly config?: string;
  readonly vocab?: string;
}

/** Writes a case's files and imports them: the error must be the one that it names, and nothing may be left behind. */
export async function expectRefused(folder: string, name: string, given: MalformedCase): Promise<void> {
  const here = join(folder, name.replace(/\W/g, '-'));
  const out = join(folder, 'out');
  mkdirSync(here);
  const files = given.files();
  for (const [file, content] of Object.entries(files)) {
    if (typeof content === 'string' || content instanceof Uint8Array) writeFileSync(join(here, file), content);
    else writeTensors(join(here, file), content);
  }
  const give = (given.give ?? Object.keys(files).slice(0, 1)).map(file => join(here, file));
  const config = given.config ? join(here, given.config) : NETWORK;
  const vocab = given.vocab ? join(here, given.vocab) : VOCAB;
  const error = await failure(given.code, () => importSmall(give, out, { config, vocab }));
  expect(error.message).toContain(given.says);
  expect(error.message).toMatch(/^\w+: .+, got .+; .+/s);
  expect(readdirSync(folder).filter(file => file === 'out' || file.startsWith('.'))).toEqual([]);
}
