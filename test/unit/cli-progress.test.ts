// Progress: a bar where there is a terminal, silence or a rare line elsewhere, and never a word of it on stdout.

import { Writable } from 'node:stream';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Console } from '../../cli/console.js';
import type { Io } from '../../cli/io.js';

function setup(terminal: NodeJS.WriteStream | null) {
  const said = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof said) => ({
    write: async (text: string) => {
      said[name] += text;
    },
  });
  const io = { stdout: sink('stdout'), stderr: sink('stderr'), terminal } as unknown as Io;
  return { said, console: new Console(io) };
}

function fakeTerminal() {
  const screen = { text: '' };
  const stream = new Writable({
    write(chunk, _, done) {
      screen.text += chunk;
      done();
    },
  });
  // What a bar asks of a terminal.
  const control = (name: string) => () => {
    screen.text += `<${name}>`;
    return true;
  };
  const methods = { cursorTo: control('to'), clearLine: control('clear'), moveCursor: control('move') };
  return {
    screen,
    terminal: Object.assign(stream, { isTTY: true, columns: 80 }, methods) as unknown as NodeJS.WriteStream,
  };
}

afterEach(() => vi.useRealTimers());

describe('on a terminal', () => {
  test('a bar shows the count and goes when the work is done', async () => {
    const { screen, terminal } = fakeTerminal();
    const { console, said } = setup(terminal);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'] });
    const task = await console.task('evaluate', 4);
    task.step(2);
    // The bar draws at most so often; a stop draws what is left.
    vi.advanceTimersByTime(150);
    task.step(4);
    task.end();
    task.end();
    expect(screen.text).toMatch(/evaluate \[.*\] 0\/4/);
    expect(screen.text).toMatch(/evaluate \[.*\] 2\/4, .* left/);
    expect(said).toEqual({ stdout: '', stderr: '' });
  });
  test('loading shows phase and share, and is wiped at the end', () => {
    const { screen, terminal } = fakeTerminal();
    const loading = setup(terminal).console.loading('nano');
    loading.report({ phase: 'weights', loaded: 1, total: 3 });
    loading.report({ phase: 'compile', loaded: 1 });
    loading.end();
    expect(screen.text).toBe('\r\x1b[Knano: weights 33 %\r\x1b[Knano: compile\r\x1b[K');
  });
  test('a warning starts on a clean line', async () => {
    const { screen, terminal } = fakeTerminal();
    const { console, said } = setup(terminal);
    await console.warn('cut');
    expect(screen.text).toBe('\r\x1b[K');
    expect(said.stderr).toBe('warning: cut\n');
  });
});

describe('without a terminal', () => {
  test('a line every ten seconds at most, with the time left', async () => {
    vi.useFakeTimers({ toFake: ['performance'] });
    const { console, said } = setup(null);
    const task = await console.task('evaluate', 100);
    for (let done = 1; done <= 60; done++) {
      vi.advanceTimersByTime(500);
      task.step(done);
    }
    task.end();
    expect(said.stderr).toBe('evaluate 20/100, 40 s left\nevaluate 40/100, 30 s left\nevaluate 60/100, 20 s left\n');
    expect(said.stdout).toBe('');
  });
  test('loading says nothing', () => {
    const { console, said } = setup(null);
    const loading = console.loading('nano');
    loading.report({ phase: 'weights', loaded: 1, total: 3 });
    loading.end();
    expect(said.stderr).toBe('');
  });
});
