// Where a run begins, and what it says when it ends before its time: without a device.

import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { TmcaError } from '../../errors/index.js';
import { openModelFolder } from '../../formats/model-folder/index.js';
import { encodeSafetensors, type SafetensorsTensor, tensorOf, toFloat32 } from '../../formats/safetensors/index.js';
import { configToJson, parseConfig } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { nodeIo } from '../../node/model-folder/folder.js';
import { parseTrainConfig } from '../../train/config.js';
import { initialParameter } from '../../train/parameters/initial-parameters.js';
import { describeInitial, initialParameters } from '../../train/parameters/starting-parameters.js';
import { explain } from '../../train/run/failure.js';
import type { TrainOptions, TrainResult } from '../../train/run/options.js';
import { commandOf, endedRun } from '../../train/run/run-json.js';
import { begin } from '../../train/run/run-start.js';
import { tinyConfig } from '../train-set.js';

let folder: string;
let vocab: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-begin-'));
  vocab = join(folder, 'vocab.txt');
  await writeFile(vocab, `${Array.from({ length: 13 }, (_, i) => `word${i}`).join('\n')}\n`);
});
afterEach(() => rm(folder, { recursive: true }));

const model = parseConfig(tinyConfig('').model, 'test');
const shapes = Network.of(model).parameters;
const NAME = 'image_encoder.embeddings.patch_embeddings.weight';

const start = (config: object = {}, more: Partial<TrainOptions> = {}) =>
  begin(
    { data: 'd', out: join(folder, 'out'), config: { ...tinyConfig(vocab), ...config }, ...more },
    'tmca-edge@0.0.0-test',
  );

/** A model folder of these tensors. */
async function initFolder(
  tensors: readonly SafetensorsTensor[],
  config: object = configToJson(model),
): Promise<string> {
  const path = await mkdtemp(join(folder, 'init-'));
  await writeFile(join(path, 'config.json'), JSON.stringify(config));
  await writeFile(join(path, 'model.safetensors'), encodeSafetensors(tensors));
  return path;
}

const ones = (name: string, shape: readonly number[] = shapes.get(name)!) =>
  tensorOf(name, shape, new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(1));

describe('a run begins', () => {
  test('with the network of its configuration, trained in fp32 with its own contrastive weight', async () => {
    const { network, config, checkpoint, init } = await start({ contrastive_weight: 0.25 });
    expect(network).toEqual({ ...model, dtype: 'fp32', contrastiveWeight: 0.25 });
    expect([config.batch, checkpoint, init]).toEqual([2, null, null]);
  });

  test('as one whose sentence is optional, where some of its texts are none', async () => {
    const told = (text: object) =>
      start({ augment: { text } }, { out: join(folder, JSON.stringify(text).length.toString()) });
    expect((await told({ none: 0.2, part: 0.3 })).network).toEqual({
      ...model,
      dtype: 'fp32',
      text: 'optional',
      contrastiveWeight: 0.1,
    });
    expect((await told({ part: 0.3 })).network).toMatchObject({ text: 'required' });
    await expect(
      start({
        augment: { text: { part: 1 } },
        contrastive_weight: null,
        model: { network: 'unet', image_size: 32, channels: [4, 8] },
      }),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(
        /augment\.text must be left out for a network without sentences, got .* for unet; remove the key/,
      ),
    });
  });

  test('with what the command says over the file', async () => {
    const { config } = await start({}, { batch: 3, seed: 9, lr: 0.5, epochs: 7, textOverride: 'polyp' });
    expect(config).toMatchObject({ batch: 3, seed: 9, lr: 0.5, epochs: 7, textOverride: 'polyp' });
  });

  test("with the package's vocabulary where none is named, and says so", async () => {
    const {
      network,
      notes,
      vocab: bytes,
    } = await start({ vocab: null, model: { ...tinyConfig('').model, vocab_size: 30522 } });
    expect(Network.of(network).text!.vocabSize).toBe(30522);
    expect(new TextDecoder().decode(bytes!.slice(0, 6))).toBe('[PAD]\n');
    expect(notes).toContain("sentences are read with the vocabulary of the package's own model (nano-128)");
  });

  test('a text encoder frozen at random is told', async () => {
    const { notes } = await start({ freeze: ['text_encoder'] });
    expect(notes.join()).toMatch(/text encoder is frozen as it begins, at random/);
    expect((await start({}, { out: join(folder, 'other') })).notes.join()).not.toMatch(/frozen/);
  });

  test.each<[string, object, string, RegExp]>([
    [
      'a vocabulary of another size',
      { model: { vocab_size: 14, text_dim: 8, text_heads: 2, max_positions: 16 } },
      'MODEL_MISMATCH',
      /got 13 in .*vocab\.txt and vocab_size 14/,
    ],
    ['no vocabulary', { vocab: '/nowhere/vocab.txt' }, 'FILE_NOT_FOUND', /got no file at \/nowhere\/vocab\.txt/],
    ['a slip', { learning_rate: 1 }, 'CONFIG_INVALID', /got "learning_rate"/],
  ])('%s is refused before anything is written', async (_, config, code, message) => {
    await expect(start(config)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await readdir(folder)).not.toContain('out');
  });

  test('resumed where nothing is: it begins anew, and says so', async () => {
    const { checkpoint, notes } = await start({}, { resume: true });
    expect(checkpoint).toBeNull();
    expect(notes.join()).toMatch(/has no checkpoint to go on from: the run begins anew/);
  });
});

