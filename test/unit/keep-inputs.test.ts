// Outputs that are inputs, by whatever name; what a killed writer leaves behind; names and targets that a rename cannot take.

import { execFileSync, spawnSync } from 'node:child_process';
import { cp, link, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exportCheckpoint } from '../../convert/export.js';
import { importCheckpoints } from '../../convert/import.js';
import { openAtomic, writeFileAtomic } from '../../node/disk/files.js';
import { keepInputs } from '../../node/keep-inputs.js';
import { MODEL_FILES } from '../../node/model-folder/manifest-writer.js';
import { checkModelTarget } from '../../node/model-folder/model-writer.js';
import { temporaryIn } from '../../node/temporary.js';
import { quantize } from '../../quantize/index.js';
import { train } from '../../train/run/train.js';
import { runStudy, type StudyOptions } from '../../train/study/study.js';
import { call } from './cli-fakes.js';

let folder: string;
let model: string;
const at = (...names: string[]) => join(folder, ...names);
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tmca-keep-'));
  model = at('model');
  await mkdir(model);
  for (const name of MODEL_FILES) await cp(join('models/nano', name), join(model, name));
});
afterEach(() => rm(folder, { recursive: true }));

const refused = {
  code: 'BAD_ARGUMENT',
  message: expect.stringMatching(/results must not replace what is read, got .*; choose another --out/),
};

/** Ways to name `path` that do not look like it. */
async function aliases(path: string): Promise<string[]> {
  await symlink(path, at('link'));
  await symlink(folder, at('folder-link'));
  return [
    path,
    join(folder, '.', 'x', '..', path.slice(folder.length)),
    at('link'),
    join(at('folder-link'), path.slice(folder.length)),
  ];
}

describe('files', () => {
  test('that are an input, by path, link or hard link', async () => {
    const image = at('image.png');
    await writeFile(image, '');
    await link(image, at('hard'));
    for (const out of [...(await aliases(image)), at('hard')])
      await expect(keepInputs('w', { files: [out] }, [image])).rejects.toMatchObject(refused);
    await keepInputs('w', { files: [at('new'), undefined] }, [image, undefined, at('none'), 'https://example.org/m']);
  });

  test('of a model, and anything that a data set holds', async () => {
    await mkdir(at('data', 'images'), { recursive: true });
    await writeFile(at('data', 'images', 'a.png'), '');
    await expect(keepInputs('w', { files: [join(model, 'model.safetensors')] }, [model])).rejects.toMatchObject(
      refused,
    );
    await expect(
      keepInputs('w', { files: [join(model, 'vocab.txt')] }, [pathToFileURL(model).href]),
    ).rejects.toMatchObject(refused);
    await expect(keepInputs('w', { files: [at('data', 'images', 'a.png')] }, [at('data')])).rejects.toMatchObject(
      refused,
    );
    // results of before beside a model may be replaced
    await writeFile(join(model, 'bench.json'), '');
    await keepInputs('w', { files: [join(model, 'bench.json'), at('data', 'b.json')] }, [model, at('data')]);
  });
});

describe('folders', () => {
  test('that are an input or hold one', async () => {
    const inner = at('a', 'b');
    await mkdir(inner, { recursive: true });
    for (const out of [...(await aliases(inner)), at('a'), folder])
      await expect(keepInputs('w', { folder: out }, [inner])).rejects.toMatchObject(refused);
    // inside of an input is beside it
    await keepInputs('w', { folder: join(inner, 'run') }, [inner]);
    await mkdir(join(inner, 'run'));
    await keepInputs('w', { folder: join(inner, 'run') }, [inner]);
  });
});

