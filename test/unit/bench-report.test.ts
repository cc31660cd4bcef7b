// `tmca bench report`: measurements of several devices on one page.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { barChart, linearScale, logScale } from '../../reports/benchmark/bars.js';
import { comparePage } from '../../reports/benchmark/page.js';
import { type Measurement, readMeasurement } from '../../reports/benchmark/read.js';
import { call } from './cli-fakes.js';
import { failure } from './raw-safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'tmca-bench-report-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As little as the contract promises. */
const written = (description: string, ms: number, more: object = {}) => ({
  adapter: { vendor: 'v', architecture: 'a', description, software: false, features: [] },
  model: 'nano',
  dtype: 'fp16',
  ours: {
    frame: { p50: ms, p95: 1.5 * ms, p99: 2 * ms, n: 20 },
    text: { p50: 1, p95: 1, p99: 1, n: 5 },
    cold: { load: 5, compile: null, first_frame: 7, total: 1234 },
    dispatches: 84,
    gpu_bytes: { weights: 1e7, arena: 1e6, other: 1e5 },
    kernels: [
      { name: 'linear-vec4', count: 35, ms: 6, share: 0.75, roofline: 0.425 },
      { name: 'softmax', count: 2, ms: 2, share: 0.25, roofline: null },
    ],
  },
  peer: null,
  ratio: null,
  agreement: null,
  command: 'tmca bench',
  commit: null,
  date: '2026-01-02T00:00:00.000Z',
  ...more,
});

const file = (name: string, value: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};

const read = (name: string, value: unknown): Promise<Measurement> => readMeasurement(file(name, value));

describe('files', () => {
  test('what the contract promises is enough', async () => {
    const found = await read('least.json', written('GPU 9', 10));
    expect(found).toMatchObject({ file: 'least.json', device: 'webgpu', inputs: null, roofline: null, note: null });
    expect(found.ours.frame).toEqual({ p50: 10, p95: 15, p99: 20, n: 20 });
  });

  test.each([
    ['no JSON at all', '{', 'got no JSON; measure again'],
    ['another document', {}, 'got undefined for adapter; measure again'],
    [
      'a time that is none',
      { ...written('x', 1), ours: { ...written('x', 1).ours, frame: { p50: -1 } } },
      'for ours.frame.p50',
    ],
    ['a dtype of its own', { ...written('x', 1), dtype: 'fp8' }, 'got "fp8" for dtype'],
  ])('%s is refused by name', async (_, value, text) => {
    const error = await failure('BAD_ARGUMENT', () => read('bad.json', value));
    expect(error.message).toContain('bad.json must be a file that tmca bench --out wrote, got ');
    expect(error.message).toContain(text);
  });

  test('a file that is not there', async () => {
    const error = await failure('FILE_NOT_FOUND', () => readMeasurement(join(folder, 'none.json')));
    expect(error.message).toMatch(
      /^bench report: a file must be one that tmca bench --out wrote, got no file at .*none\.json; give such files$/,
    );
  });
});

describe('scales', () => {
  test('by logarithm: equal factors are equal lengths, nothing leaves the row', () => {
    const scale = logScale([1, 1000]);
    expect(scale(100) - scale(10)).toBeCloseTo(scale(10) - scale(1), 12);
    expect([scale(1e-9), scale(1e9)]).toEqual([0, 1]);
    expect(linearScale([5, 10])(5)).toBe(0.5);
    expect(linearScale([0])(0)).toBe(0);
  });

  test('segments stand one after another, the whisker from their end', () => {
    const segments = [
      { colour: 'a', value: 2, title: 'two' },
      { colour: 'b', value: 6, title: 'six' },
    ] as const;
    const bar = { name: '<x>', label: '8', segments, reach: { value: 10, title: 'most' } };
    const { markup } = barChart([bar], linearScale([10]), [{ value: 5, name: 'five' }]);
    expect(markup).toContain('left:0.00%;width:20.00%" title="two"');
    expect(markup).toContain('left:20.00%;width:60.00%" title="six"');
    expect(markup).toContain('left:80.00%;width:20.00%" title="most"');
    expect(markup).toContain('left:50.00%" title="five"');
    expect(markup).toContain('&lt;x&gt;');
  });
});

