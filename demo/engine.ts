// One Segmenter for the choices made on the page. It is opened again when they change, and only then, or when it is broken: a user's
// mistake costs no second download.

import {
  type DeviceChoice,
  type DTypeChoice,
  type ErrorCode,
  type Progress,
  type Report,
  type Segmentation,
  Segmenter,
  type SegmentOptions,
  type SessionInfo,
  TmcaError,
} from '../runtime/index.js';

export interface EngineOptions {
  readonly model: string;
  readonly device: DeviceChoice;
  readonly dtype: DTypeChoice;
}

/** After these the worker or the device cannot be relied on. Every other error leaves the engine as it was. */
const BROKEN: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DEVICE_LOST',
  'DISPOSED',
  'ENGINE_FAILED',
  'GPU_FAILED',
  'GPU_OUT_OF_MEMORY',
  'INTERNAL',
  'OUT_OF_MEMORY',
  'WORKER_DIED',
  'WORKER_FAILED',
]);

/** Encoded sentences that are kept: the two that are compared, and the two before. */
const KEPT = 4;

export class Engine {
  readonly #onProgress: (progress: Progress) => void;
  #key = '';
  #opening: Promise<Segmenter> | undefined;
  #stop = new AbortController();
  readonly #reports = new Map<string, Report>();

  constructor(onProgress: (progress: Progress) => void) {
    this.#onProgress = onProgress;
  }

  /** Loads the model, unless these very options are loaded or loading. A load under way with others is stopped. */
  async open(options: EngineOptions): Promise<SessionInfo> {
    const key = JSON.stringify(options);
    if (key !== this.#key) {
      await this.close();
      this.#key = key;
      const opening = Segmenter.create({ ...options, signal: this.#stop.signal, onProgress: this.#onProgress });
      this.#opening = opening;
      // What could not be opened is opened anew by the next call.
      opening.catch(() => {
        if (this.#opening === opening) [this.#key, this.#opening] = ['', undefined];
      });
    }
    return (await this.#opening!).info;
  }

  /** The open segmenter, for a view that streams. */
  get segmenter(): Promise<Segmenter> | undefined {
    return this.#opening;
  }

  /** @param text null for a model that reads no sentence */
  async segment(
    image: Blob,
    text: string | null,
    options: SegmentOptions,
  ): Promise<Segmentation & { truncated: boolean }> {
    const segmenter = await this.#opening!;
    const report = text === null ? null : await this.#encoded(segmenter, text, options.signal);
    return { ...(await segmenter.segment(image, report, options)), truncated: report?.truncated ?? false };
  }

  /** Closes the engine if an error says that it is broken; true if so. */
  async closeIfBroken(error: unknown): Promise<boolean> {
    if (error instanceof TmcaError && !BROKEN.has(error.code)) return false;
    await this.close();
    return true;
  }

  /** Frees the device. The next `open` starts anew. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#stop.abort();
    this.#stop = new AbortController();
    [this.#key, this.#opening] = ['', undefined];
    this.#reports.clear();
    await opening?.then(segmenter => segmenter.dispose()).catch(() => {});
  }

  async #encoded(segmenter: Segmenter, text: string, signal?: AbortSignal): Promise<Report> {
    const known = this.#reports.get(text);
    const report = known ?? (await segmenter.encodeReport(text, signal ? { signal } : {}));
    this.#reports.delete(text);
    this.#reports.set(text, report);
    const [[oldest, unused]] = [...this.#reports] as [[string, Report]];
    if (this.#reports.size > KEPT) {
      this.#reports.delete(oldest);
      unused.dispose();
    }
    return report;
  }
}
