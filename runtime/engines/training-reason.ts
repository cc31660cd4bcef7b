// Why WebGPU runs a training. Apart from the choice of an engine, since a page that segments needs none of it.

import type { DeviceChoice } from '../types.js';
import { type AdapterTraits, nameOf } from './choice.js';
import { engines } from './table.js';

/** Why WebGPU runs what runs nowhere else (training), on any adapter. */
export function trainingReason(choice: DeviceChoice, adapter: AdapterTraits): string {
  if (choice !== 'auto' || !adapter.software) return engines.webgpu.reason(choice, adapter);
  return `no hardware adapter is present; the software adapter ${nameOf(adapter)} runs, slowly, on the CPU`;
}
