// The folder of a run: what it holds, and that it survives death at every single write and rename, and SIGKILL at random.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openModelFolder } from '../../formats/model-folder/index.js';
import { type SafetensorsFile, tensorOf, toFloat32 } from '../../formats/safetensors/index.js';
import { parseConfig } from '../../networks/config.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { randomOf } from '../../train/random.js';
import {
  type CheckpointContent,
  type Disk,
  latestCheckpoint,
  nodeDisk,
  RunFolder,
  readMetrics,
  type TrainState,
} from '../../train/run-files/index.js';
import { bundle } from './train-bundle.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-run-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const by = { package: 'tmca-edge@0.0.0-test' };
const config = parseConfig({ vocab_size: 4, name: 'run-test' }, 'test');
const vocab = new TextEncoder().encode('[PAD]\n[UNK]\n[CLS]\n[SEP]\n');

/** A state of which every number says its step. */
function content(step: number): CheckpointContent {
  const state: TrainState = {
    step,
    epoch: Math.floor(step / 4),
    batch: step % 4,
    seed: 7,
    rng: randomOf(step).state,
    best: step > 2 ? { step: step - 1, epoch: 0, score: 0.5 } : null,
    epochsSinceBest: 1,
    config: { epochs: 3 },
  };
  const weights = [tensorOf('decoder.weight', [64, 33], new Float32Array(64 * 33).fill(step))];
  const optimizer = [
    tensorOf('adam.m.decoder.weight', [64, 33], new Float32Array(64 * 33).fill(step / 2)),
    tensorOf('adam.v.decoder.weight', [64, 33], new Float32Array(64 * 33).fill(step / 4)),
  ];
  return { config, vocab, weights, optimizer, state };
}

const line = (step: number) => ({ kind: 'step' as const, step, epoch: 0, loss: 1 / step });

/** The one value of all tensors of a file, by name. */
async function values(file: SafetensorsFile): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for await (const tensor of file.tensors()) {
    const [first, ...others] = new Set(toFloat32(tensor));
    expect(others).toEqual([]);
    found[tensor.name] = first!;
  }
  return found;
}

/** Loads what is there and checks that it belongs together. Returns the step. */
async function loadedStep(at = folder): Promise<number> {
  const checkpoint = await latestCheckpoint(join(at, 'checkpoints'));
  if (!checkpoint) return 0;
  const { step } = checkpoint.state;
  expect(checkpoint.skipped).toEqual([]);
  const model = await checkpoint.openModel();
  expect(await values(model.weights)).toEqual({ 'decoder.weight': step });
  expect(model.vocab).toEqual(vocab);
  const moments = { 'adam.m.decoder.weight': step / 2, 'adam.v.decoder.weight': step / 4 };
  expect(await values(await checkpoint.openOptimizer())).toEqual(moments);
  return step;
}

async function publishedStep(at = folder): Promise<number> {
  const model = await openModelFolder(at, nodeIo);
  return (await values(model.weights))['decoder.weight']!;
}

