// `tmca devices`: what auto would take, and why.

import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import type { AdapterInfo } from '../../gpu/adapter.js';
import { call, fakeEngine, fakeTuning } from './cli-fakes.js';

describe('devices', () => {
  const adapter = (more: Partial<AdapterInfo>): AdapterInfo => ({
    vendor: 'acme',
    architecture: 'one',
    description: 'Acme One',
    software: false,
    features: ['shader-f16', 'subgroups'],
    limits: { maxBufferSize: 1024 } as AdapterInfo['limits'],
    ...more,
  });
  const devices = (list: () => Promise<AdapterInfo[]>, ...more: string[]) =>
    call(['devices', ...more], { engine: { ...fakeEngine(), listAdapters: list } });

  test('says what auto would take, and why', async () => {
    const adapters = [adapter({}), adapter({ description: 'llvmpipe', software: true, features: [] })];
    const { code, json, stderr } = await devices(async () => adapters, '--json');
    expect(stderr).toBe('');
    expect(code).toBe(0);
    expect(json).toEqual({
      adapters,
      tuning: JSON.parse(JSON.stringify(fakeTuning)),
      wasm: expect.objectContaining({ features: ['simd', 'threads'], cores: 4 }),
      auto: {
        device: 'webgpu',
        adapter: 'Acme One',
        fp16: 'native',
        reason: expect.stringMatching(/hardware adapter is present: Acme One/),
      },
    });
  });
  test('in words', async () => {
    const { stdout } = await devices(async () => [adapter({ description: 'llvmpipe', software: true, features: [] })]);
    expect(stdout).toMatch(
      /^llvmpipe \(acme, one; software\)\n {2}features: none\n {2}maxBufferSize: 1024\n {2}profile intel: .*\n(?: {4}.*\n)+ {2}tuned: nothing measured yet; kept in \/cache\/tmca-edge\nonnxruntime-web 9.9 on the CPU, 2 threads of 4 cores \(wasm: simd, threads\)\n--device auto: wasm, fp16 models with f32 arithmetic; there is no hardware adapter, only llvmpipe, which runs on the CPU/,
    );
  });
  test('--measure: rates of the first adapter, on request only', async () => {
    const list = async () => [adapter({}), adapter({ description: 'Second' })];
    const { stdout } = await devices(list, '--measure');
    expect(stdout.match(/measured:/g)).toHaveLength(1);
    expect(stdout).toMatch(/^Acme One .*\n {2}measured: 19\.0 GFLOP\/s, 3\.25 GB\/s copied\n/);
    expect((await devices(list, '--measure', '--json')).json).toMatchObject({ roofline: { gflops: 19, gbytes: 3.25 } });
    expect((await devices(async () => [], '--measure', '--json')).json).not.toHaveProperty('roofline');
  });
  test('how kernels are cut for the first adapter: its profile, and what was measured', async () => {
    const list = async () => [adapter({}), adapter({ description: 'Second' })];
    const { stdout } = await devices(list, '--tune');
    const lines = stdout.split('\n');
    const at = lines.findIndex(line => line.startsWith('  profile'));
    expect(lines.slice(at, at + 12)).toEqual([
      '  profile intel: Intel, integrated and Arc (by reasoning, not measured)',
      '    linear     large 32x64, small 32x32, enough 48, skinny 32',
      '    conv2d     large 32x64, small 32x32, enough 48',
      '    depthwise  pixels 4, enough 48',
      '    attention  large 16, small 16, many 256',
      '  tuned: 2 classes of shapes; kept in /cache/tmca-edge',
      '    linear-vec4 f32/f32 64x64x64  32x32  timed: 32x32 0.125 ms, 32x64 0.250 ms',
      '    conv2d f32/f32 1024x128x64    32x64  profile',
      '  not used: 128x64 of linear-vec4 f32/f32, which computes 7 where 3 is right (element 0 of 1)',
      '  note: 3 classes of shapes were left to the profile: the time for measuring was over',
      'Second (acme, one)',
      '  features: shader-f16, subgroups',
    ]);
  });
  test('--tune fits the kernels of a model, the shipped one if not said', async () => {
    const engine = { ...fakeEngine(), listAdapters: async () => [adapter({})] };
    await call(['devices'], { engine });
    expect(engine.calls).toEqual([]);
    await call(['devices', '--tune'], { engine });
    await call(['devices', '--tune', '--model', 'other'], { engine });
    expect(engine.calls).toEqual([expect.stringMatching(/^tune .*nano$/), 'tune other']);
    expect((await devices(async () => [], '--tune', '--json')).json).not.toHaveProperty('tuning');
  });
  test('without an adapter, in words', async () => {
    const { stdout } = await devices(async () => []);
    expect(stdout).toMatch(/^no WebGPU adapter; npm run setup tells how to get one\nonnxruntime-web 9\.9/);
  });
  test.each([
    ['no adapter', async () => [], undefined],
    [
      'no WebGPU',
      async () => {
        throw new TmcaError('NO_WEBGPU', 'nodeGpu: Dawn must load');
      },
      'nodeGpu: Dawn must load',
    ],
  ])('%s is an answer: wasm', async (_, list, webgpu) => {
    const { code, json } = await devices(list, '--json');
    expect(code).toBe(0);
    expect(json).toEqual({
      adapters: [],
      ...(webgpu === undefined ? {} : { webgpu }),
      wasm: expect.objectContaining({ description: 'onnxruntime-web 9.9 on the CPU, 2 threads' }),
      auto: {
        device: 'wasm',
        adapter: 'onnxruntime-web 9.9 on the CPU, 2 threads',
        fp16: 'weights',
        reason: 'there is no WebGPU adapter; wasm runs instead',
      },
    });
  });
});
