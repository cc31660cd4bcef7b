// A real run, killed with SIGKILL at twenty random moments and gone on with each time: a checkpoint that loads is always there, and in
// the end the run has the bits of one that nobody touched.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openModelFolder } from '../../formats/model-folder/index.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { randomOf } from '../../train/random.js';
import { train } from '../../train/run/train.js';
import { latestCheckpoint, readMetrics } from '../../train/run-files/index.js';
import { tinyConfig, writeTrainSet } from '../train-set.js';
import { type Bundle, bundle } from '../unit/train-bundle.js';

/** Side by side: most of a process's time is its start. */
const RUNS = ['one', 'two'] as const;
const KILLS = 20;
/** A process is killed when it has taken so many steps at most, with as many checkpoints, and within so many milliseconds more. */
const STEPS = 6;
const WITHIN = 100;

let folder: string;
let code: Bundle;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-killed-'));
  await writeTrainSet(join(folder, 'data'), { train: 6, val: 2 });
  code = await bundle({ child: 'test/gpu/train-child.ts', 'decode-worker': 'train/data/decode-worker.ts' });
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await code.remove();
});

const options = (out: string) => ({
  ...{ data: join(folder, 'data'), out: join(folder, out) },
  config: { ...tinyConfig(join(folder, 'data', 'vocab.txt')), epochs: 10_000, patience: 0, checkpoint_steps: 1 },
});

/** Goes on with the run in a process, lets it take `steps` steps, and kills it. */
async function killed(out: string, steps: number, delay: number): Promise<void> {
  const workerScript = fileURLToPath(code.url('decode-worker'));
  const asked = JSON.stringify({ ...options(out), resume: true, workerScript });
  const child = spawn(process.execPath, [fileURLToPath(code.url('child')), asked], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let errors = '';
  child.stderr.on('data', chunk => {
    errors += chunk;
  });
  const ended = once(child, 'exit');
  const taken = new Promise<boolean>(resolve => {
    let said = '';
    child.stdout.on('data', chunk => {
      said += chunk;
      if (said.split('\n').length > steps) resolve(true);
    });
  });
  expect(await Promise.race([taken, ended.then(() => false)]), errors).toBe(true);
  await after(delay);
  child.kill('SIGKILL');
  expect(await ended).toEqual([null, 'SIGKILL']);
}

/** Kills a run again and again; what is there after each kill can be loaded, and is never older than what was there before. */
async function killAgainAndAgain(out: string): Promise<number> {
  const random = randomOf('kills', out);
  let step = 0;
  for (let kill = 0; kill < KILLS / RUNS.length; kill++) {
    const steps = 1 + random.below(STEPS);
    await killed(out, steps, random.between(0, WITHIN));
    const checkpoint = await latestCheckpoint(join(folder, out, 'checkpoints'));
    expect(checkpoint!.skipped).toEqual([]);
    // the last step that it told of may not have been saved
    expect(checkpoint!.state.step).toBeGreaterThanOrEqual(step + steps - 1);
    step = checkpoint!.state.step;
    const model = await checkpoint!.openModel();
    let tensors = 0;
    for await (const _ of model.weights.tensors()) tensors++;
    expect(tensors).toBe(model.weights.header.tensors.size);
  }
  return step;
}

test('twenty kills leave a checkpoint each, and cost nothing but time', async () => {
  const [step] = await Promise.all(RUNS.map(killAgainAndAgain));
  const steps = step! + 1;
  const workerScript = code.url('decode-worker');
  const [first] = RUNS;
  await train({ ...options(first), resume: true, steps, workerScript });
  await train({ ...options('whole'), steps, workerScript });
  const read = (out: string, name: string) => readFile(join(folder, out, name));
  expect(await read(first, 'model.safetensors')).toEqual(await read('whole', 'model.safetensors'));
  const [a, b] = await Promise.all([first, 'whole'].map(out => latestCheckpoint(join(folder, out, 'checkpoints'))));
  for (const name of ['model.safetensors', 'state.safetensors', 'state.json'])
    expect(await readFile(join(a!.folder, name)), name).toEqual(await readFile(join(b!.folder, name)));
  const losses = async (out: string) =>
    (await readMetrics(join(folder, out, 'metrics.jsonl'))).map(({ kind, loss }) => ({ kind, loss }));
  expect(await losses(first)).toEqual(await losses('whole'));
  const published = await openModelFolder(join(folder, first), nodeIo);
  for await (const _ of published.weights.tensors());
  expect(published.hash()).toMatch(/^[0-9a-f]{64}$/);
});
