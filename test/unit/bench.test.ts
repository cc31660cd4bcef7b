// The benchmark's arithmetic, with runners and clocks that the test decides.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { benchReport } from '../../cli/display/bench.js';
import { flatReport } from '../../cli/display/flat.js';
import { passReport } from '../../cli/display/passes.js';
import { duration } from '../../cli/display/text-table.js';
import { agreement } from '../../devices/agreement.js';
import { alternate } from '../../devices/alternate.js';
import { madeInputs } from '../../devices/inputs.js';
import { kernelTable } from '../../devices/kernel-table.js';
import type { BenchResult } from '../../devices/node/bench.js';
import { elapsed, stopwatchFor } from '../../devices/node/driver-threads.js';
import { loadPeer } from '../../devices/node/find-peers.js';
import { drift, type FlatResult, type MemorySample } from '../../devices/node/flat-bench.js';
import type { LeftOut } from '../../devices/pass-figures.js';
import { exportedModels, type OrtModule, OrtRunner, type OrtTensor } from '../../devices/peers/ort.js';
import { leastMs, type Roofline } from '../../devices/roofline.js';
import type { Runner } from '../../devices/runner.js';
import { latency, pairedRatio, percentile } from '../../devices/statistics.js';
import type { GpuDevice } from '../../gpu/device.js';
import { defaultConfig, parseConfig } from '../../networks/config.js';
import { call } from './cli-fakes.js';
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

describe('memory over frames', () => {
  const samples = (rss: readonly number[]): MemorySample[] =>
    rss.map((bytes, i) => ({ frame: i + 1, gpu: 5e6, rss: bytes, heap: 1e6, buffers: 2e6 }));
  const adapter = { vendor: 'v', architecture: 'a', description: 'An adapter', software: false, features: [] };

  test('growth is told from the second fifth on, by medians', () => {
    const flat = [100, 300, 500, 500, 501, 499, 500, 500, 500, 500];
    expect(drift(flat)).toBe(0);
    expect(drift([100, 200, 300, 400, 500, 600, 700, 800, 900, 1000])).toBe(950 - 350);
    expect(drift([5, 9])).toBe(0);
  });

  test('what a person reads', () => {
    const result: FlatResult = {
      ...{ adapter, device: 'webgpu', model: 'net', dtype: 'fp16', image: { width: 1920, height: 1080 }, frames: 3 },
      ...{ buffers_created: 0, gpu_growth: 0, rss_growth: -2500, samples: samples([3e8, 3.1e8, 3.1e8]) },
    };
    expect(flatReport(result)).toEqual([
      'net, fp16, 3 frames of 1920 x 1080, on An adapter',
      '',
      'frame   device    process     heap   array buffers',
      '1       5.0 MB   300.0 MB   1.0 MB          2.0 MB',
      '2       5.0 MB   310.0 MB   1.0 MB          2.0 MB',
      '3       5.0 MB   310.0 MB   1.0 MB          2.0 MB',
      '',
      'on the device: 0 buffers made after the first frame, +0.0 kB',
      'process: -2.5 kB between the second and the last fifth of the frames',
    ]);
    const wasm = flatReport({
      ...{ ...result, device: 'wasm', buffers_created: null, gpu_growth: null },
      samples: samples([1e6]).map(sample => ({ ...sample, gpu: null })),
    }).join('\n');
    expect(wasm).not.toContain('on the device');
    expect(wasm).toContain('\n1            -    1.0 MB');
  });
});

