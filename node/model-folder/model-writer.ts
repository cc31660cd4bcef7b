// Writes a model folder: all of it or nothing. The files are made in a folder beside it, which then takes its name.

import { mkdir, readdir, realpath, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { check, TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { type LazyTensor, safetensorsStream } from '../../formats/safetensors/index.js';
import { type Config, configToJson } from '../../networks/config.js';
import { writeFileAtomic } from '../disk/files.js';
import { cleanUp, temporaryIn } from '../temporary.js';
import { type FileEntry, jsonBytes, ManifestWriter, MODEL_FILES } from './manifest-writer.js';

export interface NewModel {
  readonly config: Config;
  /** Content of vocab.txt; null for a network that runs on token ids only. */
  readonly vocab: Uint8Array | null;
  /** Under their checkpoint names; one in memory at a time. */
  readonly tensors: Iterable<LazyTensor>;
  /** More files, by name (a report): their manifest entries are made as the others'. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

export interface ModelOrigin {
  /** name@version of the writer. */
  readonly package: string;
  /** More keys of the manifest: what the model was made from. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

/**
 * Where a model folder may be written: where there is nothing, in an empty folder, or in place of another model's files.
 * Call it before the work whose result goes there.
 *
 * @param also Other files that the same writer makes, and may replace.
 * @throws TmcaError BAD_ARGUMENT (a folder with other files, a file), OUTPUT_NOT_WRITABLE
 */
export async function checkModelTarget(folder: string, where: string, also: readonly string[] = []): Promise<void> {
  await cleanUp(dirname(resolve(folder)));
  await cleanUp(folder);
  const names = await namesIn(folder, where);
  const foreign = names.filter(name => !MODEL_FILES.includes(name) && !also.includes(name));
  check(
    foreign.length === 0,
    'BAD_ARGUMENT',
    () =>
      `${where}: the output folder must be new, empty or a model's, got ${show(foreign[0])} in ${folder}; choose another --out`,
  );
}

/**
 * Writes config.json, model.safetensors, vocab.txt and manifest.json under a temporary name beside `folder`, then renames:
 * whoever looks sees the folder as it was, or the new one whole. What fails leaves nothing behind.
 *
 * @returns Lengths and SHA-256 by file, as in the manifest.
 * @throws TmcaError OUTPUT_NOT_WRITABLE, BAD_ARGUMENT as `checkModelTarget`; what `load` of a tensor throws is passed on.
 * @example
 * await writeModelFolder('out', { config, vocab, tensors }, { package: 'tmca-edge@0.1.0' });
 */
export async function writeModelFolder(
  folder: string,
  model: NewModel,
  origin: ModelOrigin,
  where = 'writeModelFolder',
): Promise<Record<string, FileEntry>> {
  const { config, vocab, tensors, files: extraFiles = {} } = model;
  await checkModelTarget(folder, where, Object.keys(extraFiles));
  const target = await realpath(folder).catch(() => resolve(folder));
  const temporary = temporaryIn(dirname(target));
  const manifest = new ManifestWriter();
  const put = (name: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) =>
    writeFileAtomic(join(temporary, name), manifest.record(name, chunks));
  try {
    await put('config.json', [jsonBytes(configToJson(config))]);
    if (vocab) await put('vocab.txt', [vocab]);
    for (const [name, content] of Object.entries(extraFiles)) await put(name, [bytesOf(content)]);
    await put('model.safetensors', safetensorsStream(tensors, { format: 'pt' }));
    const head = { package: origin.package, created: new Date().toISOString(), ...origin.extra };
    await writeFileAtomic(join(temporary, 'manifest.json'), manifest.bytes(head));
    await takeName(temporary, target, where);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
  return manifest.files;
}

const bytesOf = (content: string | Uint8Array) =>
  typeof content === 'string' ? new TextEncoder().encode(content) : content;

async function namesIn(folder: string, where: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return [];
    check(
      code !== 'ENOTDIR',
      'BAD_ARGUMENT',
      `${where}: the output must be a folder, got a file at ${folder}; choose another --out`,
    );
    throw notWritable(folder, where, cause);
  }
}

/** `temporary` becomes `target`: in one step where there is nothing or an empty folder, else what is there stands aside first. */
async function takeName(temporary: string, target: string, where: string): Promise<void> {
  try {
    if (await renamed(temporary, target)) return;
    const aside = temporaryIn(dirname(target), 'old');
    const before = join(aside, basename(target));
    await mkdir(aside);
    await rename(target, before);
    try {
      await rename(temporary, target);
    } catch (error) {
      await rename(before, target);
      throw error;
    }
    await rm(aside, { recursive: true, force: true });
  } catch (cause) {
    throw notWritable(target, where, cause);
  }
}

/** False where a folder is in the way: one with files, and on Windows an empty one too. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'EPERM') return false;
    throw error;
  }
}

function notWritable(folder: string, where: string, cause: unknown): TmcaError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'an error';
  return new TmcaError(
    'OUTPUT_NOT_WRITABLE',
    `${where}: ${folder} must be writable, got ${code}; check the path, its rights and the free space, or choose another --out`,
    { cause },
  );
}