describe('a run that is not disturbed', () => {
  test('is resumed where it was saved; two generations are kept', async () => {
    const run = await RunFolder.create(folder, by);
    for (let step = 1; step <= 6; step++) {
      await run.log(line(step));
      if (step % 2 === 0) await run.save(content(step));
    }
    expect(await readdir(join(folder, 'checkpoints'))).toEqual(['000002', '000003']);
    expect(await loadedStep()).toBe(6);
    const resumed = await RunFolder.resume(folder, by);
    expect(resumed.checkpoint!.state).toEqual(content(6).state);
    expect(resumed.metrics).toEqual({ kept: 6, dropped: 0, cut: false });
    await resumed.run.save(content(8));
    expect(await readdir(join(folder, 'checkpoints'))).toEqual(['000003', '000004']);
    expect(await loadedStep()).toBe(8);
    const manifest = JSON.parse(await readFile(join(folder, 'checkpoints/000004/manifest.json'), 'utf8'));
    expect(manifest).toMatchObject({ package: by.package, created: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect(Object.keys(manifest.files)).toHaveLength(5);
  });

  test('its published model is a model folder', async () => {
    const run = await RunFolder.create(folder, by);
    await run.publish(content(1));
    await run.publish(content(2));
    expect(await publishedStep()).toBe(2);
    const model = await openModelFolder(folder, nodeIo);
    expect(model.config).toEqual(config);
    expect(model.hash()).toMatch(/^[0-9a-f]{64}$/);
    await model.close();
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'manifest.json', 'model.safetensors', 'vocab.txt']);
  });

  test('a new run never writes over another', async () => {
    const run = await RunFolder.create(folder, by);
    await run.log(line(1));
    await expect(RunFolder.create(folder, by)).rejects.toMatchObject({
      code: 'BAD_ARGUMENT',
      message: expect.stringMatching(/got metrics\.jsonl in .*; resume it, or name another folder/),
    });
  });

  test('without a checkpoint there is nothing to go on from, and no metrics stay', async () => {
    const run = await RunFolder.create(folder, by);
    await run.log(line(1));
    const { checkpoint, metrics } = await RunFolder.resume(folder, by);
    expect([checkpoint, metrics]).toEqual([null, { kept: 0, dropped: 1, cut: false }]);
  });

  test('the line of an epoch that was not finished goes when the run goes on', async () => {
    const run = await RunFolder.create(folder, by);
    await run.log(line(1));
    await run.save(content(1));
    await run.log({ kind: 'epoch', step: 1, epoch: 0, complete: 0, val_dice: 0.5 });
    const { metrics } = await RunFolder.resume(folder, by);
    expect(metrics).toEqual({ kept: 1, dropped: 1, cut: false });
    expect(await readMetrics(join(folder, 'metrics.jsonl'))).toEqual([line(1)]);
  });

  test('a state that could not be read back is not written', async () => {
    const run = await RunFolder.create(folder, by);
    const { state, ...rest } = content(3);
    const nan = { ...rest, state: { ...state, best: { step: 1, epoch: 0, score: Number.NaN } } };
    const code = 'CONFIG_INVALID';
    await expect(run.save(nan)).rejects.toMatchObject({ code, message: expect.stringMatching(/null for best\.score/) });
    expect(await readdir(folder)).toEqual([]);
  });

  test('a folder that cannot be written is an error with a code', async () => {
    await writeFile(join(folder, 'file'), '');
    const code = 'OUTPUT_NOT_WRITABLE';
    await expect(RunFolder.create(join(folder, 'file', 'out'), by)).rejects.toMatchObject({ code });
  });
});

describe('damage', () => {
  async function twoGenerations() {
    const run = await RunFolder.create(folder, by);
    for (const step of [1, 2]) {
      await run.log(line(step));
      await run.save(content(step));
    }
    return join(folder, 'checkpoints');
  }

  test.each<[string, (path: string) => Promise<unknown>, RegExp]>([
    ['a flipped bit', path => flipBit(join(path, 'state.safetensors')), /the manifest says SHA-256/],
    ['a file cut off', path => writeFile(join(path, 'model.safetensors'), 'x'), /the manifest says \d+ bytes/],
    ['a missing file', path => rm(join(path, 'state.json')), /state\.json must be there, got none/],
    ['a missing manifest', path => rm(join(path, 'manifest.json')), /must have a manifest/],
    ['an empty manifest', path => writeFile(join(path, 'manifest.json'), '{"files":{}}'), /must list config\.json/],
  ])('%s: the generation before it, and it is said', async (_, damage, reason) => {
    const root = await twoGenerations();
    await damage(join(root, '000002'));
    const { checkpoint, metrics } = await RunFolder.resume(folder, by);
    expect(checkpoint!.state.step).toBe(1);
    expect(checkpoint!.skipped).toEqual([{ folder: join(root, '000002'), reason: expect.stringMatching(reason) }]);
    expect(metrics).toEqual({ kept: 1, dropped: 1, cut: false });
  });

  test('the next save keeps the whole one beside the new one, and the damaged one goes', async () => {
    const root = await twoGenerations();
    await flipBit(join(root, '000002', 'model.safetensors'));
    const { run } = await RunFolder.resume(folder, by);
    await run.save(content(2));
    expect((await readdir(root)).sort()).toEqual(['000001', '000003']);
    // were the new one spoilt too, the run could still go on
    await flipBit(join(root, '000003', 'model.safetensors'));
    expect((await latestCheckpoint(root))!.state.step).toBe(1);
    await (await RunFolder.resume(folder, by)).run.save(content(2));
    expect((await readdir(root)).sort()).toEqual(['000001', '000004']);
    await run.save(content(3));
    expect((await readdir(root)).sort()).toEqual(['000004', '000005']);
  });

  test('every generation damaged: an error, not a new start', async () => {
    const root = await twoGenerations();
    for (const name of ['000001', '000002']) await flipBit(join(root, name, 'model.safetensors'));
    await expect(RunFolder.resume(folder, by)).rejects.toMatchObject({
      code: 'MANIFEST_MISMATCH',
      message: expect.stringMatching(/one of the checkpoints .* must be whole, got 2 damaged/),
    });
    expect(await readMetrics(join(folder, 'metrics.jsonl'))).toHaveLength(2);
  });
});

