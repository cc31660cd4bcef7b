// A software adapter's work by the time that its threads spent on a CPU: what else the machine does hardly counts. Linux tells it.

import { readdirSync } from 'node:fs';
import { cpus } from 'node:os';
import type { GpuDevice } from '../../gpu/device.js';
import { readOwnFile } from '../../node/disk/read-file.js';
import type { Stopwatch } from '../clock.js';

const TASKS = '/proc/self/task';

/** Nanoseconds on a CPU of all threads but this one, by thread. */
function threads(): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const id of readdirSync(TASKS)) {
    if (Number(id) === process.pid) continue;
    try {
      found.set(id, Number(readOwnFile(`${TASKS}/${id}/schedstat`).split(' ')[0]));
    } catch {} // ended meanwhile
  }
  return found;
}

/**
 * Milliseconds that a dispatch would take on cores that it has for itself: the threads' time over the cores that its workgroups can
 * keep busy.
 */
export function elapsed(threadMs: number, workgroups: number, cores: number): number {
  return (threadMs * Math.ceil(workgroups / cores)) / workgroups;
}

/** Threads of less than this share of the busiest one's time are the process's others. */
const IDLE = 0.2;

const driverThreads: Stopwatch = {
  name: 'driver-threads',
  async time({ workgroups }, work) {
    const before = threads();
    await work();
    const spent = [...threads()].map(([id, ns]) => ns - (before.get(id) ?? 0));
    const most = Math.max(...spent);
    const busy = spent.filter(ns => ns > IDLE * most).reduce((sum, ns) => sum + ns, 0);
    const [x, y, z] = workgroups;
    return elapsed(busy / 1e6, x * y * z, cpus().length);
  },
};

/** The stopwatch for a device, where one serves better than its timestamps. */
export const stopwatchFor = ({ adapter }: GpuDevice): Stopwatch | undefined =>
  adapter.software && process.platform === 'linux' ? driverThreads : undefined;
