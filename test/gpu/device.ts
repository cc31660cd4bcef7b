// Devices of the project's own kind for tests above the kernels: one with everything the adapter has, one without
// shader-f16 (what many carts offer), opened once a file.

import { afterAll } from 'vitest';
import type { GpuDevice } from '../../gpu/device.js';
import { nodeGpu } from '../../gpu/node.js';
import { openDevice } from '../../gpu/open-device.js';
import { choosePrecision, type PrecisionChoice } from '../../runtime/engines/choice.js';

const open = new Map<boolean, Promise<GpuDevice>>();

export function testDevice(f16: boolean): Promise<GpuDevice> {
  let device = open.get(f16);
  if (!device) {
    device = nodeGpu().then(gpu => openDevice({ gpu, prefer: 'any', features: { f16 } }));
    open.set(f16, device);
  }
  return device;
}

afterAll(async () => {
  for (const device of open.values()) (await device).dispose();
});

export interface DeviceVariation {
  readonly name: string;
  readonly gpu: GpuDevice;
  readonly precision: PrecisionChoice;
}

/** Every way in which the adapter can run a network: fp32, fp16 with f32 arithmetic, and fp16 where it has shader-f16. */
export async function deviceVariations(): Promise<DeviceVariation[]> {
  const [full, plain] = [await testDevice(true), await testDevice(false)];
  const variations = [
    { name: 'fp32', gpu: full, precision: choosePrecision('fp32', 'fp32', full.features.f16) },
    { name: 'fp16 without shader-f16', gpu: plain, precision: choosePrecision('fp16', 'fp32', false) },
  ];
  if (full.features.f16) variations.push({ name: 'fp16', gpu: full, precision: choosePrecision('fp16', 'fp32', true) });
  return variations;
}
