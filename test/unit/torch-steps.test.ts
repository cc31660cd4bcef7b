// What is said to a Python process and made of its answers, with a program in Python's place; and the modules that it would run.

import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { builder as b } from '../../graph/builder.js';
import { parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { PRESETS } from '../../networks/presets.js';
import { parseTrainConfig } from '../../train/config.js';
import { emitFunction } from '../../train/torch/emit.js';
import { torchModule } from '../../train/torch/module.js';
import { PythonProcess } from '../../train/torch/process.js';
import { TorchSteps } from '../../train/torch/steps.js';

const folder = mkdtempSync(join(tmpdir(), 'tmca-torch-'));

/** A program that answers each message with what `answer` makes of its header: a header and tensors of fp32. */
function fake(answer: string): string {
  const file = join(folder, `${Math.random()}.mjs`);
  const text = `#!${process.execPath}
import { readSync, writeSync } from 'node:fs';
const exactly = count => { const all = Buffer.alloc(count); for (let at = 0; at < count; ) { const n = readSync(0, all, at, count - at); if (n === 0) process.exit(0); at += n; } return all; };
const size = shape => shape.reduce((a, n) => a * n, 4);
const reply = (header, tensors = {}) => {
  const text = Buffer.from(JSON.stringify({ ...header, tensors: Object.entries(tensors).map(([name, data]) => [name, 'f32', [data.length]]) }));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  writeSync(1, length); writeSync(1, text);
  for (const data of Object.values(tensors)) writeSync(1, Buffer.from(Float32Array.from(data).buffer));
};
for (;;) {
  const header = JSON.parse(exactly(exactly(4).readUInt32LE(0)));
  const sent = Object.fromEntries(header.tensors.map(([name, , shape]) => [name, exactly(size(shape))]));
  ${answer}
}
`;
  writeFileSync(file, text, { mode: 0o755 });
  return file;
}

async function failure(work: () => Promise<unknown>): Promise<TmcaError> {
  const error = await work().catch(reason => reason);
  expect(error).toBeInstanceOf(TmcaError);
  return error as TmcaError;
}

describe('PythonProcess', () => {
  test('carries numbers there and back', async () => {
    const python = new PythonProcess(
      fake(
        'reply({ heard: header.what, order: header.tensors.map(t => t[0]) }, { back: new Float32Array(new Uint8Array(sent.a).buffer) });',
      ),
      '',
    );
    const tensors = { n: { shape: [1], data: Int32Array.of(7) }, a: { shape: [2], data: Float32Array.of(1.5, -2) } };
    const { header, tensors: answer } = await python.ask('hello', {}, tensors);
    expect(header).toMatchObject({ heard: 'hello', order: ['n', 'a'] });
    expect([...answer.get('back')!.data]).toEqual([1.5, -2]);
    await python.dispose();
  });

  test('a Python that is not there, or has no PyTorch, is named with what to do', async () => {
    const absent = await failure(() => new PythonProcess('/no/such/python', '').ask('open'));
    expect(absent).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    expect(absent.message).toContain(
      '/no/such/python; install it (pip install torch), or name another Python with --python',
    );
    const bare = fake(`console.error("Traceback\\nModuleNotFoundError: No module named 'torch'"); process.exit(1);`);
    const without = await failure(() => new PythonProcess(bare, '').ask('open'));
    expect(without).toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    expect(without.message).toContain("No module named 'torch'");
  });

  test('an end in the middle of an answer, a refusal and full memory are told apart', async () => {
    const ends = fake("writeSync(1, Buffer.from([9, 0, 0, 0, 1])); console.error('Killed'); process.exit(9);");
    expect(await failure(() => new PythonProcess(ends, '').ask('open'))).toMatchObject({
      code: 'ENGINE_FAILED',
      message: `train: PyTorch must take the step, got "Killed" from ${ends}; see that it runs by itself`,
    });
    const refuses = new PythonProcess(fake("reply({ error: 'shape', memory: false });"), '');
    expect(await failure(() => refuses.ask('step'))).toMatchObject({ code: 'ENGINE_FAILED' });
    await refuses.dispose();
    const full = new PythonProcess(fake("reply({ error: 'CUDA out of memory', memory: true });"), '');
    expect(await failure(() => full.ask('step'))).toMatchObject({ code: 'OUT_OF_MEMORY' });
    await full.dispose();
  });
});

describe('modules', () => {
  test.each(Object.keys(PRESETS) as (keyof typeof PRESETS)[])('every op of %s has an expression', name => {
    const network = Network.of(parseConfig(PRESETS[name].model, name));
    const length = network.text ? 8 : 0;
    const { source, losses, statistics } = torchModule(network, { batch: 2, validation: 2, length });
    for (const named of ['training', 'losses', 'forward']) expect(source).toContain(`\ndef ${named}(x, p, c):\n`);
    expect(losses).toContain('loss');
    expect(statistics).toEqual([...network.parameters.keys()].filter(key => /running_(mean|var)$/.test(key)));
    // Every parameter is read under its own name.
    for (const parameter of network.parameters.keys()) expect(source, parameter).toContain(`p["${parameter}"]`);
  });

  test('a number stands where arithmetic reads it, and is a tensor where a function does', () => {
    const x = b.input('x', [2]);
    const half = b.scalar(0.5);
    const constants = new Map();
    const source = emitFunction('f', { y: b.max(b.mul(x, half), b.scalar(3)) }, constants);
    expect(source).toBe(
      [
        'def f(x, p, c):',
        '    t1 = x["x"] * 0.5',
        '    t2 = torch.maximum(t1, c["0"])',
        '    return {',
        '        "y": t2,',
        '    }',
      ].join('\n'),
    );
    expect([...constants.values()].map(({ data }) => [...data])).toEqual([[3]]);
  });
});

test('micro-batches are refused before Python is started', async () => {
  const network = parseConfig({ network: 'unet', image_size: 32, channels: [4, 8, 8, 8, 8] }, 'test');
  const config = parseTrainConfig({ batch: 4, micro_batch: 2 }, 'test');
  const options = { network, config, length: 0, validated: 0, emit: () => {}, signal: undefined };
  const error = await failure(() => TorchSteps.open(options, { python: '/no/such/python', precision: 'fp32' }));
  expect(error.message).toBe(
    'train: PyTorch takes a batch as a whole, got micro_batch 2 of 4; leave micro_batch out, or use --device webgpu',
  );
});
