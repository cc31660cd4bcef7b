// What a browser can do, asked before a model is loaded: with adapters that are made up.

import { afterEach, expect, test, vi } from 'vitest';
import { inspectPlan } from '../../node/index.js';
import { SHIPPED_FRAME } from '../../runtime/browser/frame-estimate.js';
import { Segmenter } from '../../runtime/index.js';

afterEach(() => vi.unstubAllGlobals());

const adapter = (description: string, isFallbackAdapter: boolean, features: string[]) => ({
  info: { vendor: 'maker', architecture: 'kind', device: '', description, isFallbackAdapter },
  features: new Set(features),
  limits: {},
  requestDevice: () => Promise.reject(new Error('no device')),
});

const browser = (found: object | null | undefined) =>
  vi.stubGlobal('navigator', found === undefined ? {} : { gpu: { requestAdapter: async () => found } });

test('hardware: its name, its numbers of 16 bits, and that `auto` takes it', async () => {
  browser(adapter('Rocket 9', false, ['timestamp-query', 'shader-f16']));
  expect(await Segmenter.capabilities()).toEqual({
    adapter: {
      vendor: 'maker',
      architecture: 'kind',
      description: 'Rocket 9',
      software: false,
      features: ['shader-f16', 'timestamp-query'],
    },
    f16: true,
    device: 'webgpu',
    reason: 'a hardware adapter is present: Rocket 9',
    frameMs: null,
    note: expect.stringContaining('nothing was measured'),
  });
});

test('software: `auto` takes wasm, and says why; it is not measured', async () => {
  browser(adapter('SwiftShader', true, []));
  expect(await Segmenter.capabilities({ measure: true })).toMatchObject({
    adapter: { software: true },
    f16: false,
    device: 'wasm',
    reason: expect.stringContaining('only SwiftShader, which runs on the CPU'),
    frameMs: null,
    note: expect.stringContaining('only a GPU is measured'),
  });
});

test.each([null, undefined])('no adapter (%s): wasm', async found => {
  browser(found);
  expect(await Segmenter.capabilities()).toMatchObject({
    adapter: null,
    f16: false,
    device: 'wasm',
    reason: 'there is no WebGPU adapter; wasm runs instead',
  });
});

test('a GPU that gives no device is not estimated', async () => {
  browser(adapter('Rocket 9', false, []));
  const { frameMs, note } = await Segmenter.capabilities({ measure: true });
  expect([frameMs, note]).toEqual([null, 'the GPU could not be measured']);
});

test('options of another kind are named, and a signal stops it', async () => {
  browser(adapter('Rocket 9', false, []));
  await expect(Segmenter.capabilities({ measure: 'yes' } as never)).rejects.toMatchObject({ code: 'BAD_ARGUMENT' });
  const stopped = Segmenter.capabilities({ measure: true, signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'ABORTED' });
});

test('the frame that is estimated is that of the shipped model', async () => {
  const { frame } = await inspectPlan('models/nano');
  expect(Math.abs(SHIPPED_FRAME.gflop / frame.gflop - 1)).toBeLessThan(0.1);
  expect(Math.abs(SHIPPED_FRAME.dispatches / frame.dispatches - 1)).toBeLessThan(0.1);
});
