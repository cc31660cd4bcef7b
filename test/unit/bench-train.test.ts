// The benchmark of a training step, without a device: its arithmetic, its peers as processes and modules, and what a person reads.

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { benchTrainReport } from '../../cli/actions/bench-train.js';
import { alternateSteps } from '../../devices/alternate-steps.js';
import { agreement, type BenchTrainResult } from '../../devices/node/bench-train.js';
import { loadPeer } from '../../devices/node/find-peers.js';
import { TorchTraining } from '../../devices/node/torch.js';
import { TfjsTraining } from '../../devices/peers/tfjs.js';
import { TfjsNetwork } from '../../devices/peers/tfjs-network.js';
import type { Tf, TfTensor } from '../../devices/peers/tfjs-types.js';
import { madeBatch, STEP, type TrainingWork, type TrainRunner } from '../../devices/training.js';
import { memorySource, openSafetensors, toFloat32 } from '../../formats/safetensors/index.js';
import { parseConfig } from '../../networks/config.js';
import { goldenFolders, loadGolden, readTensors } from '../golden.js';
import { call } from './cli-fakes.js';
import { failure } from './raw-safetensors.js';

const folder = mkdtempSync(join(tmpdir(), 'tmca-bench-train-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runners on one clock; each step takes what it is told to, and half of that of the CPU. */
function world() {
  let time = 0;
  const calls: string[] = [];
  const runner = (name: string, open: number, steps: number[]): TrainRunner => {
    let used = 0;
    let taken = 0;
    return {
      name,
      version: '1',
      async open() {
        calls.push(`${name} open`);
        time += open;
      },
      async step() {
        calls.push(name);
        const ms = steps[Math.min(taken, steps.length - 1)]!;
        time += ms;
        used += ms / 2;
        return 10 - taken++;
      },
      cpu: async () => used,
      dispose: async () => {},
    };
  };
  return { calls, runner, now: () => time };
}

describe('alternateSteps', () => {
  test('each runner opened and its first step alone, then in turn; ratios are those of pairs', async () => {
    const { calls, runner, now } = world();
    const ours = runner('ours', 100, [50, 10, 10, 100, 10]);
    const peer = runner('peer', 10, [900, 40, 40, 400, 40]);
    const { results, ratio } = await alternateSteps([ours, peer], { rounds: 4, budgetMs: 1e9, now });
    expect(calls).toEqual(['ours open', 'ours', 'peer open', 'peer', ...Array(4).fill(['ours', 'peer']).flat()]);
    expect(results[0]).toEqual({
      ...{ open: 100, first: 50, cpu: 5, losses: [10, 9, 8, 7, 6] },
      step: { p50: 10, p95: expect.closeTo(86.5, 9), p99: expect.closeTo(97.3, 9), n: 4 },
    });
    expect(results[1]).toMatchObject({ open: 10, first: 900, cpu: 20 });
    // the slow minute of both does not count
    expect(ratio).toEqual({ step: 0.25, cpu: 0.25 });
  });

  test('alone there is no ratio; time ends it, but not before the third round; a signal does at once', async () => {
    const { calls, runner, now } = world();
    const alone = await alternateSteps([runner('a', 1, [10])], { rounds: 50, budgetMs: 45, now });
    expect(alone).toMatchObject({ ratio: null, results: [{ step: { n: 5 } }] });
    const short = await alternateSteps([runner('a', 1, [10])], { rounds: 50, budgetMs: 0, now });
    expect(short.results[0]!.step.n).toBe(3);
    const stop = new AbortController();
    const before = calls.length;
    const stopped = alternateSteps([runner('a', 1, [10])], {
      ...{ rounds: 9, budgetMs: 1e9, now, signal: stop.signal },
      onProgress: (what, done) => what === 'steps' && done === 1 && stop.abort(),
    });
    await failure('ABORTED', () => stopped);
    // opened, the first step, one round
    expect(calls.length - before).toBe(3);
  });
});

test('a batch is the same every time, and fits the network', () => {
  const config = parseConfig({ image_size: 32, vocab_size: 50, max_text_length: 6 }, 'test');
  const made = madeBatch(config, 9, 6);
  expect(madeBatch(config, 9, 6)).toEqual(made);
  const batch = made as Required<typeof made>;
  expect([batch.image.length, batch.ids.length, batch.target.length]).toEqual([9 * 3 * 1024, 54, 9 * 1024]);
  const lengths = Array.from({ length: 9 }, (_, b) => batch.mask.subarray(6 * b, 6 * b + 6).reduce((a, x) => a + x));
  expect(lengths).toEqual([6, 4, 2, 2, 2, 2, 2, 2, 6]);
  expect(batch.ids.every((id, i) => id >= 0 && id < 50 && (batch.mask[i] === 1 || id === 0))).toBe(true);
  const areas = Array.from({ length: 9 }, (_, b) =>
    batch.target.subarray(1024 * b, 1024 * b + 1024).reduce((a, x) => a + x),
  );
  expect(areas[1]).toBe(0);
  expect(areas.filter((area, b) => b !== 1 && (area < 20 || area > 600))).toEqual([]);
});

test('losses are compared relative to the peer`s', () => {
  const { first, all, steps } = agreement([1.01, 2, 2.7], [1, 2, 3]);
  expect([first, all, steps]).toEqual([expect.closeTo(0.01, 9), expect.closeTo(0.1, 9), 3]);
});

describe('PyTorch', () => {
  const config = parseConfig({ image_size: 32, vocab_size: 50, max_text_length: 4 }, 'test');
  const work = (): TrainingWork => ({
    ...{ config, images: 2, length: 4, batch: madeBatch(config, 2, 4) },
    parameters: new Map([['head.out.bias', { shape: [1], data: Float32Array.of(0.5) }]]),
  });
  const runner = (script: string) => {
    const file = join(folder, `${Math.random()}.mjs`);
    writeFileSync(file, script);
    return new TorchTraining({ work: work(), reference: 'REF', threads: 2, python: process.execPath, script: file });
  };

  test('gets the work as files, and a line for every step', async () => {
    const seen = join(folder, 'seen.json');
    const torch = runner(`
      import { readFileSync, writeFileSync } from 'node:fs';
      import { createInterface } from 'node:readline';
      const [work, ...flags] = process.argv.slice(2);
      const batch = readFileSync(work + '/batch.safetensors').toString('base64');
      const model = readFileSync(work + '/model.safetensors').toString('base64');
      const config = JSON.parse(readFileSync(work + '/config.json'));
      console.log(JSON.stringify({ version: '9', threads: 2, parameters: 1 }));
      writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ batch, model, config, flags }));
      let steps = 0;
      createInterface({ input: process.stdin }).on('line', () => {
        console.log(JSON.stringify({ loss: ++steps, cpu: steps / 4 }));
      });`);
    try {
      await torch.open();
      expect([torch.name, torch.version]).toEqual(['PyTorch cpu, 2 threads', '9']);
      expect([await torch.step(), await torch.step(), await torch.cpu()]).toEqual([1, 2, 500]);
    } finally {
      await torch.dispose();
      await torch.dispose();
    }
    const { flags, config: written, batch, model } = JSON.parse(readFileSync(seen, 'utf8'));
    const asked = ['--reference', 'REF', '--threads', '2', '--lr', '0.0001', '--weight-decay', '0.01', '--clip', '1'];
    expect(flags).toEqual(asked);
    expect(written).toMatchObject({ image_size: 32, vocab_size: 50 });
    const read = async (base64: string) => {
      const file = await openSafetensors(memorySource(Buffer.from(base64, 'base64'), 'sent'));
      const found: Record<string, { shape: readonly number[]; data: Float32Array | Uint8Array }> = {};
      for await (const tensor of file.tensors())
        found[tensor.name] = { shape: tensor.shape, data: tensor.dtype === 'F32' ? toFloat32(tensor) : tensor.bytes };
      return found;
    };
    const { image, target } = (await read(batch)) as Record<string, { shape: number[]; data: Float32Array }>;
    const given = work().batch;
    expect(image!.shape).toEqual([2, 3, 32, 32]);
    // image 1, channel 2, row 3, column 4
    expect(image!.data[((1 * 3 + 2) * 32 + 3) * 32 + 4]).toBe(given.image[((1 * 32 + 3) * 32 + 4) * 3 + 2]);
    expect(target!.data).toEqual(given.target);
    expect((await read(model))['head.out.bias']!.data).toEqual(Float32Array.of(0.5));
  });

  test('what it says before it dies is told, with what to look at', async () => {
    const torch = runner(`console.error('trace\\nModuleNotFoundError: no torch'); process.exit(1);`);
    const error = await failure('ENGINE_FAILED', () => torch.open());
    expect(error.message).toBe(
      `bench: PyTorch must take the step, got "ModuleNotFoundError: no torch" from ${process.execPath}; see that it has torch, and that --reference holds tmca.py`,
    );
    await torch.dispose();
    const options = { work: work(), reference: 'REF', threads: 1, python: join(folder, 'no-python'), script: 'none' };
    const missing = await failure('ENGINE_FAILED', () => new TorchTraining(options).open());
    expect(missing.message).toContain('ENOENT');
  });
});

// The peers are installed by hand (npm run bench:peers), and never by the package's own npm ci.
const installed = existsSync('devices/peer-packages/node_modules/@tensorflow/tfjs-layers');

describe.skipIf(!installed)(
  'TensorFlow.js, on its own CPU backend (skipped without the peers of `npm run bench:peers`)',
  async () => {
    const open = async () => {
      const tf = await loadPeer<Tf>('@tensorflow/tfjs-core');
      await loadPeer('@tensorflow/tfjs-layers');
      await loadPeer('@tensorflow/tfjs-backend-cpu');
      await tf.setBackend('cpu');
      return tf;
    };
    const golden = goldenFolders().find(name => name.endsWith('micro'))!;
    const workOf = async (): Promise<TrainingWork> => {
      const { config, batch: images, length, feed } = await loadGolden(golden);
      const input = (name: string) => feed.input!(name);
      const [image, target] = [Float32Array.from(input('image')), Float32Array.from(input('target'))];
      const batch = { image, target, ids: Int32Array.from(input('ids')), mask: Int32Array.from(input('mask')) };
      const stored = await readTensors(`${golden}/model.safetensors`);
      const parameters = new Map(
        [...stored].map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
      );
      return { config, images, length, batch, parameters };
    };

    test('its loss and gradients are PyTorch`s: the peer trains the same network', async () => {
      const tf = await open();
      const { config, batch, parameters, images, length } = await workOf();
      const network = TfjsNetwork.create(tf, config, batch, parameters, images, length);
      const statistics = new Map<string, TfTensor>();
      const { value, grads } = tf.variableGrads(() => network.loss(statistics), [...network.variables.values()]);
      const { first } = JSON.parse(readFileSync(`${golden}/train.json`, 'utf8'));
      expect((await value.data())[0]).toBeCloseTo(first.loss, 4);
      const expected = await readTensors(`${golden}/gradients.safetensors`);
      expect(Object.keys(grads).sort()).toEqual([...expected.keys()].sort());
      // layouts are its own: what does not depend on them is compared
      for (const [name, { data }] of expected) {
        const found = await grads[name]!.data();
        const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));
        const largest = Math.max(...Array.from(data, Math.abs));
        expect(Math.abs(norm(found) - norm(data)), name).toBeLessThan(1e-3 * largest * Math.sqrt(data.length) + 1e-7);
      }
      expect([...statistics.keys()].length).toBe(12);
      network.dispose();
    });

    test('its steps are AdamW`s with decay and clipping', async () => {
      const tf = await open();
      const work = await workOf();
      const cpu = { ...tf, setBackend: async () => true } as Tf;
      const runner = new TfjsTraining({ tf: cpu, work });
      await runner.open();
      const losses = [await runner.step(), await runner.step(), await runner.step()];
      await runner.dispose();
      expect(losses[0]).toBeGreaterThan(losses[1]!);
      expect(losses[1]).toBeGreaterThan(losses[2]!);
    });
  },
);

