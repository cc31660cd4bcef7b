// Where a worker and a model are found, and the worker made.

import { TmcaError } from '../../errors/index.js';
import type { Progress, SessionInfo } from '../types.js';
import { type WorkerLike, WorkerLink } from './worker/link.js';
import { progressProxy } from './worker/progress.js';
import type { CreateRequest } from './worker/protocol.js';
import type { WatchdogOptions } from './worker/watchdog.js';

/** A worker that holds the model. */
export interface Started {
  readonly link: WorkerLink;
  readonly info: SessionInfo;
}

/** Starts a worker with the options of `create`; once more where a stream needs another. */
export type Start = (signal?: AbortSignal, onProgress?: (progress: Progress) => void) => Promise<Started>;

export const starter =
  (factory: (() => WorkerLike) | undefined, watchdog: WatchdogOptions | undefined, request: CreateRequest): Start =>
  async (signal, onProgress) => {
    const link = new WorkerLink(startWorker(factory), watchdog, factory ? undefined : ownScript());
    try {
      await link.start(signal);
      const report = progressProxy(step => {
        link.progressed();
        onProgress?.(step);
      });
      const info = await link.call('Segmenter.create', (remote, id) => remote.create(id, request, report), { signal });
      return { link, info };
    } catch (error) {
      link.end(error as TmcaError);
      throw error;
    }
  };

function startWorker(factory: (() => WorkerLike) | undefined): WorkerLike {
  try {
    const worker = factory
      ? factory()
      : new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'tmca-edge' });
    if (typeof worker?.postMessage !== 'function') throw new TypeError(`the factory returned ${typeof worker}`);
    return worker;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const todo = "serve it from the page's own origin or pass `worker`";
    throw new TmcaError('WORKER_FAILED', `Segmenter.create: the worker must start, got "${why}"; ${todo}`, { cause });
  }
}

/**
 * Where the worker script is looked for, unless a bundler has moved it: beside the file that runs this. Read from a stack, as
 * `import.meta.url` by itself becomes a path of the machine that built the page in some bundlers.
 */
function ownScript(): string | undefined {
  const here = /https?:\/\/\S+?(?=:\d+:\d+)/.exec(new Error().stack ?? '')?.[0];
  return here && new URL('worker.js', here).href;
}
