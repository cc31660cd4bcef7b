// One call of the command, from arguments to exit code, without a process of its own.

import { CommanderError, type CommandUnknownOpts } from 'commander';
import { TmcaError } from '../errors/index.js';
import { Console } from './console.js';
import { type Engine, realEngine } from './engine.js';
import type { Io } from './io.js';
import { withInstallLine } from './packages.js';
import { createProgram } from './program.js';

export type ExitCode = 0 | 1 | 2 | 130;

/**
 * Runs the command: `argv` as after `tmca`. Never throws: errors go to stderr, one line each, and into the exit code.
 *
 * @example
 * const code = await run(['segment', 'colon.jpg', '--text', 'one small polyp', '--json'], io);
 */
export async function run(argv: readonly string[], io: Io, engine: Engine = realEngine): Promise<ExitCode> {
  const console = new Console(io);
  let written: Promise<void> = Promise.resolve();
  const program = createProgram({ io, console, engine });
  quiet(program, text => {
    written = io.stdout.write(text);
    // awaited below, after what Commander throws
    written.catch(() => {});
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return await usage(error, console, written);
    const stopped = io.signal.aborted && isAbort(error);
    await console.error(stopped && !(error instanceof TmcaError) ? aborted(error) : withInstallLine(error));
    return stopped ? 130 : 1;
  }
}

/** By our own code, or by Node's (a stream that is read). */
const isAbort = (error: unknown) =>
  error instanceof TmcaError ? error.code === 'ABORTED' : (error as Error | undefined)?.name === 'AbortError';

const aborted = (cause: unknown) => new TmcaError('ABORTED', 'tmca: stopped by its signal', { cause });

/** Commander would exit the process and write to it; both are ours to do, for every command below too. */
function quiet(command: CommandUnknownOpts, writeOut: (text: string) => void): void {
  command.exitOverride();
  // Help asked for goes to stdout; errors are thrown as well, and are shown from there.
  command.configureOutput({ writeOut, writeErr: () => {}, outputError: () => {} });
  for (const sub of command.commands) quiet(sub, writeOut);
}

async function usage(error: CommanderError, console: Console, written: Promise<void>): Promise<ExitCode> {
  if (error.exitCode === 0) {
    // help, or the version
    const fault = await written.then(
      () => null,
      cause => cause as unknown,
    );
    if (fault) await console.error(fault);
    return fault ? 1 : 0;
  }
  // Called without a command: commander's word for it is "(outputHelp)".
  const nothing = error.code === 'commander.help';
  const message = nothing ? 'a command is missing' : error.message.replace(/^error: /, '').replace(/\.$/, '');
  await console.error(new TmcaError('BAD_USAGE', `${message}; see tmca --help`));
  return 2;
}
