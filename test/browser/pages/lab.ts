// What the browser tests find on the page: the public API, workers of several kinds, and a way to bring results back as plain data.

import { type ImageSource, Segmenter, type SegmenterOptions, TmcaError } from '../../../runtime/index.js';

/** An error as a test can read it outside the page. */
export interface Failure {
  readonly tmca: boolean;
  readonly name: string;
  readonly code?: string;
  readonly retryable?: boolean;
  readonly message: string;
  readonly cause?: Failure;
}

const workers = {
  fake: () => new Worker(new URL('./fake-worker.ts', import.meta.url), { type: 'module' }),
  throwing: () => new Worker(new URL('./throwing-worker.ts', import.meta.url), { type: 'module' }),
  missing: () => new Worker('/no-such-worker.js', { type: 'module' }),
};

const testPage = {
  Segmenter,
  /** The last worker made by `start`. */
  worker: undefined as Worker | undefined,

  /** `default`: the package's own worker, with the real session. */
  start(kind: keyof typeof workers | 'default' = 'fake', options: Partial<SegmenterOptions> = {}): Promise<Segmenter> {
    const worker = () => {
      testPage.worker = workers[kind as keyof typeof workers]();
      return testPage.worker;
    };
    return Segmenter.create({ model: '/models/fake', ...(kind === 'default' ? {} : { worker }), ...options });
  },

  /** The error that a promise rejects with; `null` if it does not. */
  failure(promise: Promise<unknown>): Promise<Failure | null> {
    return promise.then(() => null, describe);
  },

  /** The first `count` bytes of RGBA that a session gets to see of a source, and the size of the image. */
  async seen(source: ImageSource, count = 8): Promise<{ bytes: number[]; width: number; height: number }> {
    const segmenter = await testPage.start();
    const { probability, width, height } = await segmenter.segment(source, await segmenter.encodeReport('red'));
    await segmenter.dispose();
    return { bytes: [...probability.subarray(0, count)].map(value => Math.round(value * 255)), width, height };
  },

  /** A canvas of 20x10 with a pure red rectangle of 6x4 at (12, 3) on blue. */
  canvas(): HTMLCanvasElement {
    const canvas = Object.assign(document.createElement('canvas'), { width: 20, height: 10 });
    const context = canvas.getContext('2d')!;
    context.fillStyle = '#00f';
    context.fillRect(0, 0, 20, 10);
    context.fillStyle = '#f00';
    context.fillRect(12, 3, 6, 4);
    return canvas;
  },

  blob(base64: string, type: string): Blob {
    return new Blob([Uint8Array.from(atob(base64), char => char.charCodeAt(0))], { type });
  },
};

function describe(error: unknown): Failure {
  const { name, message, code, retryable, cause } = error as TmcaError;
  const tmca = error instanceof TmcaError;
  return {
    tmca,
    name,
    message,
    ...(tmca && { code, retryable }),
    ...(cause !== undefined && { cause: describe(cause) }),
  };
}

declare global {
  /** What `page.evaluate` calls. */
  var lab: typeof testPage;
}
globalThis.lab = testPage;
