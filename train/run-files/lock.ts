// Which process trains in a run's folder: `train.lock`, there while it does. A second one is refused before it reads or writes
// anything else. A process that was killed leaves its lock behind; whoever comes next sees that it is gone and takes the lock over.

import { randomUUID } from 'node:crypto';
import { mkdir, open, rename, rm, rmdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { TmcaError } from '../../errors/index.js';
import { readJson, readOwnFile } from '../../runtime/node/read-file.js';
import { named } from './disk.js';

const NAME = 'train.lock';

interface Holder {
  readonly pid: number;
  readonly host: string;
  /** When the process began, as its system counts it, since numbers are given out again; null where that is not told. */
  readonly began: string | null;
  /** ISO 8601. */
  readonly since: string;
  /** Of this lock alone. */
  readonly id: string;
}

export interface RunLock {
  /** Lets the next one in; a folder that was made for the lock and holds nothing goes too. Twice is fine. */
  release(): Promise<void>;
}

/**
 * Takes the folder, which is made if it is not there.
 *
 * Errors: RUN_BUSY (a process trains there), OUTPUT_NOT_WRITABLE.
 *
 * @example
 * const lock = await lockRun('runs/nano');
 * try { … } finally { await lock.release(); }
 */
export async function lockRun(folder: string): Promise<RunLock> {
  const path = join(folder, NAME);
  const mine: Holder = {
    ...{ pid: process.pid, host: hostname(), began: beginningOf(process.pid) },
    ...{ since: new Date().toISOString(), id: randomUUID() },
  };
  const made = await named(folder, () => mkdir(folder, { recursive: true }));
  try {
    while (!(await take(path, mine))) await takeOver(path, folder);
  } catch (error) {
    await removeEmpty(folder, made);
    throw error;
  }
  return {
    async release() {
      if ((await holderOf(path))?.id === mine.id) await named(path, () => rm(path, { force: true }));
      await removeEmpty(folder, made);
    },
  };
}

/** For what another process may have removed meanwhile. */
function ifThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}

/** False where there is a lock. */
async function take(path: string, mine: Holder): Promise<boolean> {
  const handle = await named(path, () =>
    open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return null;
      throw error;
    }),
  );
  if (!handle) return false;
  try {
    await named(path, () => handle.writeFile(`${JSON.stringify(mine)}\n`));
  } finally {
    await handle.close();
  }
  return true;
}

/** A lock without content is being written, or its writer died just then. */
const WRITING_MS = 10_000;

/** Removes a lock whose process is gone. */
async function takeOver(path: string, folder: string): Promise<void> {
  const holder = await holderOf(path);
  const age = await stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => null,
  );
  if (age === null) return; // released meanwhile
  if (holder ? isAlive(holder) : age < WRITING_MS) throw busy(folder, path, holder);
  // By renaming, since of two that see the same dead lock one may have put its own there by now: that one is put back.
  const aside = `${path}.${randomUUID()}`;
  await named(path, () => rename(path, aside).catch(ifThere));
  const moved = await holderOf(aside);
  if (moved && moved.id !== holder?.id) await rename(aside, path).catch(() => undefined);
  else await rm(aside, { force: true });
}

function busy(folder: string, path: string, holder: Holder | null): TmcaError {
  const who = holder ? `process ${holder.pid} on ${holder.host}, since ${holder.since}` : 'one that is just beginning';
  const elsewhere = holder && holder.host !== hostname();
  return new TmcaError(
    'RUN_BUSY',
    `train: one process at a time may train in ${folder}, got another, ${who}; wait for it, or name another folder` +
      (elsewhere ? `; if it is gone, remove ${path}` : ''),
  );
}

async function holderOf(path: string): Promise<Holder | null> {
  try {
    const found = (await readJson(path, {
      rule: 'lockRun: a lock must be JSON',
      advice: 'remove it',
    })) as Partial<Holder>;
    return typeof found.pid === 'number' && typeof found.id === 'string' ? (found as Holder) : null;
  } catch {
    return null;
  }
}

/** Of another machine nothing is known: its lock counts until it is removed. */
function isAlive({ pid, host, began }: Holder): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const now = beginningOf(pid);
  return began === null || now === null ? now !== GONE : began === now;
}

/** A process that has ended and whose parent has not asked after it. */
const GONE = 'gone';

/** Linux: the time since boot at which a process began; null where that is not to be found. */
function beginningOf(pid: number): string | null {
  try {
    // after the name, which is in brackets and may hold anything: state, then 18 more, then the time
    const fields = readOwnFile(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? GONE : fields[19]!;
  } catch {
    return null;
  }
}

/** @param first the outermost folder that was made; none if undefined */
async function removeEmpty(folder: string, first: string | undefined): Promise<void> {
  if (first === undefined) return;
  const outermost = resolve(first);
  for (let at = resolve(folder); at.length >= outermost.length; at = dirname(at)) {
    const removed = await rmdir(at).then(
      () => true,
      () => false,
    );
    if (!removed) return;
  }
}
