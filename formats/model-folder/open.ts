// Opens a model folder: the small files are read and checked now, the weights are left open as a stream.

import { countTokens } from '../../assembly/wordpiece.js';
import { type ErrorCode, TmcaError, throwIfAborted } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { type Config, parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { parseJson } from '../json.js';
import type { IntegrityChoice, StoreInfo } from '../loading.js';
import {
  type ByteSource,
  openSafetensors,
  type ReadOptions,
  readAll,
  type SafetensorsFile,
} from '../safetensors/index.js';
import type { FolderIo, FolderReader } from './folder.js';
import { copyExpectation, type Expectation, expectationOf, type Integrity, integrityOf, NOTHING } from './integrity.js';
import { type Manifest, type ManifestEntry, parseManifest, verifiedSource } from './manifest.js';

/** Everything of a folder but its weights. */
export interface ModelFiles {
  readonly config: Config;
  /** Content of vocab.txt; null for a folder that runs on token ids only. */
  readonly vocab: Uint8Array | null;
  readonly manifest: Manifest | null;
  /** Whether the files are held to lengths and hashes; those of the weights are compared as they stream. */
  readonly integrity: Integrity;
}

interface OpenFolderOptions extends ReadOptions {
  /** `required`: a folder whose files cannot all be checked is refused. */
  readonly integrity?: IntegrityChoice | undefined;
}

export interface ModelFolder extends ModelFiles {
  /** Header checked; tensors follow as a stream, one in memory at a time. */
  readonly weights: SafetensorsFile;
  /**
   * SHA-256 of model.safetensors, in hexadecimal: what was computed over the last complete stream, before that what the
   * manifest says (which the stream then proves or ends in MANIFEST_MISMATCH), before that null.
   */
  hash(): string | null;
  /** Where the files were taken from, of a folder that may have been kept. */
  store(): StoreInfo | undefined;
  /** Needed only where the weights are not read to their end; twice is fine. */
  close(): Promise<void>;
}

const MANIFEST = 'manifest.json';
const CONFIG = 'config.json';
const WEIGHTS = 'model.safetensors';
const VOCAB = 'vocab.txt';

// Far above any real file of the kind, far below what hurts.
const MAX_JSON_BYTES = 4 << 20;
const MAX_VOCAB_BYTES = 64 << 20;

/**
 * Opens a model folder on disk (`nodeIo`) or on a server (`webIo`, also `nodeIo`).
 *
 * @param location A path or an http(s) address.
 * @param options `before`: what must have come true before the weights, the one large file, are asked for
 * @throws TmcaError FILE_NOT_FOUND, FILE_UNREADABLE, DOWNLOAD_FAILED, CONFIG_INVALID, MANIFEST_MISMATCH, MODEL_MISMATCH (a
 *   vocabulary of another size), MODEL_UNCHECKED, SAFETENSORS_INVALID, ABORTED. Reading the weights may throw the same.
 * @example
 * const folder = await openModelFolder('https://example.org/models/nano-128', webIo);
 * checkTensors(folder.weights.header, expected, 'nano-128');
 * for await (const tensor of folder.weights.tensors()) upload(tensor);
 */
export async function openModelFolder(
  location: string,
  io: FolderIo,
  options: OpenFolderOptions & { readonly before?: Promise<unknown> | undefined } = {},
): Promise<ModelFolder> {
  const reader = io.folder(location, options);
  const { expected, ...files } = await readFiles(reader, location, io, options);
  await options.before;
  const entry = expected.files.get(WEIGHTS);
  const source = await required(reader, WEIGHTS, location, entry);
  try {
    const verified = verifiedSource(source, entry, io.sha256, expected.by);
    const weights = await openSafetensors(verified, options);
    const hash = () => verified.digest() ?? entry?.sha256 ?? null;
    return { ...files, weights, hash, store: () => reader.store?.(), close: () => weights.close() };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** As `openModelFolder`, without weights: for a folder that has none, or whose configuration alone is asked for. */
export async function readModelFiles(location: string, io: FolderIo, options: ReadOptions = {}): Promise<ModelFiles> {
  const { expected: _, ...files } = await readFiles(io.folder(location, options), location, io, options);
  return files;
}

async function readFiles(
  reader: FolderReader,
  location: string,
  io: FolderIo,
  { signal, integrity }: OpenFolderOptions,
): Promise<ModelFiles & { readonly expected: Expectation }> {
  throwIfAborted(signal, 'openModelFolder');
  /** A small file, held to what is known of it. */
  const read = async (source: ByteSource, limit: number, code: ErrorCode, { files, by }: Expectation, name: string) => {
    try {
      return await readSmall(verifiedSource(source, files.get(name), io.sha256, by), limit, code, signal);
    } finally {
      await source.close();
    }
  };
  const manifestSource = await reader.open(MANIFEST);
  const manifestBytes =
    manifestSource && (await read(manifestSource, MAX_JSON_BYTES, 'MANIFEST_MISMATCH', NOTHING, MANIFEST));
  const manifest =
    manifestBytes &&
    parseManifest(parseText(manifestBytes, manifestSource.name, 'MANIFEST_MISMATCH'), manifestSource.name);
  const known = await expectationOf(manifest, io.isShipped?.(location) ?? false);
  const configSource = await required(reader, CONFIG, location, known.files.get(CONFIG));
  const configBytes = await read(configSource, MAX_JSON_BYTES, 'CONFIG_INVALID', known, CONFIG);
  const config = parseConfig(parseText(configBytes, configSource.name, 'CONFIG_INVALID'), configSource.name);
  const expected = await copyExpectation(known, config, configBytes, io.sha256);
  const vocabSource = await reader.open(VOCAB, expected.files.get(VOCAB));
  if (!vocabSource) refuseAbsence(VOCAB, expected, location);
  const names = [CONFIG, WEIGHTS, ...(vocabSource ? [VOCAB] : [])];
  try {
    const checked = integrityOf(expected, names, integrity === 'required', location);
    const vocab = vocabSource && (await read(vocabSource, MAX_VOCAB_BYTES, 'VOCABULARY_INVALID', expected, VOCAB));
    if (vocab) checkVocabulary(vocab, config, vocabSource.name);
    return { config, vocab, manifest, integrity: checked, expected };
  } finally {
    await vocabSource?.close();
  }
}

async function required(
  reader: FolderReader,
  name: string,
  location: string,
  entry: ManifestEntry | undefined,
): Promise<ByteSource> {
  const source = await reader.open(name, entry);
  if (source) return source;
  throw new TmcaError(
    'FILE_NOT_FOUND',
    `openModelFolder: a model folder must hold ${name}, got none in ${location}; check the path`,
  );
}

/** A file that the folder once had: running without it would be a silent change. */
function refuseAbsence(name: string, { files, by }: Expectation, location: string): void {
  if (!files.has(name)) return;
  throw new TmcaError(
    'MANIFEST_MISMATCH',
    `openModelFolder: ${location}: ${by} says ${name}, got none; fetch or write the folder again`,
  );
}

async function readSmall(
  source: ByteSource,
  limit: number,
  code: ErrorCode,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const tooLarge = (bytes: number) =>
    new TmcaError(
      code,
      `openModelFolder: ${source.name} must have at most ${limit} bytes, got ${bytes}; use the file that belongs here`,
    );
  if (source.size !== undefined && source.size > limit) throw tooLarge(source.size);
  const limited: ByteSource = {
    ...source,
    async *stream(inner) {
      let bytes = 0;
      for await (const chunk of source.stream(inner)) {
        bytes += chunk.length;
        if (bytes > limit) throw tooLarge(bytes);
        yield chunk;
      }
    },
  };
  return readAll(limited, signal);
}

function parseText(bytes: Uint8Array, where: string, code: ErrorCode): unknown {
  const fail = (rule: string, got: string) =>
    new TmcaError(code, `openModelFolder: ${where} must ${rule}, got ${got}; correct the file`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw fail('be UTF-8', `${bytes.length} bytes that are not`);
  }
  const result = parseJson(text);
  if ('value' in result) return result.value;
  throw result.problem === 'duplicate'
    ? fail('have each key once', `${show(result.detail)} twice`)
    : fail('be JSON', show(result.detail));
}

/** One token a line: as many lines as the embedding has rows. */
function checkVocabulary(vocab: Uint8Array, config: Config, where: string): void {
  const lines = countTokens(vocab);
  const { text } = Network.of(config);
  if (!text || lines === text.vocabSize) return;
  throw new TmcaError(
    'MODEL_MISMATCH',
    `openModelFolder: ${where} must have ${text.vocabSize} lines (vocab_size of config.json), got ${lines}; ` +
      'use the vocabulary that the model was trained with',
  );
}