test('rewrites, as a person reads them', () => {
  const figures = {
    dispatches: 84,
    textDispatches: 41,
    gflop: 0.2659,
    movedBytes: 17.8e6,
    arenaBytes: 8e5,
    weightBytes: 1,
  };
  const time = (p50: number) => ({ p50, p95: p50, p99: p50, n: 30 });
  const row = (without: LeftOut | null, frame: number, difference: number) => ({
    ...{ without, figures, frame: time(frame), text: time(2), ratio: { frame: frame / 40, text: 1 } },
    agreement: { max_abs: difference, mask: 1 },
  });
  const report = passReport({
    adapter: { vendor: 'v', architecture: 'arch', description: '', software: true, features: [] },
    ...{ model: 'net', inputs: { image_size: 32, tokens: 24 }, dtype: 'fp32' },
    passes: [row(null, 40, 0), row('batch-norm', 50, 2.5e-6), row('report', 44, 0)],
  });
  expect(report).toEqual([
    'net, fp32, 32 x 32, 24 tokens, on arch (software)',
    'by turns in one process: medians of 30 frames and 30 texts of each',
    '',
    'a frame without            dispatches   GFLOP     moved   activations     frame               text                   logits',
    'nothing                            84   0.266   17.8 MB      800.0 kB   40.0 ms            2.00 ms',
    'folded BatchNorm                   84   0.266   17.8 MB      800.0 kB   50.0 ms   1.25 x   2.00 ms   1.00 x   within 2.5e-6',
    'one text for many frames           84   0.266   17.8 MB      800.0 kB   44.0 ms   1.10 x   2.00 ms   1.00 x           equal',
  ]);
});

