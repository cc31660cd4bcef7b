// The benchmark's arithmetic, with runners and clocks that the test decides.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { agreement } from '../../devices/agreement.js';
import { alternate } from '../../devices/alternate.js';
import { madeInputs } from '../../devices/inputs.js';
import { kernelTable } from '../../devices/kernel-table.js';
import { elapsed, stopwatchFor } from '../../devices/node/driver-threads.js';
import { loadPeer } from '../../devices/node/find-peers.js';
import { exportedModels, type OrtModule, OrtRunner, type OrtTensor } from '../../devices/peers/ort.js';
import { leastMs, type Roofline } from '../../devices/roofline.js';
import type { Runner } from '../../devices/runner.js';
import { latency, pairedRatio, percentile } from '../../devices/statistics.js';
import type { GpuDevice } from '../../gpu/device.js';
import { defaultConfig, parseConfig } from '../../networks/config.js';
import { failure } from './raw-safetensors.js';

describe('statistics', () => {
  test('percentiles are linear between neighbours, whatever the order', () => {
    const samples = [40, 10, 30, 20];
    expect(percentile(samples, 0)).toBe(10);
    expect(percentile(samples, 0.5)).toBe(25);
    expect(percentile(samples, 0.95)).toBeCloseTo(38.5, 12);
    expect(percentile(samples, 1)).toBe(40);
    expect(samples).toEqual([40, 10, 30, 20]);
    expect(latency([7])).toEqual({ p50: 7, p95: 7, p99: 7, n: 1 });
    const hundred = Array.from({ length: 101 }, (_, i) => i);
    expect(latency(hundred)).toEqual({ p50: 50, p95: 95, p99: 99, n: 101 });
  });

  test('a ratio is that of pairs: a slow minute for both does not count', () => {
    const ours = [10, 10, 10, 100, 100];
    const theirs = [20, 20, 20, 200, 200];
    expect(pairedRatio(ours, theirs)).toBe(0.5);
    // medians of the samples alone would say so too here, but not where the minute falls between the two of a pair
    expect(pairedRatio([10, 10, 100], [20, 200, 200])).toBe(0.5);
  });

  test('no samples, no pairs', async () => {
    const none = await failure('BAD_ARGUMENT', () => percentile([], 0.5));
    expect(none.message).toBe('percentile: there must be samples and a share in 0..1, got 0 and 0.5; measure first');
    await failure('BAD_ARGUMENT', () => percentile([1], 1.1));
    const pairs = await failure('BAD_ARGUMENT', () => pairedRatio([1, 2], [1]));
    expect(pairs.message).toContain('samples must come in pairs, got 2 and 1; run both alternately');
  });
});

/** Runners on one clock; each call takes what it is told to, and is written down. */
function world() {
  let time = 0;
  const calls: string[] = [];
  const runner = (name: string, ms: { open: number; text: number[]; frame: number[] }, logit = 1): Runner => {
    const take = (what: string, times: number[]) => {
      calls.push(`${name} ${what}`);
      time += times.length > 1 ? times.shift()! : times[0]!;
    };
    return {
      name,
      version: '1',
      async open() {
        take('open', [ms.open]);
        return { load: ms.open - 1, compile: null };
      },
      text: async () => take('text', ms.text),
      async frame() {
        take('frame', ms.frame);
        return Float32Array.of(logit);
      },
      dispose: async () => {},
    };
  };
  return { calls, runner, now: () => time };
}

describe('alternate', () => {
  test('each runner cold and alone, then in turn; texts before frames', async () => {
    const { calls, runner, now } = world();
    const ours = runner('ours', { open: 100, text: [50, 4], frame: [30, 2] });
    const peer = runner('peer', { open: 10, text: [200, 8], frame: [190, 8] }, 2);
    const { results, ratio } = await alternate([ours, peer], { rounds: 6, budgetMs: 1e9, now });
    const cold = ['open', 'text', 'frame'];
    const inTurn = (what: string, n: number) =>
      Array(n)
        .fill([`ours ${what}`, `peer ${what}`])
        .flat();
    expect(calls).toEqual([
      ...cold.map(what => `ours ${what}`),
      ...cold.map(what => `peer ${what}`),
      ...inTurn('text', 5),
      ...inTurn('frame', 6),
    ]);
    expect(results[0]).toEqual({
      frame: { p50: 2, p95: 2, p99: 2, n: 6 },
      text: { p50: 4, p95: 4, p99: 4, n: 5 },
      cold: { load: 99, compile: null, first_text: 50, first_frame: 30, total: 180, cpu: null },
      logits: Float32Array.of(1),
    });
    expect(results[1]!.logits).toEqual(Float32Array.of(2));
    expect(ratio).toEqual({ frame: 0.25, text: 0.5, cold: 180 / 400 });
  });

  test('processor time is that of each cold start', async () => {
    const { runner, now } = world();
    const [ours, peer] = ['ours', 'peer'].map(name => runner(name, { open: 2, text: [3], frame: [5] }));
    const { results } = await alternate([ours!, peer!], { rounds: 1, budgetMs: 0, now, cpu: () => 3 * now() });
    expect(results.map(({ cold }) => cold.cpu)).toEqual([30, 30]);
  });

  test('alone there is no ratio; time ends it, but not before the fifth round', async () => {
    const { runner, now } = world();
    const slow = runner('ours', { open: 1, text: [1], frame: [1000] });
    const first = await alternate([slow], { rounds: 50, budgetMs: 100, now });
    expect([first.ratio, first.results[0]!.frame.n]).toEqual([null, 5]);
    const quick = runner('ours', { open: 1, text: [1], frame: [10] });
    const second = await alternate([quick], { rounds: 50, budgetMs: 95, now });
    expect(second.results[0]!.frame.n).toBe(10);
  });

  test('stops between two calls', async () => {
    const { calls, runner, now } = world();
    const stop = new AbortController();
    const runners = [runner('ours', { open: 1, text: [1], frame: [1] })];
    const onProgress = (what: string, done: number) => {
      if (what === 'frames' && done === 3) stop.abort();
    };
    const run = () => alternate(runners, { rounds: 9, budgetMs: 1e9, signal: stop.signal, onProgress, now });
    await failure('ABORTED', run);
    expect(calls.filter(name => name === 'ours frame')).toHaveLength(1 + 3);
  });
});

