// A model folder's files with their manifest: written into a folder of their own (a checkpoint), or over those of a folder
// that others may be reading (the run's best model).

import { join } from 'node:path';
import { type SafetensorsTensor, safetensorsChunks } from '../../formats/safetensors/index.js';
import { type Config, configToJson } from '../../networks/config.js';
import { jsonBytes, ManifestWriter } from '../../node/model-folder/manifest-writer.js';
import type { Disk } from './disk.js';

/** What a model folder is made from. */
export interface ModelContent {
  readonly config: Config;
  /** Content of vocab.txt; null for a network that runs on token ids only. */
  readonly vocab: Uint8Array | null;
  /** Parameters and buffers under their checkpoint names. */
  readonly weights: Iterable<SafetensorsTensor>;
}

/** Files by name, each in pieces, in the order in which they are written. */
export type Files = readonly (readonly [name: string, chunks: Iterable<Uint8Array>])[];

/** Who wrote the files. */
export interface Origin {
  /** name@version. */
  readonly package: string;
  /** The manifest's "created"; ISO 8601. */
  readonly created: string;
}

export const text = (content: string): Uint8Array[] => [new TextEncoder().encode(content)];

/** config.json, vocab.txt and model.safetensors. */
export function modelFiles({ config, vocab, weights }: ModelContent): Files {
  return [
    ['config.json', [jsonBytes(configToJson(config))]],
    ...(vocab ? [['vocab.txt', [vocab]] as const] : []),
    ['model.safetensors', safetensorsChunks(weights, { format: 'pt' })],
  ];
}

/** Writes files one after another into a folder that is there, then their manifest.json: a folder without it is unfinished. */
export async function writeWithManifest(folder: string, files: Files, origin: Origin, disk: Disk): Promise<void> {
  const manifest = new ManifestWriter();
  for (const [name, chunks] of files) await disk.write(join(folder, name), manifest.record(name, chunks));
  await disk.write(join(folder, 'manifest.json'), [manifest.bytes({ ...origin })]);
  await disk.sync(folder);
}

/**
 * Replaces the model of a folder. Whenever it stops, the folder holds the old model or the new one: the manifest, which
 * would hold one to the hashes of the other, goes first and comes back last, and each file appears whole. Both models must be
 * of one architecture.
 */
export async function replaceModel(folder: string, content: ModelContent, origin: Origin, disk: Disk): Promise<void> {
  const manifest = new ManifestWriter();
  const put = async (name: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) => {
    const temporary = replacement(folder, name);
    await disk.write(temporary, chunks);
    await disk.rename(temporary, join(folder, name));
  };
  await disk.remove(join(folder, 'manifest.json'));
  for (const [name, chunks] of modelFiles(content)) await put(name, manifest.record(name, chunks));
  await put('manifest.json', [manifest.bytes({ ...origin })]);
  await disk.sync(folder);
}

const replacement = (folder: string, name: string): string => join(folder, `.${name}.tmp`);

/** What `replaceModel` leaves where it is killed. */
export const replacements = (folder: string): string[] =>
  ['config.json', 'vocab.txt', 'model.safetensors', 'manifest.json'].map(name => replacement(folder, name));
