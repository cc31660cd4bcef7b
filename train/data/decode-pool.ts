// Decoding, and what else a picture takes, in worker threads. Who asks first is served first; answers belong to their question, so it does not matter which
// thread was faster.

import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { check, type ErrorCode, TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import type { Decoded, DecodeJob } from './decode.js';
import type { ReadySample, SampleJob } from './sample.js';

/** What a thread is asked for. */
export type Request = { readonly decode: DecodeJob } | { readonly sample: SampleJob };

type Result = Decoded | ReadySample;

/** What a thread sends back. */
export type Answer = { readonly result: Result } | { readonly code: ErrorCode; readonly message: string };

const nameOf = (request: Request): string =>
  'decode' in request
    ? `record ${show(request.decode.id)}, ${request.decode.image}`
    : `record ${show(request.sample.draw.id)}`;

interface Pending {
  readonly request: Request;
  resolve(result: Result): void;
  reject(error: TmcaError): void;
}

export interface DecodePoolOptions {
  /** One less than the cores, 1 to 8, if not given: the decoders of a process share four threads of libuv. */
  readonly threads?: number;
  /** The compiled decode-worker.ts; the package's own if not given. */
  readonly script?: URL;
}

/**
 * Threads that run `decodeRecord` and `makeSample`. They start with the first jobs, and an idle pool keeps no process alive.
 *
 * @example
 * const pool = new DecodePool();
 * const decoded = await pool.decode({ id, image, mask, size: 224 });
 * await pool.dispose();
 */
export class DecodePool {
  readonly threads: number;
  readonly #script: URL;
  readonly #idle: Worker[] = [];
  readonly #busy = new Map<Worker, Pending>();
  readonly #queue: Pending[] = [];
  #failure: TmcaError | undefined;

  /** Errors: BAD_ARGUMENT. */
  constructor(options: DecodePoolOptions = {}) {
    this.threads = options.threads ?? Math.min(8, Math.max(1, availableParallelism() - 1));
    const whole = Number.isInteger(this.threads) && this.threads >= 1;
    check(whole, 'BAD_ARGUMENT', `DecodePool: threads must be an integer of at least 1, got ${this.threads}`);
    this.#script = options.script ?? new URL('./decode-worker.js', import.meta.url);
  }

  /** Errors: WORKER_FAILED (no thread), WORKER_DIED, DISPOSED, and those of `decodeRecord`. */
  decode(job: DecodeJob): Promise<Decoded> {
    return this.#ask({ decode: job }) as Promise<Decoded>;
  }

  /** The sample's bytes are copied to the thread. Errors: as of `decode`, and those of `makeSample`. */
  sample(job: SampleJob): Promise<ReadySample> {
    return this.#ask({ sample: job }) as Promise<ReadySample>;
  }

  /** Ends the threads; jobs that wait reject with DISPOSED. Twice is fine. */
  async dispose(): Promise<void> {
    const workers = [...this.#idle, ...this.#busy.keys()];
    this.#fail(new TmcaError('DISPOSED', 'DecodePool: must not be used after dispose(); make a new one'));
    await Promise.all(workers.map(worker => worker.terminate()));
  }

  #ask(request: Request): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#queue.push({ request, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.threads ? this.#start() : undefined);
      if (!worker) return;
      const pending = this.#queue.shift()!;
      this.#busy.set(worker, pending);
      worker.ref();
      worker.postMessage(pending.request);
    }
  }

  #start(): Worker {
    // without the process's own flags: --input-type and its like would stop the thread
    const worker = new Worker(this.#script, { name: 'decode', execArgv: [] });
    let answered = false;
    worker.on('message', (answer: Answer) => {
      answered = true;
      this.#settle(worker, answer);
    });
    const died = (cause: unknown) => {
      const request = this.#busy.get(worker)?.request;
      const at = request ? nameOf(request) : 'no record';
      const got = cause instanceof Error ? cause.message : `exit code ${cause}`;
      this.#fail(
        answered
          ? new TmcaError('WORKER_DIED', `DecodePool: a thread must live, got ${got} at ${at}; look at its files`, {
              cause,
            })
          : new TmcaError('WORKER_FAILED', `DecodePool: ${this.#script} must start, got ${got}; install again`, {
              cause,
            }),
      );
      for (const other of [...this.#idle, ...this.#busy.keys()]) void other.terminate();
    };
    worker.on('error', died);
    worker.on('messageerror', died);
    // also after an error and after dispose(), where the failure is set already
    worker.on('exit', died);
    return worker;
  }

  #settle(worker: Worker, answer: Answer): void {
    const pending = this.#busy.get(worker);
    if (!pending) return;
    this.#busy.delete(worker);
    this.#idle.push(worker);
    worker.unref();
    if ('result' in answer) pending.resolve(answer.result);
    else pending.reject(new TmcaError(answer.code, `${answer.message} (${nameOf(pending.request)})`));
    this.#next();
  }

  /** Rejects everything that waits, and all that will be asked. The first failure counts. */
  #fail(error: TmcaError): void {
    if (this.#failure) return;
    this.#failure = error;
    for (const pending of [...this.#busy.values(), ...this.#queue]) pending.reject(error);
    this.#queue.length = 0;
  }
}
