// Opens the device of an adapter: its features and limits, the profile of its kind, and what only some kinds need.

import { TmcaError, throwIfAborted } from '../errors/index.js';
import { describeAdapter, findAdapter, negotiateLimits } from './adapter.js';
import { type DeviceFeatures, type DeviceOptions, featureNames, GpuDevice } from './device.js';

/**
 * Opens a device with every feature the project uses and the adapter's own limits.
 *
 * Errors: NO_WEBGPU, NO_ADAPTER, ABORTED, GPU_FAILED (the adapter refuses), DEVICE_LOST (lost as soon as opened, twice).
 *
 * @example
 * using gpu = await openDevice({ gpu: navigator.gpu, prefer: 'any' });
 */
export async function openDevice(options: DeviceOptions): Promise<GpuDevice> {
  // A device can be born lost (the GPU process is restarting); a new adapter is the cure.
  const first = await tryOpen(options);
  if (first.state === 'open') return first;
  const second = await tryOpen(options);
  second.check('openDevice');
  return second;
}

async function tryOpen(options: DeviceOptions): Promise<GpuDevice> {
  const { signal } = options;
  throwIfAborted(signal, 'openDevice');
  const adapter = await findAdapter(options);
  throwIfAborted(signal, 'openDevice');
  const features = Object.fromEntries(
    Object.entries(featureNames).map(([key, name]) => [
      key,
      (options.features?.[key as keyof DeviceFeatures] ?? true) && adapter.features.has(name),
    ]),
  ) as unknown as DeviceFeatures;
  const info = describeAdapter(adapter);
  const { profileOf, tuningOf } = await import('./profiles.js');
  const profile = profileOf(info);
  const { subgroupMinSize, subgroupMaxSize } = adapter.info;
  const tuning = tuningOf(profile, { ...features, subgroupMinSize, subgroupMaxSize });
  const software = info.software ? await import('./software/trusted-tuning.js') : undefined;
  const device = await requestDevice(adapter, features);
  const gpu = new GpuDevice(device, info, features, { tuning, profile: profile.name, ...software?.softwareExtras() });
  if (signal?.aborted) gpu.dispose();
  throwIfAborted(signal, 'openDevice');
  // One round trip, so that a device that was born lost shows it.
  await device.queue.onSubmittedWorkDone().catch(() => undefined);
  if (!options.hasty) await gpu.settle();
  return gpu;
}

async function requestDevice(adapter: GPUAdapter, features: DeviceFeatures): Promise<GPUDevice> {
  const wanted = Object.entries(featureNames).filter(([key]) => features[key as keyof DeviceFeatures]);
  try {
    return await adapter.requestDevice({
      label: 'tmca',
      requiredFeatures: wanted.map(([, name]) => name),
      requiredLimits: { ...negotiateLimits(adapter.limits) },
    });
  } catch (cause) {
    throw new TmcaError(
      'GPU_FAILED',
      `openDevice: the adapter must give a device, got ${cause}; update the graphics driver`,
      { cause },
    );
  }
}