describe('the command', () => {
  const side = (frame: number, load: number, compile: number | null) => ({
    frame: { p50: frame, p95: 2 * frame, p99: 3 * frame, n: 20 },
    text: { p50: 0.25, p95: 4, p99: 5, n: 5 },
    cold: { load, compile, first_text: 40, first_frame: 60, total: 1234, cpu: 2100 },
  });
  const duel = {
    work: 'resize 1920x1080 to 32x32 and normalise',
    ours: { p50: 2, p95: 2, p99: 2, n: 3 },
    peer: { name: 'sharp', version: '0', p50: 4, p95: 4, p99: 4, n: 3 },
    ratio: 0.5,
    cpu_ratio: 0.4,
    agreement: 0.9975,
  };
  const result: BenchResult = {
    adapter: { vendor: 'v', architecture: 'a', description: 'An adapter', software: true, features: [] },
    device: 'webgpu',
    model: 'net',
    model_hash: '',
    inputs: { image_size: 32, tokens: 24 },
    dtype: 'fp32',
    ours: {
      ...side(10, 900, 300),
      dispatches: 84,
      text_dispatches: 41,
      tuning: null,
      gpu_bytes: { weights: 20.8e6, arena: 1e6, other: 2e5 },
      kernels: [
        {
          ...{ name: 'linear-vec4', count: 35, ms: 6, share: 0.9375, roofline: 0.456, bound: 'arithmetic' },
          ...{ gflops: 12.34, gbytes: 0.5 },
        },
        { name: 'norm', count: 2, ms: 0.4, share: 0.0625, roofline: null, bound: null, gflops: null, gbytes: null },
      ],
      text_kernels: [
        {
          ...{ name: 'softmax', count: 3, ms: 0.2, share: 1, roofline: 1, bound: 'memory' },
          ...{ gflops: 0.1, gbytes: 3.25 },
        },
      ],
      kernel_clock: {
        frame: { clock: 'driver-threads', runs: 5, ms: 6.4 },
        text: { clock: 'timestamp-query', runs: 3, ms: 0.2 },
      },
      planned_bytes: { inputs: 2e5, outputs: 1e5, arena: 8e5, arena_lower_bound: 64e4 },
    },
    peer: { name: 'onnxruntime webgpu', version: '1.30.0', dtype: 'fp32', ...side(25, 100, null) },
    ratio: { frame: 0.4, text: 1, cold: 1 },
    agreement: { max_abs: 4.75e-6, mask: 1 },
    roofline: { gflops: 19, gflops_f16: null, gbytes: 3.25 },
    assembly: { resize: { ...duel, work: 'resize to 224x224' }, resize_to_model: duel, tokenize: null },
    command: 'tmca bench',
    commit: null,
    date: '2026-01-01T00:00:00.000Z',
  };

  test('what a person reads', () => {
    expect(benchReport(result)).toEqual([
      'net, fp32, 32 x 32, 24 tokens, on An adapter (software)',
      '20 frames, 5 texts; in turn with onnxruntime webgpu 1.30.0, fp32',
      '',
      '                        ours      peer   ours : peer',
      'frame, median        10.0 ms   25.0 ms          0.40',
      'frame, p95           20.0 ms   50.0 ms',
      'frame, p99           30.0 ms   75.0 ms',
      'text, median          250 µs    250 µs          1.00',
      'text, p95            4.00 ms   4.00 ms',
      'cold start            1.23 s    1.23 s          1.00',
      '  weights loaded      900 ms    100 ms',
      '  kernels compiled    300 ms         -',
      '  first text         40.0 ms   40.0 ms',
      '  first frame        60.0 ms   60.0 ms',
      '  processor time      2.10 s    2.10 s',
      '',
      'outputs: logits within 4.8e-6, masks equal on 100 % of pixels',
      'device memory: 20.8 MB weights, 1.0 MB activations, 200.0 kB other',
      'a frame`s activations: 800.0 kB, 1.25 x the 640.0 kB that are alive at once'.replace('`', "'"),
      'dispatches: 84 a frame, 41 a text',
      'adapter: 19.0 GFLOP/s, 3.25 GB/s copied',
      '',
      'kernel of a frame   calls      time     share   of roofline     bound by   GFLOP/s    GB/s',
      'linear-vec4            35   6.00 ms    93.8 %        45.6 %   arithmetic      12.3   0.500',
      'norm                    2    400 µs     6.3 %',
      'sum, medians of 5      37   6.40 ms   100.0 %',
      "timed by the driver's threads' time on a CPU, each call alone",
      '',
      'kernel of a text    calls     time     share   of roofline   bound by   GFLOP/s   GB/s',
      'softmax                 3   200 µs   100.0 %       100.0 %     memory     0.100   3.25',
      'sum, medians of 3       3   200 µs   100.0 %',
      "timed on the device's clock",
      '',
      'on the host                                  ours            peer   ours : peer   of CPU time    equal',
      'resize to 224x224                         2.00 ms   sharp 4.00 ms          0.50          0.40   99.8 %',
      'resize 1920x1080 to 32x32 and normalise   2.00 ms   sharp 4.00 ms          0.50          0.40   99.8 %',
    ]);
    const alone = benchReport({ ...result, peer: null, ratio: null, agreement: null, assembly: null }).join('\n');
    expect(alone).toContain('20 frames, 5 texts\n');
    expect(alone).not.toContain('peer');
    const textless = benchReport({ ...result, inputs: { image_size: 32, tokens: 0 } });
    expect(textless.slice(0, 2)).toEqual([
      'net, fp32, 32 x 32, on An adapter (software)',
      '20 frames; in turn with onnxruntime webgpu 1.30.0, fp32',
    ]);
    expect(textless).toContain('dispatches: 84 a frame');
    expect(textless.join('\n')).not.toMatch(/text,|text\b|token/);
    const wasm: BenchResult = {
      ...{ ...result, device: 'wasm', roofline: null },
      ours: { ...result.ours, planned_bytes: null, kernel_clock: null, kernels: [], text_kernels: [] },
    };
    expect(benchReport(wasm)).toContain('memory: 20.8 MB weights');
    expect(benchReport(wasm).join('\n')).not.toMatch(/kernel of|dispatches|adapter:/);
  });

  test('three digits in the unit that is read', () => {
    expect([0.0456, 0.5, 1, 45.67, 999.4, 1000, 65432].map(duration)).toEqual([
      '45.6 µs',
      '500 µs',
      '1.00 ms',
      '45.7 ms',
      '999 ms',
      '1.00 s',
      '65.4 s',
    ]);
  });

  test('bad usage, a model that is not there, an engine that is not measured', async () => {
    expect((await call(['bench', '--peer', 'tfjs'])).code).toBe(2);
    expect((await call(['bench', '--frames', '0'])).code).toBe(2);
    const missing = await call(['bench', '--model', 'nowhere']);
    expect([missing.code, missing.stdout]).toEqual([1, '']);
    expect(missing.stderr).toContain('error [FILE_NOT_FOUND]: openModelFolder: a model folder must hold config.json');
  });
});
