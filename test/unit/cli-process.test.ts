// The command as a process: what only a process has (exit codes, signals, closed pipes). Needs the build.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { closure } from '../../tools/check-budgets.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'bin', 'tmca.js');
const built = existsSync(join(root, 'dist', 'cli.js'));

function start(script: string, argv: string[]) {
  const child = spawn(process.execPath, [script, ...argv], { stdio: ['pipe', 'pipe', 'pipe'] });
  const said = { stdout: '', stderr: '' };
  child.stdout.on('data', chunk => {
    said.stdout += chunk;
  });
  child.stderr.on('data', chunk => {
    said.stderr += chunk;
  });
  const end = once(child, 'close').then(([code, signal]) => ({ code, signal, ...said }));
  return { child, end };
}

test('without a build it says what to run', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tmca-bin-'));
  try {
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    await copyFile(bin, join(folder, 'bin', 'tmca.js'));
    const outcome = await start(join(folder, 'bin', 'tmca.js'), ['--version']).end;
    expect(outcome).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/run `npm run build` first\n$/),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

describe.skipIf(!built)('bin/tmca.js (skipped where dist/cli.js is not built; `npm test` builds it)', () => {
  test('exit codes 0, 1 and 2', async () => {
    const version = start(bin, ['--version']).end;
    const missing = start(bin, ['segment', 'none.png', '--text', 'x']).end;
    const usage = start(bin, ['segment']).end;
    expect(await version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
    expect(await missing).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^error \[FILE_NOT_FOUND\]: .*\n$/),
    });
    expect(await usage).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^error \[BAD_USAGE\]: .*\n$/),
    });
  });

  test('what is loaded before a command is chosen has nothing of an engine', () => {
    const chunks = (entry: string) => closure(entry, file => readFileSync(join(root, file), 'utf8')).files;
    const engine = /\/chunk-engine-/;
    expect(chunks('dist/worker.js').filter(file => engine.test(file))).toHaveLength(1);
    expect(chunks('dist/cli.js').filter(file => engine.test(file))).toEqual([]);
  });

  const vocabulary = ['tokenize', '--vocab', join(root, 'models', 'nano', 'vocab.txt')];

  test('answers before its input ends', async () => {
    const { child, end } = start(bin, vocabulary);
    child.stdin.write('"one small polyp"\n');
    const [line] = await once(child.stdout, 'data');
    expect(String(line)).toMatch(/^\[\d+(,\d+)+\]\n$/);
    child.stdin.end();
    expect((await end).code).toBe(0);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s stops it in good order, even while it waits: %i', async (signal, code) => {
    const { child, end } = start(bin, vocabulary);
    child.stdin.write('"x"\n');
    await once(child.stdout, 'data');
    child.kill(signal);
    expect(await end).toMatchObject({ code, signal: null, stderr: 'error [ABORTED]: tmca: stopped by its signal\n' });
  });

  test('a reader that leaves is no error', async () => {
    const { child, end } = start(bin, vocabulary);
    child.stdout.destroy();
    child.stdin.on('error', () => {});
    child.stdin.end('"one small polyp"\n'.repeat(20_000));
    expect(await end).toMatchObject({ code: 0, stderr: '' });
  });

  const full = '/dev/full';

  test.skipIf(!existsSync(full))('an output that takes no more (skipped where there is no /dev/full)', async () => {
    const output = await open(full, 'w');
    try {
      const child = spawn(process.execPath, [bin, 'inspect', 'plan', 'nano'], { stdio: ['ignore', output.fd, 'pipe'] });
      let said = '';
      child.stderr!.on('data', chunk => {
        said += chunk;
      });
      const [code] = await once(child, 'close');
      expect(said).toMatch(/^error \[OUTPUT_NOT_WRITABLE\]: tmca: the standard output must .*, got ENOSPC; .*\n$/);
      expect(code).toBe(1);
    } finally {
      await output.close();
    }
  });
});