describe('agreement', () => {
  test('largest difference, and the share of pixels on the same side of 0', () => {
    const ours = Float32Array.of(-1, 0, 2, -0.25);
    expect(agreement(ours, Float32Array.of(-1.5, 0.25, 2, 0.125))).toEqual({ max_abs: 0.5, mask: 0.75 });
    expect(agreement(ours, ours)).toEqual({ max_abs: 0, mask: 1 });
  });

  test('NaN is no agreement, and neither is another size', async () => {
    expect(agreement(Float32Array.of(1, 2), Float32Array.of(Number.NaN, 2)).max_abs).toBeNaN();
    expect(agreement(Float32Array.of(1, Number.NaN, 9), Float32Array.of(1, 2, 1)).max_abs).toBeNaN();
    await failure('BAD_ARGUMENT', () => agreement(new Float32Array(4), new Float32Array(9)));
  });
});

const rates: Roofline = { gflops: 10, gflops_f16: 20, gbytes: 2 };

describe('kernels', () => {
  test('the least time is that of the slower of arithmetic and memory', () => {
    // 10^7 operations at 10 GFLOP/s take 1 ms, 10^6 bytes at 2 GB/s half of one
    expect(leastMs({ flops: 1e7, bytes: 1e6 }, rates, false)).toBeCloseTo(1, 12);
    expect(leastMs({ flops: 1e7, bytes: 1e6 }, rates, true)).toBeCloseTo(0.5, 12);
    expect(leastMs({ flops: 1e6, bytes: 4e6 }, rates, false)).toBeCloseTo(2, 12);
    expect(leastMs({ flops: 1e7, bytes: 0 }, { ...rates, gflops_f16: null }, true)).toBeCloseTo(1, 12);
  });

  test('a kernel`s calls together, slowest first', () => {
    const timed = (name: string, ms: number, flops: number, bytes = 0) => ({ name, ms, cost: { flops, bytes } });
    const calls = [timed('norm', 1, 1e6, 4e5), timed('linear', 4, 2e7), timed('linear', 5, 2.5e7, 2e6)];
    expect(kernelTable(calls, rates, false)).toEqual([
      { name: 'linear', count: 2, ms: 9, share: 0.9, roofline: 0.5, bound: 'arithmetic', gflops: 5, gbytes: 2 / 9 },
      {
        ...{ name: 'norm', count: 1, ms: 1, share: 0.1, roofline: expect.closeTo(0.2, 9), bound: 'memory' },
        ...{ gflops: 1, gbytes: 0.4 },
      },
    ]);
    const unknown = { roofline: null, bound: null, gflops: null, gbytes: null };
    expect(kernelTable([timed('norm', 0, 1)], rates, false)).toEqual([
      { name: 'norm', count: 1, ms: 0, share: 0, ...unknown },
    ]);
    expect(kernelTable([timed('norm', 2, 4e6)], null, false)).toEqual([
      { name: 'norm', count: 1, ms: 2, share: 1, ...unknown, gflops: 2, gbytes: 0 },
    ]);
    expect(kernelTable([], rates, false)).toEqual([]);
  });
});

