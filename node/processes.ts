// Whether a process still runs, told by its number and, since numbers are given out again, by when it began.

import { readOwnFile } from './disk/read-file.js';

export interface ProcessId {
  readonly pid: number;
  /** `beginningOf`; null where that is not told. */
  readonly began: string | null;
}

/** Tells whether a process of this machine runs. Numbers of 0 and below stand for groups of processes, so none of these does. */
export function isRunning({ pid, began }: ProcessId): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // no right to signal it: it is there
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const now = beginningOf(pid);
  return began === null || now === null ? now !== GONE : began === now;
}

/** A process that has ended and whose parent has not asked after it. */
const GONE = 'gone';

/** Linux: the time since boot at which a process began; null where that is not to be found. */
export function beginningOf(pid: number): string | null {
  try {
    // after the name, which is in brackets and may hold anything: state, then 18 more, then the time
    const fields = readOwnFile(`/proc/${pid}/stat`).split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? GONE : fields[19]!;
  } catch {
    return null;
  }
}