describe('the command', () => {
  const side = (ms: number) => ({
    ...{ open: 1500, first: 2 * ms, step: { p50: ms, p95: ms, p99: ms, n: 5 }, cpu: ms / 2, losses: [2, 1] },
    ...{ images_per_second: 16000 / ms, gflops: 14700 / ms },
  });
  const result: BenchTrainResult = {
    adapter: { vendor: 'v', architecture: 'a', description: 'An adapter', software: true, features: [] },
    model: 'net',
    inputs: { image_size: 128, tokens: 24, batch: 16 },
    step: { ...STEP, parameters: 5.14e6, gflop: 14.7 },
    ours: {
      ...side(1000),
      dispatches: 1636,
      gpu_bytes: { weights: 84.5e6, arena: 143e6, other: 5e5 },
      roofline: 0.125,
      kernels: [
        {
          ...{ name: 'linear-vec4', count: 76, ms: 130, share: 0.121, roofline: 0.17 },
          ...{ bound: 'arithmetic', gflops: 16.5, gbytes: 0.83 },
        },
      ],
      kernel_clock: { clock: 'timestamp-query', runs: 3, ms: 1070 },
    },
    peer: { name: 'tfjs webgpu', version: '4.22.0', ...side(4000) },
    ratio: { step: 0.25, cpu: 0.25 },
    agreement: { first: 6.1e-8, all: 2.2e-7, steps: 6 },
    roofline: { gflops: 113, gflops_f16: null, gbytes: 7.5 },
    command: 'tmca bench train',
    commit: null,
    date: '2026-01-01T00:00:00.000Z',
  };

  test('what a person reads', () => {
    expect(benchTrainReport(result)).toEqual([
      'net, 5.14 M parameters, batch 16, 128 x 128, 24 tokens, on An adapter (software)',
      '5 steps of 14.7 GFLOP; in turn with tfjs webgpu 4.22.0',
      '',
      '                       ours     peer   ours : peer',
      'step, median         1.00 s   4.00 s          0.25',
      'step, p95            1.00 s   4.00 s',
      'CPU time of a step   500 ms   2.00 s          0.25',
      'images a second        16.0     4.00',
      'GFLOP/s                14.7     3.67',
      'opened               1.50 s   1.50 s',
      'first step           2.00 s   8.00 s',
      '',
      "losses: the first within 6.1e-8 of the peer's, 6 steps within 2.2e-7",
      'device memory: 84.5 MB parameters, gradients and moments, 143.0 MB activations, 500.0 kB other',
      'dispatches: 1636 a step',
      'adapter: 113 GFLOP/s, 7.50 GB/s copied; the step reaches 12.5 % of them',
      '',
      'kernel of a step    calls     time     share   of roofline     bound by   GFLOP/s    GB/s',
      'linear-vec4            76   130 ms    12.1 %        17.0 %   arithmetic      16.5   0.830',
      'sum, medians of 3      76   1.07 s   100.0 %',
      "timed on the device's clock",
    ]);
    const alone = benchTrainReport({ ...result, peer: null, ratio: null, agreement: null }).join('\n');
    expect(alone).not.toContain('peer');
    const untimed = benchTrainReport({ ...result, ours: { ...result.ours, kernels: [], kernel_clock: null } }).join(
      '\n',
    );
    expect(untimed).not.toContain('kernel');
  });

  test('options of `train` are its own; bad usage, a peer without its reference', async () => {
    expect((await call(['bench', 'train', '--peer', 'ort-webgpu'])).code).toBe(2);
    expect((await call(['bench', 'train', '--batch', '0'])).code).toBe(2);
    expect((await call(['bench', 'train', '--frames', '3'])).code).toBe(2);
    const { code, stderr } = await call(['bench', 'train', '--peer', 'torch']);
    expect([code, stderr]).toEqual([
      1,
      'error [BAD_ARGUMENT]: bench: the peer torch must know the reference, got no --reference; name the folder that holds tmca.py\n',
    ]);
  });

  test('the peer torch has one network, and is not started for another', async () => {
    const small = { network: 'unet', name: 'small-unet', image_size: 16, channels: [4, 6, 8] };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(small));
    const argv = ['bench', 'train', '--fill', folder, '--reference', folder, '--python', 'no-such-python'];
    const { code, stderr } = await call([...argv, '--peer', 'torch']);
    expect([code, stderr]).toEqual([
      1,
      'error [UNSUPPORTED]: bench: the peer torch must be given a model of the network tmca, the only one that the reference trains, got small-unet of unet; compare with --peer tfjs-webgpu, or none\n',
    ]);
  });
});
