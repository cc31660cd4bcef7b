// Results must not take the place of what they are made from. Files are compared by what they are and not by their names, so
// links, and the upper and lower case of disks that make no difference, change nothing.

import { readdir, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { check } from '../errors/index.js';
import { MODEL_FILES } from './model-folder/manifest-writer.js';

export interface Outputs {
  /** Files that are written or replaced. */
  readonly files?: readonly (string | undefined)[];
  /** A folder that is made, filled or replaced: it must be none of the inputs, nor hold one. */
  readonly folder?: string;
}

/**
 * Refuses outputs that are inputs. Call it before any work.
 *
 * @param inputs Files and folders that are read; addresses of servers and what is not there do not count.
 * @throws TmcaError BAD_ARGUMENT
 * @example
 * await keepInputs('preprocess', { files: [out] }, [image]);
 */
export async function keepInputs(
  where: string,
  { files = [], folder }: Outputs,
  inputs: readonly (string | undefined)[],
): Promise<void> {
  const read = inputs.filter(input => input !== undefined).map(pathOf);
  for (const file of files) {
    const found = file === undefined ? null : await identity(file);
    // what is not there yet replaces nothing
    if (found === null) continue;
    for (const input of read) refuse(where, file!, input, await isPartOf(file!, found, input));
  }
  const found = folder === undefined ? null : await identity(folder);
  if (found === null) return;
  for (const input of read) refuse(where, folder!, input, (await withParents(input)).includes(found));
}

function refuse(where: string, output: string, input: string, is: boolean): void {
  const both = output === input ? output : `${output}, which is or holds ${input}, or is a part of it`;
  check(!is, 'BAD_ARGUMENT', `${where}: results must not replace what is read, got ${both}; choose another --out`);
}

const pathOf = (input: string): string => (/^file:\/\//i.test(input) ? fileURLToPath(input) : input);

/** Tells a file or folder from every other, by whatever path it is reached; null where there is none. */
async function identity(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  return found && `${found.dev}:${found.ino}`;
}

/** A file is an input itself, or belongs to a folder that is one: to a model as one of its files, to a data set wherever it lies. */
async function isPartOf(file: string, found: string, input: string): Promise<boolean> {
  const whole = await identity(input);
  if (whole === null || whole === found) return whole === found;
  const names = await readdir(input).catch(() => null);
  if (!names) return false;
  const isModel = names.includes('config.json');
  for (const name of isModel ? MODEL_FILES : names) if ((await identity(join(input, name))) === found) return true;
  return !isModel && (await withParents(file)).includes(whole);
}

/** What a path leads to, and the folders that it lies in. */
async function withParents(path: string): Promise<readonly (string | null)[]> {
  const start = await realpath(path).catch(() => null);
  if (start === null) return [];
  const found = [await identity(start)];
  for (let at = start; dirname(at) !== at; ) {
    at = dirname(at);
    found.push(await identity(at));
  }
  return found;
}
