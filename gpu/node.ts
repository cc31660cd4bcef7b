// WebGPU in Node: Dawn, from the package `webgpu`. The one file of this folder that a browser must not load.

import { TmcaError } from '../errors/index.js';
import { fromPackage, specifierOf } from '../errors/optional-package.js';

export interface NodeGpuOptions {
  /** Dawn's back end: vulkan, metal, d3d12, … Its own choice if not given. */
  readonly backend?: string;
  /** Part of the adapter's name, where there are several. */
  readonly adapter?: string;
}

const instances = new Map<string, Promise<GPU>>();

/**
 * The process's `GPU` object, as `navigator.gpu` is in a browser; the WebGPU globals (`GPUBufferUsage`, …) are defined on
 * the way. One instance per set of options is kept, because Dawn's devices must not outlive the instance they came from.
 * A process whose devices are disposed exits by itself.
 *
 * Errors: PACKAGE_MISSING (webgpu is not installed), NO_WEBGPU (no binary for this platform, or one that does not load).
 */
export function nodeGpu(options: NodeGpuOptions = {}): Promise<GPU> {
  const flags = Object.entries(options).map(([name, value]) => `${name}=${value}`);
  const key = flags.join(' ');
  const instance = instances.get(key) ?? create(flags);
  instances.set(key, instance);
  // A failure is not kept: the next call tries again.
  instance.catch(() => instances.delete(key));
  return instance;
}

/** Forgets Dawn's instances, to be freed with the last device; dispose the devices first. */
export function releaseNodeGpu(): void {
  instances.clear();
}

async function create(flags: string[]): Promise<GPU> {
  try {
    const dawn = await fromPackage('webgpu', 'nodeGpu', () => import('webgpu'));
    // Newer Node versions may bring their own; what is there stays.
    for (const [name, value] of Object.entries(dawn.globals))
      if (!(name in globalThis))
        Object.defineProperty(globalThis, name, { value, configurable: true, writable: true, enumerable: false });
    return dawn.create(flags);
  } catch (cause) {
    if (cause instanceof TmcaError) throw cause;
    throw new TmcaError(
      'NO_WEBGPU',
      `nodeGpu: Dawn must load, got ${cause instanceof Error ? cause.message.split('\n')[0] : cause}; ` +
        `install it again on this platform (${process.platform}-${process.arch}): npm install ${specifierOf('webgpu')}`,
      { cause },
    );
  }
}
