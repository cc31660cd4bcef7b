// What a person reads of a benchmark, of memory over frames and of rewrites; and bad usage of the command.

import { describe, expect, test } from 'vitest';
import { benchReport } from '../../cli/display/bench.js';
import { flatReport } from '../../cli/display/flat.js';
import { passReport } from '../../cli/display/passes.js';
import { duration } from '../../cli/display/text-table.js';
import type { BenchResult } from '../../devices/node/bench.js';
import { drift, type FlatResult, type MemorySample } from '../../devices/node/flat-bench.js';
import type { LeftOut } from '../../devices/pass-figures.js';
import { call } from './cli-fakes.js';

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