describe('parameters to start from', () => {
  const open = async (tensors: readonly SafetensorsTensor[]) => openModelFolder(await initFolder(tensors), nodeIo);

  test('those of the folder as they are, the others as from nothing', async () => {
    const parameters = initialParameters(await open([ones(NAME), ones('old.part', [2])]), shapes, 5);
    const found = new Map<string, Float32Array>();
    for await (const tensor of parameters.tensors()) found.set(tensor.name, toFloat32(tensor).slice());
    expect([...found.keys()].sort()).toEqual([...shapes.keys()].sort());
    expect(new Set(found.get(NAME))).toEqual(new Set([1]));
    expect(found.get('head.out.weight')).toEqual(initialParameter('head.out.weight', shapes, 5));
    expect(describeInitial(parameters, shapes.size)).toMatch(
      new RegExp(
        `^--init has 1 of ${shapes.size} parameters; the others begin at random: .*, and \\d+ more; 1 tensors of --init are no part of the network: old\\.part$`,
      ),
    );
  });

  test('nothing is told of a whole folder', () => {
    const parameters = initialParameters(null, shapes, 0);
    expect(describeInitial({ ...parameters, initialised: [] }, shapes.size)).toBeNull();
  });

  test.each<[string, SafetensorsTensor, string, RegExp]>([
    [
      'nothing of the network',
      ones('other', [2]),
      'MODEL_INCOMPLETE',
      /must hold parameters of the network, got none of \d+ among 1 tensors/,
    ],
    [
      'another shape',
      ones(NAME, [2, 2]),
      'MODEL_MISMATCH',
      /got \[2,2\] for .*patch_embeddings\.weight.*, which has \[8,3,4,4\] \(1 of 1 differ\)/,
    ],
    [
      'integers',
      tensorOf(NAME, shapes.get(NAME)!, new Int8Array(8 * 3 * 16)),
      'UNSUPPORTED',
      /must start from F32, F16 or BF16, got I8/,
    ],
  ])('%s: refused', async (_, tensor, code, message) => {
    const opened = await open([tensor]);
    expect(() => initialParameters(opened, shapes, 0)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
    await opened.close();
  });
});

describe('the end before its time', () => {
  const options: TrainOptions = { data: 'my data', out: 'runs/a', device: 'webgpu' };
  const saved = { step: 12, folder: 'runs/a/checkpoints/000003' };
  const told = (code: TmcaError['code'], at: typeof saved | null = saved, notFinite: string | null = null) =>
    explain(new TmcaError(code, 'x: y, got z', { retryable: true }), { options, saved: at, notFinite }) as TmcaError;

  test.each(['DEVICE_LOST', 'GPU_OUT_OF_MEMORY', 'WORKER_DIED', 'OUTPUT_NOT_WRITABLE'] as const)(
    '%s: how to go on',
    code => {
      const error = told(code);
      expect(error.message).toBe(
        "x: y, got z; step 12 is saved in runs/a/checkpoints/000003, go on with: tmca train --data 'my data' --out runs/a --device webgpu --resume",
      );
      expect([error.code, error.retryable]).toEqual([code, true]);
    },
  );

  test('stopped by the user', () => {
    expect(told('ABORTED').message).toMatch(/^train: stopped by its signal; step 12 is saved in .*--resume$/);
    expect(told('ABORTED', null).message).toBe('x: y, got z');
  });

  test('no numbers: where, and what is saved', () => {
    expect(told('MODEL_NOT_FINITE', saved, 'the output of head.out (sum NaN)').message).toBe(
      'x: y, got z; the first that is not finite: the output of head.out (sum NaN); step 12 is saved in runs/a/checkpoints/000003',
    );
  });

  test('what is no fault of the run stays as it is', () => {
    expect(told('CONFIG_INVALID').message).toBe('x: y, got z');
    const other = new Error('bug');
    expect(explain(other, { options, saved, notFinite: null })).toBe(other);
  });
});

test('the command that a run is told by can be typed', () => {
  const options = {
    data: "it's",
    out: 'o',
    config: 'nano',
    epochs: 3,
    lr: 0.001,
    textOverride: 'a polyp',
    device: 'auto',
    skipBad: true,
  } as const;
  expect(commandOf(options)).toBe(
    "tmca train --data 'it'\\''s' --out o --config nano --epochs 3 --lr 0.001 --text 'a polyp' --skip-bad",
  );
});

test.each([
  ['epochs', 'all epochs, 8 steps'],
  ['steps', '8 steps, as asked for'],
  ['patience', 'no better validation Dice for 20 epochs, after 8 steps'],
] as const)('why a run ended: %s', (stopped, why) => {
  const result = { stopped, step: 8 } as TrainResult;
  expect(endedRun({} as never, result, parseTrainConfig({}, 'test')).ended!.why).toBe(why);
});
