// WebGPU for what runs nowhere else. Apart from the engines' table, since a page that segments needs none of it.

import type { GpuDevice } from '../../gpu/device.js';
import { openDevice } from '../../gpu/open-device.js';
import type { Platform } from './platform.js';

/** A WebGPU device on any adapter, hardware first. Errors: NO_WEBGPU, NO_ADAPTER, GPU_FAILED, ABORTED. */
export const requireGpu = async (platform: Platform, signal: AbortSignal | undefined): Promise<GpuDevice> =>
  openDevice({ gpu: await platform.gpu(), prefer: 'any', signal });