describe('commands', () => {
  const content = async (path: string) => (await readFile(path)).toString('latin1');

  test('preprocess, by a hard link too', async () => {
    const image = at('image.png');
    await sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } })
      .png()
      .toFile(image);
    const before = await content(image);
    for (const out of await aliases(image)) {
      const { code, stderr } = await call(['preprocess', image, '--size', '4', '--normalize', 'none', '--out', out]);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/^error \[BAD_ARGUMENT\]: preprocess: results must not/),
      ]);
    }
    expect(await content(image)).toBe(before);
  });

  test('inspect, bench and bench report', async () => {
    const weights = join(model, 'model.safetensors');
    await writeFile(at('bench.json'), '{}');
    const before = await content(weights);
    for (const argv of [
      ['inspect', 'forward', model, '--inputs', weights, '--out', weights],
      ['inspect', 'gradients', model, '--inputs', weights, '--out', join(model, 'config.json')],
      ['bench', '--model', model, '--out', weights],
      ['bench', 'train', '--model', model, '--out', weights],
      ['bench', 'report', at('bench.json'), '--out', at('bench.json')],
    ]) {
      const { code, stderr } = await call(argv);
      expect(stderr).toMatch(/^error \[(BAD_ARGUMENT|UNSUPPORTED|SAFETENSORS_INVALID|SHAPE_MISMATCH)\]: /);
      expect(code).toBe(1);
    }
    expect(await content(weights)).toBe(before);
    expect(await content(at('bench.json'))).toBe('{}');
  });

  test('export-checkpoint, import, quantize, train and a study', async () => {
    const weights = join(model, 'model.safetensors');
    const before = await content(weights);
    const by = 'tmca-edge@0.0.0-test';
    await symlink(model, at('same'));
    const all: Promise<unknown>[] = [
      exportCheckpoint({ model, as: 'timm', out: weights } as Parameters<typeof exportCheckpoint>[0]),
      importCheckpoints({ files: [weights], out: model, package: by }),
      importCheckpoints({ files: [weights], out: at('same'), package: by }),
      quantize(model, { to: 'fp16', out: at('same'), package: by }),
      train({ data: model, out: at('same') }),
      train({ data: at('data'), init: model, out: model }),
      train({ data: at('data'), init: model, out: folder }),
      runStudy({ data: model, out: folder, rows: [{ name: 'a', patch: {} }], seeds: [1] } as unknown as StudyOptions),
    ];
    for (const each of await Promise.allSettled(all))
      expect(each).toMatchObject({ status: 'rejected', reason: refused });
    expect(await content(weights)).toBe(before);
    expect((await readdir(model)).sort()).toEqual([...MODEL_FILES].sort());
  });
});

describe('what a killed writer left', () => {
  /** The name that a process gave before it died. */
  const leftBy = (end: 'tmp' | 'old') => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    return temporaryIn(folder, end).replace(/-\d+-\d*-/, `-${pid}--`);
  };

  test('goes with the next write in the folder; what lives, or is of another machine, stays', async () => {
    await mkdir(leftBy('tmp'));
    await writeFile(leftBy('tmp'), 'half');
    const ours = temporaryIn(folder);
    const elsewhere = leftBy('tmp').replace(/-[0-9a-f]{8}-/, '-00000000-');
    for (const path of [ours, elsewhere, at('.tmca-notes.tmp')]) await writeFile(path, '');
    await writeFileAtomic(at('a.json'), '{}');
    const names = [ours, elsewhere].map(path => path.slice(folder.length + 1));
    expect((await readdir(folder)).sort()).toEqual([...names, '.tmca-notes.tmp', 'a.json', 'model'].sort());
  });

  test('a model that stood aside when its writer died comes back', async () => {
    const aside = leftBy('old');
    await mkdir(aside);
    await mkdir(leftBy('tmp'));
    await cp(model, join(aside, 'model'), { recursive: true });
    await rm(model, { recursive: true });
    await checkModelTarget(model, 'test');
    expect(await readdir(folder)).toEqual(['model']);
    expect((await readdir(model)).sort()).toEqual([...MODEL_FILES].sort());
  });

  test('killed while it imports: nothing is left after the next call', async () => {
    const out = at('out');
    const script = `
      import { mkdirSync, writeFileSync } from 'node:fs';
      mkdirSync(process.argv[1]); writeFileSync(process.argv[1] + '/model.safetensors', 'half'); process.kill(process.pid, 'SIGKILL');`;
    const name = temporaryIn(folder);
    spawnSync(process.execPath, ['--input-type=module', '-e', script, name.replace(/-\d+-\d*-/, '-999999999--')]);
    await checkModelTarget(out, 'import');
    expect(await readdir(folder)).toEqual(['model']);
  });
});

describe('names and targets', () => {
  test('a name of 255 bytes is written', async () => {
    const name = 'n'.repeat(255);
    await writeFileAtomic(at(name), 'text');
    expect(await readFile(at(name), 'utf8')).toBe('text');
  });

  test('devices and pipes are not replaced by a file', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    await symlink('/dev/null', at('null'));
    for (const path of [at('pipe'), at('null'), '/dev/null', '/dev/full'])
      await expect(openAtomic(path)).rejects.toMatchObject({
        code: 'OUTPUT_NOT_WRITABLE',
        message: expect.stringMatching(/a pipe or a device/),
      });
  });
});
