// checkpoints/: the last two states of a run, each a folder that is a model folder with the optimiser's tensors
// (state.safetensors) and the run's position (state.json) beside it, all in one manifest.
//
// A generation is written under a hidden name and renamed when it is whole; only then does the oldest go. Names count up and
// are never reused, so nothing is ever replaced. From the first one on, a whole generation is left whenever the process dies:
// the new one, or the one before it.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { TmcaError } from '../../errors/index.js';
import { type ModelFolder, openModelFolder, parseManifest, verifiedSource } from '../../formats/model-folder/index.js';
import {
  openSafetensors,
  type SafetensorsFile,
  type SafetensorsTensor,
  safetensorsChunks,
} from '../../formats/safetensors/index.js';
import { diskSource } from '../../node/disk/files.js';
import { readJson, readText } from '../../node/disk/read-file.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import type { Disk } from './disk.js';
import { type ModelContent, modelFiles, type Origin, text, writeWithManifest } from './model-files.js';
import { parseState, stateToText, type TrainState } from './state.js';

/** Generations that are kept: the newest, and one in case the medium spoils it. */
const GENERATIONS = 2;
const NAME = /^\d{6,}$/;
const STATE = { rule: "latestCheckpoint: a checkpoint must have its run's state", advice: 'restore it' } as const;
/** The name of a generation that is being written or removed. */
const UNFINISHED = /^\.(writing|old)-/;

export interface CheckpointContent extends ModelContent {
  /** The optimiser's moments, averaged weights and the like, under names of the loop's choice. */
  readonly optimizer: Iterable<SafetensorsTensor>;
  readonly state: TrainState;
}

/** A complete checkpoint: every file was held to its hash. */
export interface Checkpoint {
  /** A model folder. */
  readonly folder: string;
  readonly state: TrainState;
  /** Newer generations that are damaged, and why: their steps are lost and will be run again. */
  readonly skipped: readonly { readonly folder: string; readonly reason: string }[];
  openModel(): Promise<ModelFolder>;
  /** Close it where it is not read to its end. */
  openOptimizer(): Promise<SafetensorsFile>;
}

/**
 * Writes the next generation and returns its folder; then the oldest go.
 *
 * @param damaged names of generations that are known to be: they go too, and do not count among those that are kept
 * @throws TmcaError OUTPUT_NOT_WRITABLE, CONFIG_INVALID, BAD_ARGUMENT
 */
export async function saveCheckpoint(
  root: string,
  content: CheckpointContent,
  origin: Origin,
  disk: Disk,
  damaged: ReadonlySet<string> = new Set(),
): Promise<string> {
  const state = stateToText(content.state);
  await disk.mkdir(root);
  const generations = await listGenerations(root);
  // what an earlier process left when it died
  for (const name of generations.unfinished) await disk.remove(join(root, name));
  const name = String((generations.complete.at(-1)?.number ?? 0) + 1).padStart(6, '0');
  const temporary = join(root, `.writing-${name}`);
  await disk.mkdir(temporary);
  const files = [
    ...modelFiles(content),
    ['state.safetensors', safetensorsChunks(content.optimizer, { format: 'pt' })] as const,
    ['state.json', text(state)] as const,
  ];
  try {
    await writeWithManifest(temporary, files, origin, disk);
    await disk.rename(temporary, join(root, name));
  } catch (error) {
    await disk.remove(temporary).catch(() => {});
    throw error;
  }
  await disk.sync(root);
  const whole = generations.complete.filter(each => !damaged.has(each.name));
  const spoilt = generations.complete.filter(each => damaged.has(each.name));
  for (const old of [...whole.slice(0, 1 - GENERATIONS), ...spoilt]) {
    // renamed first: a name of digits always stands for a whole folder
    await disk.rename(join(root, old.name), join(root, `.old-${old.name}`));
    await disk.remove(join(root, `.old-${old.name}`));
  }
  return join(root, name);
}

/**
 * The newest checkpoint whose files are all there and have their hashes; null where there is none at all.
 *
 * Errors: MANIFEST_MISMATCH, where there are checkpoints and every one is damaged: starting anew must be the user's choice.
 */
export async function latestCheckpoint(root: string): Promise<Checkpoint | null> {
  const skipped: { folder: string; reason: string }[] = [];
  const { complete } = await listGenerations(root);
  for (const { name } of complete.reverse()) {
    const folder = join(root, name);
    try {
      await verify(folder);
      const state = parseState(await readText(join(folder, 'state.json'), STATE), join(folder, 'state.json'));
      const openModel = () => openModelFolder(folder, nodeIo);
      return { folder, state, skipped, openModel, openOptimizer: () => openOptimizer(folder) };
    } catch (error) {
      if (!(error instanceof TmcaError)) throw error;
      skipped.push({ folder, reason: error.message });
    }
  }
  if (skipped.length === 0) return null;
  const [first] = skipped;
  throw new TmcaError(
    'MANIFEST_MISMATCH',
    `latestCheckpoint: one of the checkpoints in ${root} must be whole, got ${skipped.length} damaged (${first!.reason}); ` +
      'restore one, or start anew in another folder',
  );
}

/** Holds every file to the manifest. Errors: MANIFEST_MISMATCH, FILE_UNREADABLE. */
async function verify(folder: string): Promise<void> {
  const required = ['config.json', 'model.safetensors', 'state.safetensors', 'state.json'];
  const where = join(folder, 'manifest.json');
  const fail = (rule: string) =>
    new TmcaError('MANIFEST_MISMATCH', `latestCheckpoint: ${where}: ${rule}; restore the file`);
  const rule = 'latestCheckpoint: a checkpoint must have a manifest';
  const json = await readJson(where, { rule, advice: 'restore the file', invalid: 'MANIFEST_MISMATCH' });
  const { files } = parseManifest(json, where);
  for (const name of required) if (!files.has(name)) throw fail(`a manifest must list ${name}, got none`);
  for (const [name, entry] of files) {
    const source = await diskSource(join(folder, name));
    if (!source) throw fail(`${name} must be there, got none`);
    // hashed as it streams; the bytes are read again by whoever loads them
    for await (const _ of verifiedSource(source, entry, nodeIo.sha256).stream());
  }
}

async function openOptimizer(folder: string): Promise<SafetensorsFile> {
  const path = join(folder, 'state.safetensors');
  const source = await diskSource(path);
  if (source) return openSafetensors(source);
  throw new TmcaError('FILE_NOT_FOUND', `Checkpoint.openOptimizer: ${path} must be there, got none; use another one`);
}

interface Generation {
  readonly name: string;
  readonly number: number;
}

/** Oldest first. */
async function listGenerations(root: string): Promise<{ complete: Generation[]; unfinished: string[] }> {
  const names = await readdir(root).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return [];
    const message = `latestCheckpoint: ${root} must be a folder that can be read, got ${cause.code}; check its rights`;
    throw new TmcaError('FILE_UNREADABLE', message, { cause });
  });
  const complete = names.filter(name => NAME.test(name)).map(name => ({ name, number: Number(name) }));
  return {
    complete: complete.sort((a, b) => a.number - b.number),
    unfinished: names.filter(name => UNFINISHED.test(name)),
  };
}
