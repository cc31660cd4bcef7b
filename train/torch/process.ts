// A Python process that answers messages: the length of a header, the header as JSON, and the numbers of its tensors (worker.py).

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { TmcaError } from '../../errors/index.js';
import { bytesOfView } from '../../formats/weights/encode-storage.js';
import { type Shape, sizeOf } from '../../graph/graph.js';

/** Numbers under a name, as a message carries them. */
export interface Carried {
  readonly shape: Shape;
  readonly data: Float32Array | Int32Array;
}

export interface Answer {
  readonly header: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, { readonly shape: Shape; readonly data: Float32Array }>;
}

/** Bytes of what Python prints that are kept, to say why it ended. */
const KEPT = 4000;

export class PythonProcess {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<void>;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #wake: () => void = () => {};
  #ended = false;
  #said = '';

  /** @param source what Python runs */
  constructor(
    private readonly python: string,
    source: string,
  ) {
    // From a file descriptor of its own: a command line would be too short for it, and stdin has the messages.
    this.#child = spawn(python, ['-c', 'import os; exec(os.fdopen(3).read())'], {
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
      windowsHide: true,
    }) as ChildProcessWithoutNullStreams;
    const script = this.#child.stdio[3] as unknown as NodeJS.WritableStream;
    script.on('error', () => undefined);
    script.end(source);
    this.#child.stdin.on('error', () => undefined); // its end is told by the reading
    this.#child.stdout.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      this.#wake();
    });
    this.#child.stderr.on('data', chunk => {
      this.#said = `${this.#said}${chunk}`.slice(-KEPT);
    });
    this.#closed = new Promise(resolve => {
      const end = (error?: Error) => {
        if (error) this.#said += `\n${error.message}`;
        this.#ended = true;
        this.#wake();
        resolve();
      };
      this.#child.on('error', end);
      this.#child.on('close', () => end());
    });
  }

  /**
   * Asks one thing; questions must not overlap.
   *
   * Errors: ENGINE_UNAVAILABLE (no such Python, or no PyTorch in it), ENGINE_FAILED (it ended or refused), OUT_OF_MEMORY.
   */
  async ask(what: string, header: object = {}, tensors: Readonly<Record<string, Carried>> = {}): Promise<Answer> {
    const list = Object.entries(tensors).map(([name, { shape, data }]) => [
      name,
      data instanceof Int32Array ? 'i32' : 'f32',
      shape,
    ]);
    const text = Buffer.from(JSON.stringify({ what, ...header, tensors: list }));
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    this.#child.stdin.write(length);
    this.#child.stdin.write(text);
    for (const { data } of Object.values(tensors)) this.#child.stdin.write(bytesOfView(data));
    const answer = await this.#answer();
    const { error, memory } = answer.header as { readonly error?: string; readonly memory?: boolean };
    if (error === undefined) return answer;
    const code = memory ? 'OUT_OF_MEMORY' : 'ENGINE_FAILED';
    const todo = memory ? 'choose a smaller batch' : 'see what it printed before';
    throw new TmcaError(code, `train: PyTorch must take the step, got "${error}"; ${todo}`);
  }

  async dispose(): Promise<void> {
    this.#child.stdin.end();
    this.#child.kill();
    await this.#closed;
  }

  async #answer(): Promise<Answer> {
    const header = JSON.parse((await this.#take((await this.#take(4)).readUInt32LE(0))).toString()) as {
      readonly tensors: readonly (readonly [name: string, dtype: string, shape: number[]])[];
    };
    const tensors = new Map<string, { shape: Shape; data: Float32Array }>();
    for (const [name, , shape] of header.tensors) {
      const bytes = await this.#take(4 * sizeOf(shape));
      const data = new Float32Array(sizeOf(shape));
      bytesOfView(data).set(bytes);
      tensors.set(name, { shape, data });
    }
    return { header, tensors };
  }

  async #take(count: number): Promise<Buffer> {
    while (this.#bytes < count) {
      if (this.#ended) throw this.#failure();
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
    }
    const all = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = all.length > count ? [all.subarray(count)] : [];
    this.#bytes = all.length - count;
    return all.subarray(0, count);
  }

  #failure(): TmcaError {
    const why = this.#said.trim().split('\n').at(-1) || 'no reason';
    const absent = /No module named 'torch'|ENOENT/.test(why);
    const got = `got "${why}" from ${this.python}`;
    return absent
      ? new TmcaError(
          'ENGINE_UNAVAILABLE',
          `train: there must be a Python with PyTorch, ${got}; install it (pip install torch), or name another Python with --python`,
        )
      : new TmcaError('ENGINE_FAILED', `train: PyTorch must take the step, ${got}; see that it runs by itself`);
  }
}
