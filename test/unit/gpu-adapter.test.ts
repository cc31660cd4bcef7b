// Choosing an adapter and reading errors, with an adapter and a device made of plain objects.

import { describe, expect, test, vi } from 'vitest';
import type { TmcaError } from '../../errors/index.js';
import { findAdapter, isSoftware, listAdapters } from '../../gpu/adapter.js';
import { openDevice } from '../../gpu/open-device.js';

type Names = Partial<Record<'vendor' | 'architecture' | 'device' | 'description', string>>;

function adapter(names: Names, device?: () => Promise<unknown>): GPUAdapter {
  return {
    info: { vendor: '', architecture: '', device: '', description: '', isFallbackAdapter: false, ...names },
    features: new Set(['shader-f16', 'timestamp-query']),
    limits: { maxBufferSize: 1000, maxStorageBufferBindingSize: 500 },
    requestDevice: device,
  } as unknown as GPUAdapter;
}

/** A `GPU` that answers with `best`, or with `fallback` when a fallback adapter is asked for. */
function gpuOf(best: GPUAdapter | null, fallback: GPUAdapter | null = null): GPU {
  return {
    requestAdapter: async (options: GPURequestAdapterOptions) => (options.forceFallbackAdapter ? fallback : best),
  } as unknown as GPU;
}

const hardware = adapter({ vendor: 'nvidia', architecture: 'turing', description: 'NVIDIA T400' });
const software = adapter({ vendor: 'mesa', architecture: 'software', description: 'llvmpipe: Mesa 25.0.7' });

test.each<[Names, boolean]>([
  [{ vendor: 'google', architecture: 'swiftshader' }, true],
  [{ device: 'llvmpipe-llvm-15-0-6-256-bits-' }, true],
  [{ description: 'lavapipe' }, true],
  [{ vendor: 'microsoft', architecture: 'warp' }, true],
  [{ description: 'Microsoft Basic Render Driver' }, true],
  [{ vendor: 'nvidia', architecture: 'turing' }, false],
  [{ vendor: 'amd', description: 'Radeon WarpDrive' }, false],
  [{}, false],
])('%o is software: %s', (names, expected) => {
  expect(isSoftware(adapter(names))).toBe(expected);
});

test('a fallback adapter is software by its own word, in both places where browsers say it', () => {
  const { info } = hardware;
  expect(isSoftware({ info: { ...info, isFallbackAdapter: true } as GPUAdapterInfo })).toBe(true);
  expect(isSoftware({ info, isFallbackAdapter: true })).toBe(true);
});

describe('findAdapter', () => {
  test('prefers hardware, and takes software only where it was asked for', async () => {
    expect(await findAdapter({ gpu: gpuOf(hardware, software), prefer: 'any' })).toBe(hardware);
    expect(await findAdapter({ gpu: gpuOf(software), prefer: 'any' })).toBe(software);
    expect(await findAdapter({ gpu: gpuOf(null, software), prefer: 'any' })).toBe(software);
    expect(await findAdapter({ gpu: gpuOf(hardware, software), prefer: 'software' })).toBe(software);
    await expect(findAdapter({ gpu: gpuOf(software, software) })).rejects.toThrow(
      'openDevice: there must be a hardware adapter, got only "llvmpipe: Mesa 25.0.7"; choose device webgpu',
    );
    await expect(findAdapter({ gpu: gpuOf(hardware), prefer: 'software' })).rejects.toMatchObject({
      code: 'NO_ADAPTER',
    });
  });

  test('says in one line what is missing and how to get it, where this runs', async () => {
    const said = async () => {
      const failures = [undefined, gpuOf(null)].map(gpu => findAdapter({ gpu }).catch((error: TmcaError) => error));
      return (await Promise.all(failures)).map(error => ('code' in error ? `${error.code} ${error.message}` : 'none'));
    };
    const [nowhere, none] = await said();
    expect(nowhere).toMatch(
      /^NO_WEBGPU openDevice: WebGPU must be available, got no navigator\.gpu; .*npm run setup.*$/,
    );
    expect(none).toMatch(/^NO_ADAPTER openDevice: there must be a WebGPU adapter, got none; .*mesa-vulkan-drivers.*$/);
    vi.stubGlobal('process', undefined);
    const inBrowser = await said().finally(() => vi.unstubAllGlobals());
    expect(inBrowser[0]).toMatch(/^NO_WEBGPU .*https.*Chrome or Edge 113\+/);
    expect(inBrowser[1]).toMatch(/^NO_ADAPTER .*hardware acceleration.*chrome:\/\/flags.*restart the browser/);
    expect(inBrowser.join()).not.toMatch(/mesa|setup/i);
  });

  test('lists hardware first, each adapter once', async () => {
    const list = await listAdapters(gpuOf(hardware, software));
    expect(list.map(info => info.software)).toEqual([false, true]);
    expect(list[0]).toMatchObject({ vendor: 'nvidia', limits: { maxBufferSize: 1000 } });
  });
});