async function flipBit(path: string): Promise<void> {
  const bytes = await readFile(path);
  bytes[bytes.length - 5]! ^= 1;
  await writeFile(path, bytes);
}

describe('metrics', () => {
  const whole = [1, 2, 3].map(step => `${JSON.stringify(line(step))}\n`).join('');
  /** Resumes a run of these metrics whose last checkpoint is at `lastStep`. */
  const repaired = async (text: string, lastStep = 9) => {
    const run = await RunFolder.create(folder, by);
    await run.save(content(lastStep));
    const path = join(folder, 'metrics.jsonl');
    await writeFile(path, text);
    const { metrics } = await RunFolder.resume(folder, by);
    return { metrics, text: await readFile(path, 'utf8') };
  };

  test('any cut of the file leaves its whole lines', async () => {
    const run = await RunFolder.create(folder, by);
    await run.save(content(9));
    const path = join(folder, 'metrics.jsonl');
    for (let length = 0; length <= whole.length; length += 5) {
      const text = whole.slice(0, length);
      await writeFile(path, text);
      const { metrics } = await RunFolder.resume(folder, by);
      const lines = text.split('\n').length - 1;
      expect(metrics).toEqual({ kept: lines, dropped: 0, cut: !(text === '' || text.endsWith('\n')) });
      expect(await readFile(path, 'utf8')).toBe(text.slice(0, text.lastIndexOf('\n') + 1));
    }
  });

  test('lines after the checkpoint are dropped, its own stay', async () => {
    const epoch = `${JSON.stringify({ kind: 'epoch', step: 2, epoch: 0, dice: 0.5 })}\n`;
    const lines = whole.split('\n');
    const text = `${lines[0]}\n${lines[1]}\n${epoch}${lines[2]}\n{"kind":"st`;
    const result = await repaired(text, 2);
    expect(result.metrics).toEqual({ kept: 3, dropped: 1, cut: true });
    expect(result.text).toBe(`${lines[0]}\n${lines[1]}\n${epoch}`);
  });

  test('blocks that were never written are cut', async () => {
    expect((await repaired(`${whole}\0\0\0\n\0\0`)).text).toBe(whole);
  });

  test('a broken line with whole ones after it is no kill, and stays for its owner to see', async () => {
    await expect(repaired(`{"kind":"step"}\n${whole}`)).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringMatching(/line 1 must be a step or an epoch, got "\{.*; mend or remove/),
    });
  });

  test('numbers that JSON lacks are written as text', async () => {
    const run = await RunFolder.create(folder, by);
    await run.log({ ...line(1), loss: Number.NaN, norm: Number.POSITIVE_INFINITY });
    const [read] = await readMetrics(join(folder, 'metrics.jsonl'));
    expect(read).toMatchObject({ loss: 'NaN', norm: 'Infinity' });
    await appendFile(join(folder, 'metrics.jsonl'), '{');
    await expect(readMetrics(join(folder, 'metrics.jsonl'))).rejects.toMatchObject({ code: 'FILE_UNREADABLE' });
  });
});

class Killed extends Error {}

/** A disk that dies at its `last`-th step, and half-way through a piece of a file; nothing works afterwards. */
function mortal(last: number): { disk: Disk; steps: () => number } {
  let steps = 0;
  const step = () => {
    if (++steps >= last) throw new Killed(`step ${steps}`);
  };
  const guard =
    <A extends unknown[]>(call: (...given: A) => Promise<void>) =>
    async (...given: A) => {
      step();
      await call(...given);
    };
  async function* half(chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>) {
    for await (const chunk of chunks) {
      if (steps + 1 >= last) yield chunk.subarray(0, chunk.length >> 1);
      step();
      yield chunk;
    }
  }
  const disk: Disk = {
    mkdir: guard(nodeDisk.mkdir),
    rename: guard(nodeDisk.rename),
    remove: guard(nodeDisk.remove),
    // without fsync, which takes most of the time and which no kill of a process can tell from its absence
    sync: guard(async () => {}),
    write: guard((path, chunks) => writeFile(path, half(chunks))),
    append: guard(async (path, text) => {
      if (steps + 1 >= last) await nodeDisk.append(path, text.slice(0, text.length >> 1));
      step();
      await nodeDisk.append(path, text);
    }),
  };
  return { disk, steps: () => steps };
}

