// What only devices that run on the CPU need; loaded with one, so that a page with a GPU downloads none of it.

import type { DeviceExtras } from './device.js';
import { laneIncludes } from './kernels/include/lanes.js';
import { Pacer } from './pacer.js';

/** A browser's main thread may not sleep, and there another process does the work: only Node is paced. */
const inNode = (): boolean =>
  typeof setImmediate === 'function' && typeof process !== 'undefined' && process.versions?.node !== undefined;

export function softwareExtras(): DeviceExtras {
  return { includes: laneIncludes, pacer: inNode() ? new Pacer() : null };
}