/** A device whose error scopes answer `error`, and that is lost from the start if `lost`. */
function fakeDevice({ error = null, lost = false }: { error?: unknown; lost?: boolean }): unknown {
  return {
    lost: lost ? Promise.resolve({ reason: 'unknown', message: 'born lost' }) : new Promise(() => undefined),
    limits: { maxBufferSize: 1000 },
    addEventListener: () => undefined,
    queue: { onSubmittedWorkDone: async () => undefined },
    pushErrorScope: () => undefined,
    popErrorScope: async () => error,
    createBuffer: ({ size }: { size: number }) => ({ size, destroy: () => undefined }),
    destroy: () => undefined,
  };
}

describe('openDevice', () => {
  test('a device born lost is asked for again, on a new adapter, once', async () => {
    const devices = [fakeDevice({ lost: true }), fakeDevice({})];
    const device = await openDevice({ gpu: gpuOf(adapter({}, async () => devices.shift())) });
    expect(device.state).toBe('open');
    const always = openDevice({ gpu: gpuOf(adapter({}, async () => fakeDevice({ lost: true }))) });
    await expect(always).rejects.toMatchObject({ code: 'DEVICE_LOST', retryable: true });
  });

  test('asks for the features and limits that the adapter has', async () => {
    const asked: unknown[] = [];
    const request = (async (descriptor: unknown) => {
      asked.push(descriptor);
      return fakeDevice({});
    }) as unknown as () => Promise<unknown>;
    await openDevice({ gpu: gpuOf(adapter({}, request)), features: { timestamps: false } });
    expect(asked).toEqual([
      {
        label: 'tmca',
        requiredFeatures: ['shader-f16'],
        requiredLimits: { maxBufferSize: 1000, maxStorageBufferBindingSize: 500 },
      },
    ]);
  });

  test('a refusal keeps its cause', async () => {
    const cause = new Error('out of handles');
    const refused = openDevice({ gpu: gpuOf(adapter({}, () => Promise.reject(cause))) });
    await expect(refused).rejects.toMatchObject({ code: 'GPU_FAILED', cause });
  });

  test('memory that is not there is told from other errors, and not counted', async () => {
    class GPUOutOfMemoryError {
      message = 'Failed to allocate';
    }
    const fake = fakeDevice({ error: new GPUOutOfMemoryError() });
    const device = await openDevice({ gpu: gpuOf(adapter({}, async () => fake)) });
    const created = device.createBuffer({ label: 'weights', size: 800, usage: 0, kind: 'weights' });
    await expect(created).rejects.toMatchObject({
      code: 'GPU_OUT_OF_MEMORY',
      message: expect.stringMatching(
        /^createBuffer weights: the device must have the memory, got "Failed to allocate"/,
      ),
    });
    expect(device.bytes.weights).toBe(0);
  });
});