const immortal = (): Disk => mortal(Number.POSITIVE_INFINITY).disk;

/** Opens the run, new or begun, and goes on to the end of step `to`. Tells what it finished before it died. */
async function train(at: string, to: number, disk: Disk, done: { saved: number; published: number }): Promise<void> {
  const { run, checkpoint } = await RunFolder.resume(at, { ...by, disk });
  for (let step = (checkpoint?.state.step ?? 0) + 1; step <= to; step++) {
    await run.log(line(step));
    await run.save(content(step));
    done.saved = step;
    await run.publish(content(step));
    done.published = step;
  }
}

/** Dies at its `last`-th access to the disk in the step after `from`, whose folder is a copy of `begun`; then is resumed. */
async function dieAndResume(begun: string, at: string, from: number, last: number): Promise<void> {
  await cp(begun, at, { recursive: true });
  const done = { saved: from, published: from };
  await expect(train(at, from + 1, mortal(last).disk, done), `access ${last}`).rejects.toBeInstanceOf(Killed);

  const loaded = await loadedStep(at);
  expect([done.saved, from + 1], `access ${last}`).toContain(loaded);
  if (from > 0) expect([from, from + 1], `access ${last}`).toContain(await publishedStep(at));

  await train(at, from + 1, immortal(), done);
  // a death after the checkpoint and before its model: the loop publishes what it resumes from
  if (done.published < from + 1) {
    const { run } = await RunFolder.resume(at, { ...by, disk: immortal() });
    await run.publish(content(from + 1));
  }
  expect([await loadedStep(at), await publishedStep(at)]).toEqual([from + 1, from + 1]);
  const steps = (await readMetrics(join(at, 'metrics.jsonl'))).map(({ step }) => step);
  expect(steps).toEqual(Array.from({ length: from + 1 }, (_, i) => i + 1));
}

describe('a run that dies', () => {
  // the first checkpoint ever; and one that sends the last but one away
  test.each([0, 2])(
    'at any access to the disk in the step after %i leaves its last checkpoint and model',
    async from => {
      const begun = join(folder, 'begun');
      await train(begun, from, immortal(), { saved: 0, published: 0 });
      await cp(begun, join(folder, 'whole'), { recursive: true });
      const { disk, steps } = mortal(Number.POSITIVE_INFINITY);
      await train(join(folder, 'whole'), from + 1, disk, { saved: 0, published: 0 });
      expect(steps()).toBeGreaterThan(30);
      const moments = Array.from({ length: steps() }, (_, i) => i + 1);
      const lane = async () => {
        for (let last = moments.pop(); last !== undefined; last = moments.pop())
          await dieAndResume(begun, join(folder, `${last}`), from, last);
      };
      await Promise.all([lane(), lane(), lane(), lane()]);
    },
  );

  test('by SIGKILL at a random moment, again and again, never loses a finished checkpoint', async () => {
    const compiled = await bundle({ run: 'test/unit/train-endless-run.ts' });
    try {
      const random = randomOf('kill');
      let before = 0;
      for (let round = 0; round < 6; round++) {
        const child = spawn(process.execPath, [fileURLToPath(compiled.url('run')), folder], {
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        const ended = once(child, 'close');
        let said = '';
        child.stdout.on('data', chunk => {
          said += chunk;
        });
        await once(child.stdout, 'data');
        await new Promise(done => setTimeout(done, random.between(5, 120)));
        child.kill('SIGKILL');
        expect((await ended)[1]).toBe('SIGKILL');
        const saved = Number(said.trimEnd().split('\n').at(-1));
        const loaded = await loadedStep();
        // more may be there than the child could say before it died
        expect(loaded).toBeGreaterThanOrEqual(Math.max(saved, before));
        expect(await publishedStep()).toBeGreaterThanOrEqual(1);
        before = loaded;
      }
      expect(before).toBeGreaterThanOrEqual(6);
      await RunFolder.resume(folder, by);
      const steps = (await readMetrics(join(folder, 'metrics.jsonl'))).map(({ step }) => step);
      expect(steps).toEqual(Array.from({ length: before }, (_, i) => i + 1));
    } finally {
      await compiled.remove();
    }
  });
});
