// The process around the command: streams, Ctrl-C, exit code. Built to dist/cli.js, which bin/tmca.js calls.

import { addAbortSignal } from 'node:stream';
import { TmcaError } from '../errors/index.js';
import type { Io, Sink } from './io.js';
import { run } from './run.js';

export type { Io, Sink } from './io.js';
export { run } from './run.js';

const write = (stream: NodeJS.WriteStream, text: string): Promise<void> =>
  new Promise((done, failed) => stream.write(text, error => (error ? failed(error) : done())));

/** What is said on the side stops no work where nobody can hear it. */
const aside = (stream: NodeJS.WriteStream): Sink => ({ write: text => write(stream, text).catch(() => {}) });

/** Errors: OUTPUT_NOT_WRITABLE. */
const results = (stream: NodeJS.WriteStream): Sink => ({
  write: text =>
    write(stream, text).catch((cause: NodeJS.ErrnoException) => {
      const got = `${cause.code ?? cause.message}`;
      const message = `tmca: the standard output must take what is written, got ${got}; free some space, or write elsewhere`;
      throw new TmcaError('OUTPUT_NOT_WRITABLE', message, { cause });
    }),
});

/** Runs the command on this process and sets its exit code. */
export async function main(argv: readonly string[] = process.argv.slice(2)): Promise<void> {
  const stop = new AbortController();
  let code: number | undefined;
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      // The first time, what runs ends in good order; the second time, at once.
      if (stop.signal.aborted) process.exit(status);
      code = status;
      stop.abort(signal);
    });
  }
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // The reader has gone (`tmca … | head`): nobody is left to tell. All else is told by who wrote.
    if (error.code === 'EPIPE') process.exit(0);
  });
  process.stderr.on('error', () => {});
  const { stdout, stderr } = process;
  const io: Io = {
    // Opened only by a command that reads it. One that waits for a line must wake up to stop.
    get stdin() {
      return addAbortSignal(stop.signal, process.stdin);
    },
    stdout: results(stdout),
    stderr: aside(stderr),
    terminal: stderr.isTTY ? stderr : null,
    signal: stop.signal,
  };
  const result = await run(argv, io);
  process.exitCode = result === 130 ? (code ?? 130) : result;
}