describe('the page', () => {
  const peer = {
    ...{ name: 'onnxruntime webgpu', version: '1.30.0', frame: { p50: 40, p95: 1, p99: 1, n: 5 } },
    ...{ text: { p50: 4, p95: 1, p99: 1, n: 5 }, cold: { load: 1, compile: null, first_frame: 1, total: 2 } },
  };

  test('fastest first; what each is good for, by its 95th percentile', async () => {
    const [slow, live, quick] = await Promise.all([
      read('slow.json', written('Slow 1', 100)),
      read('live.json', written('Live 2', 60)),
      read('quick.json', written('Quick 3', 20)),
    ]);
    const markup = comparePage([slow, live, quick], '2026-03-04T00:00:00Z');
    const at = (text: string) => markup.indexOf(text);
    expect(at('Quick 3')).toBeLessThan(at('Live 2'));
    expect(at('Live 2')).toBeLessThan(at('Slow 1'));
    expect(markup).toContain('<b>20.0 ms</b><span>fastest frame: Quick 3, fp16</span>');
    // 150 ms for the slow one's 95th percentile
    expect(markup).toContain('<b>2 of 3</b>');
    for (const text of ['every frame of 30 a second', 'live, with a lag within 120 ms', '>stills<'])
      expect(markup).toContain(text);
    expect(markup).toContain('<code>linear-vec4</code></th><td>35</td><td>6.00 ms</td>');
    expect(markup).toContain('42.5 %');
    expect(markup).toContain('None of these was measured beside a peer');
    expect(markup).not.toContain('<script');
  });

  test('networks that differ are not compared', async () => {
    const other = { model: 'full', inputs: { image_size: 224, tokens: 24 } };
    const both = [await read('one.json', written('One', 5)), await read('two.json', written('Two', 500, other))];
    const markup = comparePage(both, '2026-03-04T00:00:00Z');
    expect(markup).toContain('<h2>nano</h2>');
    expect(markup).toContain('<h2>full, 224 x 224, 24 tokens</h2>');
    expect(markup.match(/fastest frame/g)).toHaveLength(2);
  });

  test('a peer, with ratios and agreement; text of files is text', async () => {
    const beside = { peer, ratio: { frame: 0.25, text: 0.5, cold: 1.75 }, agreement: { max_abs: 5.2e-6, mask: 1 } };
    const hostile = { command: '<img src=x onerror=alert(1)>', note: 'a <b>busy</b> machine' };
    const markup = comparePage([await read('peer.json', written('GPU (driver 7)', 10, { ...beside, ...hostile }))], '');
    for (const text of [
      'onnxruntime webgpu 1.30.0',
      '<td>0.25</td>',
      '<td>0.50</td>',
      '<td>1.75</td>',
      'within 5.2e-6',
    ])
      expect(markup).toContain(text);
    expect(markup).toContain('&lt;img src=x');
    expect(markup).not.toContain('<img');
    expect(markup).toContain('a &lt;b&gt;busy');
  });
});

test('the command writes the page, and nothing where a file is bad', async () => {
  const out = join(folder, 'page.html');
  const files = [file('a.json', written('GPU 9', 10)), file('b.json', written('GPU 8', 30))];
  const { code, stdout } = await call(['bench', 'report', ...files, '--out', out]);
  expect(code).toBe(0);
  expect(stdout.split('\n')[1]).toMatch(/^a\.json +nano +fp16 +10\.0 ms +15\.0 ms +1\.23 s +11\.1 MB$/);
  expect(readFileSync(out, 'utf8')).toMatch(/^<!doctype html>/);
  const again = join(folder, 'again.html');
  const bad = await call(['bench', 'report', ...files, file('c.json', '[]'), '--out', again]);
  expect([bad.code, bad.stdout]).toEqual([1, '']);
  expect(() => readFileSync(again)).toThrow();
  expect((await call(['bench', 'report'])).code).toBe(2);
});

test('the results that are kept are files of this kind, each with what it was measured by', async () => {
  const kept = readdirSync('devices/results').filter(name => name.endsWith('.json'));
  expect(kept.length).toBeGreaterThan(0);
  const measurements = await Promise.all(kept.map(name => readMeasurement(join('devices/results', name))));
  for (const { file: name, command, commit, date, note, ours } of measurements) {
    expect(command, name).toMatch(/^(tmca bench|node devices\/tools\/bench-page\.mjs)/);
    expect(commit, name).toMatch(/^[0-9a-f]{40}$/);
    expect(new Date(date!).getTime(), name).toBeGreaterThan(0);
    expect(note, name).toBeTruthy();
    const shares = ours.kernels.reduce((sum, { share }) => sum + share, 0);
    if (ours.kernels.length > 0) expect(shares, name).toBeCloseTo(1, 6);
  }
  expect(comparePage(measurements, '2026-01-01T00:00:00Z')).toContain('Which device is fast enough');
});