describe('a software adapter`s threads', () => {
  test('as many cores as there are workgroups share the work, the last round is not full', () => {
    expect(elapsed(10, 1, 2)).toBe(10);
    expect(elapsed(10, 100, 2)).toBe(5);
    expect(elapsed(9, 3, 2)).toBe(6);
  });

  test('time on a CPU counts, time that nobody works does not; hardware has its own clock', async () => {
    const device = (software: boolean) => ({ adapter: { software } }) as GpuDevice;
    expect(stopwatchFor(device(false))).toBeUndefined();
    const watch = stopwatchFor(device(true));
    if (process.platform !== 'linux') return expect(watch).toBeUndefined();
    const worker = new Worker(
      `const { parentPort } = require('node:worker_threads');
       parentPort.on('message', ms => {
         // of the process, whose other threads wait
         const spent = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1000; };
         const end = spent() + ms;
         while (spent() < end);
         parentPort.postMessage('done');
       });`,
      { eval: true },
    );
    try {
      const work = (ms: number) => async () => {
        worker.postMessage(ms);
        await once(worker, 'message');
      };
      await work(1)();
      const one = { workgroups: [1, 1, 1] } as const;
      // again where a thread of the test's own process worked meanwhile: a clock that is wrong is never right
      await expect.poll(async () => Math.abs((await watch!.time(one, work(80))) - 80)).toBeLessThan(20);
      const idle = () => watch!.time(one, () => new Promise(resolve => setTimeout(resolve, 200)));
      await expect.poll(idle).toBeLessThan(60);
    } finally {
      await worker.terminate();
    }
  });
});

test('inputs are golden.py`s, and fit the network', () => {
  const { image, ids, size } = madeInputs(defaultConfig('tmca'));
  expect([image.length, ids.length, size]).toEqual([3 * 224 * 224, 24, 224]);
  expect(Math.max(...ids)).toBeLessThan(30522);
  const short = parseConfig({ max_text_length: 5, vocab_size: 7, image_size: 32 }, 'test');
  expect([...madeInputs(short).ids].every(id => id >= 0 && id < 7)).toBe(true);
  expect(madeInputs(short).ids).toHaveLength(5);
});

test('onnxruntime is fed what its models ask for, and what the text model gave', async () => {
  const feeds: Record<string, unknown>[] = [];
  const session = (inputNames: string[], outputs: Record<string, OrtTensor>) => ({
    inputNames,
    outputNames: Object.keys(outputs),
    run: async (given: Record<string, unknown>) => {
      feeds.push(given);
      return outputs;
    },
    release: async () => {},
  });
  const report = { data: Float32Array.of(9), dims: [1] };
  const sessions: Record<string, ReturnType<typeof session>> = {
    'text.onnx': session(['ids', 'mask'], { 'report.0': report }),
    'image.onnx': session(['image', 'report.0'], { logits: { data: new Float32Array(4), dims: [1, 1, 2, 2] } }),
  };
  class Tensor {
    constructor(
      readonly type: string,
      readonly data: Float32Array | Int32Array,
      readonly dims: readonly number[],
    ) {}
  }
  const created: unknown[] = [];
  const ort = {
    env: { versions: { common: '1.30.0', node: '1.30.0' } },
    Tensor,
    InferenceSession: {
      create: async (model: string, options: unknown) => {
        created.push(options);
        return sessions[model]!;
      },
    },
  } as unknown as OrtModule;
  const inputs = { image: new Float32Array(12), size: 2, ids: Int32Array.of(5, 6) };
  const models = { image: 'image.onnx', text: 'text.onnx' };
  const runner = new OrtRunner({ ort, name: 'onnxruntime webgpu', provider: 'webgpu', models, inputs });
  const early = await failure('INTERNAL', () => runner.text());
  expect(early.message).toContain('the sessions must be open');
  const times = await runner.open();
  await runner.text();
  const logits = await runner.frame();
  expect(runner.version).toBe('1.30.0');
  expect(times.compile).toBeNull();
  expect(created[0]).toMatchObject({ executionProviders: ['webgpu'] });
  expect(feeds[0]).toMatchObject({ ids: { dims: [1, 2], type: 'int32' }, mask: { data: Int32Array.of(1, 1) } });
  expect(Object.keys(feeds[1]!).sort()).toEqual(['image', 'report.0']);
  expect(feeds[1]!['report.0']).toBe(report);
  expect(feeds[1]!.image).toMatchObject({ dims: [1, 3, 2, 2] });
  expect(logits).toHaveLength(4);
  await runner.dispose();
  await runner.dispose();
  sessions['image.onnx'] = session(['image'], { logits: { data: new Float32Array(4), dims: [1, 1, 2, 2] } });
  const textless = { ...inputs, ids: new Int32Array() };
  const one = { image: 'image.onnx', text: null };
  const alone = new OrtRunner({ ort, name: 'onnxruntime webgpu', provider: 'webgpu', models: one, inputs: textless });
  expect(exportedModels('folder', textless)).toEqual({ image: 'folder/image.onnx', text: null });
  expect(exportedModels('folder', inputs)).toEqual({ image: 'folder/image.onnx', text: 'folder/text.onnx' });
  await alone.open();
  await alone.text();
  expect(await alone.frame()).toHaveLength(4);
  expect(feeds.slice(2).map(Object.keys)).toEqual([['image']]);
  await alone.dispose();
});

test('a peer that is not installed is named, with the way to install it', async () => {
  const error = await failure('ENGINE_UNAVAILABLE', () => loadPeer('no-such-peer'));
  expect(error.message).toMatch(
    /^bench: the peer no-such-peer must be installed, got none in .*devices.peer-packages; in a clone of the repository run npm run bench:peers, or compare with --peer none$/,
  );
});
