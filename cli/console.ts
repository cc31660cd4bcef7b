// What a user sees: results on stdout, warnings and progress on stderr. A bar on a terminal; a line now and then elsewhere.
// Names and texts of files pass through here, so everything is escaped here, and nowhere before.

import { TmcaError } from '../errors/index.js';
import { printable } from '../errors/show.js';
import type { Progress } from '../runtime/types.js';
import type { Io } from './io.js';

/** Between two lines of progress where there is no terminal: enough to see life in a log. */
const LINE_MS = 10_000;

/** To the first column, and erase to the right (ECMA-48). */
const CLEAR_LINE = '\r\x1b[K';

type Lines = string | readonly string[];

export interface Loading {
  report(progress: Progress): void;
  end(): void;
}

/** A stretch of work with a known number of steps. */
export interface Task {
  /** `total` where it is known only now; `detail`: how the work looks at this point. */
  step(done: number, total?: number, detail?: string): void;
  /** Removes the bar. Twice is fine. */
  end(): void;
}

interface TaskOptions {
  readonly start?: number;
  readonly ownTime?: boolean;
}

export class Console {
  readonly #io: Io;

  constructor(io: Io) {
    this.#io = io;
  }

  /** The one JSON document of `--json`. */
  async json(value: unknown): Promise<void> {
    // what JSON leaves as it is lies within texts, where an escape means the same
    await this.print(JSON.stringify(value, null, 2).split('\n'));
  }

  /** One line of text, or several: a break within one is escaped, so that no name can forge a line. */
  async print(text: Lines): Promise<void> {
    await this.#io.stdout.write(linesOf(text));
  }

  /** Lines on stderr about what is going on. */
  async tell(text: Lines): Promise<void> {
    await this.#line(text);
  }

  /** Something that the user may want to know, and that is nobody's fault. */
  async note(text: string): Promise<void> {
    await this.#line(`note: ${text}`);
  }

  /** Something that the user should know and that stops nothing. */
  async warn(text: string): Promise<void> {
    await this.#line(`warning: ${text}`);
  }

  /** One line, as the contract has it: what reads stderr by lines finds it. */
  async error(error: unknown): Promise<void> {
    const { code, message } = error instanceof TmcaError ? error : { code: 'INTERNAL', message: inner(error) };
    await this.#line(`error [${code}]: ${message.replace(/\s*\n\s*/g, ' ')}`);
  }

  /**
   * Starts a progress display, of work of which `start` steps are done already; one at a time. `ownTime`: the time that is left is
   * part of each step's `detail`.
   */
  async task(label: string, total: number, { start = 0, ownTime = false }: TaskOptions = {}): Promise<Task> {
    const { terminal } = this.#io;
    if (!terminal) return this.#quietTask(label, total, start, ownTime);
    const { default: progress } = await import('cli-progress');
    const bar = new progress.SingleBar({
      stream: terminal,
      // the label is no part of the format, where braces mean something
      format: `{label} [{bar}] {value}/{total}{detail}${ownTime ? '' : ', {eta_formatted} left'}`,
      clearOnComplete: true,
      hideCursor: true,
      // Ctrl-C is handled by the command, which ends the bar on its way out.
      gracefulExit: false,
    });
    bar.start(total, start, { label: printable(label), detail: '' });
    const step = (done: number, now = total, detail?: string) => {
      bar.setTotal(now);
      bar.update(done, { detail: after(detail) });
    };
    return { step, end: () => bar.stop() };
  }

  /** Shows what a session reports while it loads, on a terminal, until `end`. */
  loading(model: string): Loading {
    const { terminal } = this.#io;
    const report = ({ phase, loaded, total }: Progress) => {
      const share = total ? ` ${Math.floor((100 * loaded) / total)} %` : '';
      terminal?.write(`${CLEAR_LINE}${printable(model)}: ${phase}${share}`);
    };
    return { report, end: () => terminal?.write(CLEAR_LINE) };
  }

  #quietTask(label: string, total: number, start: number, ownTime: boolean): Task {
    const begun = performance.now();
    let last = begun;
    const step = (done: number, all = total, detail?: string) => {
      const now = performance.now();
      if (now - last < LINE_MS || done <= start) return;
      last = now;
      const left = ((now - begun) / (done - start)) * (all - done);
      const time = ownTime ? '' : `, ${Math.ceil(left / 1000)} s left`;
      void this.#io.stderr.write(linesOf(`${label} ${done}/${all}${after(detail)}${time}`));
    };
    return { step, end: () => {} };
  }

  async #line(text: Lines): Promise<void> {
    // Over the bar or what is shown of loading; the next step draws it again below.
    this.#io.terminal?.write(CLEAR_LINE);
    await this.#io.stderr.write(linesOf(text));
  }
}

const linesOf = (text: Lines): string =>
  [text]
    .flat()
    .map(line => `${printable(line)}\n`)
    .join('');

const after = (detail: string | undefined): string => (detail ? printable(`, ${detail}`) : '');

function inner(error: unknown): string {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return `a fault of this program, not of your input: ${text}; please report it`;
}
