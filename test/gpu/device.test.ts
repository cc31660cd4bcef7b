// A device from opening to loss: what it negotiates, what it counts, and that every promise settles, as what.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { describeAdapter, findAdapter, listAdapters } from '../../gpu/adapter.js';
import type { GpuDevice } from '../../gpu/device.js';
import { nodeGpu } from '../../gpu/node.js';
import { openDevice } from '../../gpu/open-device.js';
import { variations } from './harness.js';

const gpu = await nodeGpu();
const opened: GpuDevice[] = [];
const open = async () => {
  const device = await openDevice({ gpu, prefer: 'any' });
  opened.push(device);
  return device;
};
afterEach(() => {
  for (const device of opened.splice(0)) device.dispose();
});

const storage = (size: number) =>
  ({ label: 'test', size, usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST, kind: 'arena' }) as const;

describe('opening', () => {
  test('has what the adapter has, and the kernel tests run every variation of it', async () => {
    const adapter = await findAdapter({ gpu, prefer: 'any' });
    const info = describeAdapter(adapter);
    const device = await open();
    expect(device.features).toEqual({
      f16: info.features.includes('shader-f16'),
      subgroups: info.features.includes('subgroups'),
      timestamps: info.features.includes('timestamp-query'),
    });
    expect(device.limits.maxStorageBufferBindingSize).toBe(info.limits.maxStorageBufferBindingSize);
    expect(device.limits.maxBufferSize).toBe(info.limits.maxBufferSize);
    expect((await variations()).length).toBe(device.features.f16 ? 4 : 2);
  });

  test('leaves features out on request', async () => {
    using device = await openDevice({ gpu, prefer: 'any', features: { f16: false, timestamps: false } });
    expect(device.features).toMatchObject({ f16: false, timestamps: false });
    expect([...device.device.features]).not.toContain('shader-f16');
  });

  test('lists each adapter once', async () => {
    const list = await listAdapters(gpu);
    expect(list.length).toBeGreaterThan(0);
    expect(new Set(list.map(info => JSON.stringify(info))).size).toBe(list.length);
  });

  test('stops at its signal', async () => {
    const controller = new AbortController();
    const opening = openDevice({ gpu, prefer: 'any', signal: controller.signal });
    controller.abort();
    await expect(opening).rejects.toMatchObject({ code: 'ABORTED' });
  });
});

describe('memory', () => {
  test('counts bytes by kind, and 100 rounds end where they began', async () => {
    const device = await open();
    const weights = await device.createBuffer({ ...storage(4096), kind: 'weights' });
    for (let round = 0; round < 100; round++) device.destroyBuffer(await device.createBuffer(storage(1024)));
    expect(device.bytes).toEqual({ weights: 4096, arena: 0, other: 0 });
    device.destroyBuffer(weights);
    device.destroyBuffer(weights);
    expect(device.bytes).toEqual({ weights: 0, arena: 0, other: 0 });
  });

  test('counts textures, and none that was refused', async () => {
    const device = await open();
    const usage = GPUTextureUsage.COPY_DST | GPUTextureUsage.TEXTURE_BINDING;
    const options = { label: 'test', size: [7, 5], format: 'rg8unorm', usage } as const;
    const texture = await device.createTexture(options);
    expect(device.bytes).toEqual({ weights: 0, arena: 0, other: 70 });
    const refused = device.createTexture({ ...options, size: [device.limits.maxTextureDimension2D + 1, 1] });
    await expect(refused).rejects.toMatchObject({ code: 'GPU_FAILED' });
    expect(device.bytes.other).toBe(70);
    device.destroyTexture(texture);
    device.destroyTexture(texture);
    expect(device.bytes.other).toBe(0);
  });

  test('a buffer beyond the limit is refused with the numbers', async () => {
    const device = await open();
    const { maxBufferSize } = device.limits;
    await expect(device.createBuffer(storage(maxBufferSize + 4))).rejects.toThrow(
      `createBuffer test: a buffer must be at most ${maxBufferSize} bytes on this device, got ${maxBufferSize + 4}`,
    );
  });

  test('a refused buffer is not counted', async () => {
    const device = await open();
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE;
    await expect(device.createBuffer({ ...storage(256), usage })).rejects.toMatchObject({ code: 'GPU_FAILED' });
    expect(device.bytes.arena).toBe(0);
    await device.createBuffer(storage(256));
  });
});

describe('a disposed device', () => {
  test('is collected, with all that it holds in the driver', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const used = async () => {
      const device = await openDevice({ gpu, prefer: 'any' });
      await device.createBuffer(storage(4096));
      device.dispose();
      return new WeakRef(device.device);
    };
    const left = await used();
    // a device that is kept ends in the test's limit
    while (left.deref()) {
      await new Promise(resolve => setTimeout(resolve, 20));
      collect();
    }
    expect(left.deref()).toBeUndefined();
  });
});

describe('errors that no scope caught', () => {
  test('are thrown by the next check, once', async () => {
    const device = await open();
    device.device.createBuffer({ size: 4, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.STORAGE });
    await device.guard('test', device.device.queue.onSubmittedWorkDone());
    expect(() => device.check('frame')).toThrow(/^frame: the device must accept the work, got "[\s\S]*MapRead/);
    expect(() => device.check('frame')).not.toThrow();
  });
});

describe('loss', () => {
  const never = () => new Promise<never>(() => undefined);

  test('rejects what is pending, whatever becomes of the promise, as retryable', async () => {
    const device = await open();
    const pending = [device.guard('a', never()), device.guard('b', never())];
    device.device.destroy();
    for (const result of await Promise.allSettled(pending))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'DEVICE_LOST', retryable: true } });
    expect(device.state).toBe('lost');
  });

  test('a map that was under way, and one begun afterwards', async () => {
    const device = await open();
    const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
    const [one, two] = [
      await device.createBuffer({ ...storage(256), usage }),
      await device.createBuffer({ ...storage(256), usage }),
    ];
    const underWay = device.guard('map', one.mapAsync(GPUMapMode.READ));
    device.device.destroy();
    const afterwards = device.guard('map', two.mapAsync(GPUMapMode.READ));
    await expect(underWay).rejects.toThrow(
      'map: the device must be available, got a lost one (destroyed: device was destroyed); open a new one and try again',
    );
    await expect(afterwards).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    await expect(device.createBuffer(storage(16))).rejects.toMatchObject({ code: 'DEVICE_LOST' });
    expect(() => device.check('frame')).toThrow('frame: the device must be available');
  });

  test('dispose rejects what is pending as DISPOSED, and twice is fine', async () => {
    const device = await open();
    const pending = expect(device.guard('a', never())).rejects.toMatchObject({ code: 'DISPOSED', retryable: false });
    device.dispose();
    device.dispose();
    await pending;
    expect(device.bytes).toEqual({ weights: 0, arena: 0, other: 0 });
    expect(() => device.check('frame')).toThrow('frame: the device must be open, got a disposed one');
    await device.device.lost;
    expect(device.state).toBe('disposed');
  });

  test('a signal ends the wait, and the device stays', async () => {
    const device = await open();
    const controller = new AbortController();
    const waiting = device.guard('read', never(), controller.signal);
    controller.abort();
    await expect(waiting).rejects.toThrow('read: stopped by its signal');
    await expect(device.guard('read', never(), controller.signal)).rejects.toMatchObject({ code: 'ABORTED' });
    device.check('frame');
  });
});
