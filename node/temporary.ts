// Names of what is being written, and what becomes of it where its process died: a kill leaves files and folders behind that
// nobody would ever remove. Their names say whose they are, and the next writer in that folder looks after them.

import { createHash, randomBytes } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { beginningOf, isRunning } from './processes.js';

/** Processes that see each other: those of one machine and, within it, of one container. */
const machine = (): string => {
  let space = '';
  try {
    space = readlinkSync('/proc/self/ns/pid');
  } catch {
    // no Linux
  }
  return createHash('sha256').update(`${hostname()} ${space}`).digest('hex').slice(0, 8);
};

const NAME = /^\.tmca-([0-9a-f]{8})-(\d+)-(\d*)-[0-9a-f]{12}\.(tmp|old)$/;

/**
 * A path in `folder` that nothing has, of a length that does not depend on the final name. `tmp`: to be removed with its
 * process; `old`: a folder whose content goes back to `folder` where nothing has taken its place.
 */
export const temporaryIn = (folder: string, end: 'tmp' | 'old' = 'tmp'): string =>
  join(
    folder,
    `.tmca-${machine()}-${process.pid}-${beginningOf(process.pid) ?? ''}-${randomBytes(6).toString('hex')}.${end}`,
  );

const cleaned = new Set<string>();

/** Removes what processes that are gone left in a folder; once for each folder, since it may hold very many files. Never fails. */
export async function cleanUp(folder: string): Promise<void> {
  const path = resolve(folder);
  if (cleaned.has(path)) return;
  cleaned.add(path);
  const here = machine();
  for (const name of await readdir(path).catch(() => [])) {
    const [, of, pid, began, end] = NAME.exec(name) ?? [];
    // of other machines nothing is known
    if (of !== here || isRunning({ pid: Number(pid), began: began || null })) continue;
    if (end === 'old') await putBack(join(path, name), path);
    await rm(join(path, name), { recursive: true, force: true }).catch(() => {});
  }
}

async function putBack(old: string, folder: string): Promise<void> {
  for (const name of await readdir(old).catch(() => [])) {
    const taken = await stat(join(folder, name)).catch(() => null);
    if (!taken) await rename(join(old, name), join(folder, name)).catch(() => {});
  }
}
