// The process around the command: streams, Ctrl-C, exit code. Built to dist/cli.js, which bin/tmca.js calls.

import { addAbortSignal } from 'node:stream';
import type { Io, Sink } from './io.js';
import { run } from './run.js';

export type { Io, Sink } from './io.js';
export { run } from './run.js';

const sink = (stream: NodeJS.WriteStream): Sink => ({
  write: text => new Promise((done, failed) => stream.write(text, error => (error ? failed(error) : done()))),
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
  // The reader has gone (`tmca … | head`): nobody is left to tell.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const { stdout, stderr } = process;
  const io: Io = {
    // Opened only by a command that reads it. One that waits for a line must wake up to stop.
    get stdin() {
      return addAbortSignal(stop.signal, process.stdin);
    },
    stdout: sink(stdout),
    stderr: sink(stderr),
    terminal: stderr.isTTY ? stderr : null,
    signal: stop.signal,
  };
  const result = await run(argv, io);
  process.exitCode = result === 130 ? (code ?? 130) : result;
}
