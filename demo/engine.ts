// One Segmenter for the choices made on the page: opened again when they change, its last report kept.

import {
  type DeviceChoice,
  type DTypeChoice,
  type Progress,
  type Report,
  type Segmentation,
  Segmenter,
  type SessionInfo,
} from '../runtime/index.js';

export interface EngineOptions {
  readonly model: string;
  readonly device: DeviceChoice;
  readonly dtype: DTypeChoice;
}

export class Engine {
  readonly #onProgress: (progress: Progress) => void;
  #key = '';
  #opening: Promise<Segmenter> | undefined;
  #stop = new AbortController();
  #report: Report | undefined;

  constructor(onProgress: (progress: Progress) => void) {
    this.#onProgress = onProgress;
  }

  /** Loads the model, unless these very options are loaded or loading. A load under way with others is stopped. */
  async open(options: EngineOptions): Promise<SessionInfo> {
    const key = JSON.stringify(options);
    if (key !== this.#key) {
      await this.close();
      this.#key = key;
      this.#opening = Segmenter.create({
        ...options,
        signal: this.#stop.signal,
        onProgress: this.#onProgress,
      });
    }
    return (await this.#opening!).info;
  }

  async segment(image: Blob, text: string, signal: AbortSignal): Promise<Segmentation> {
    const segmenter = await this.#opening!;
    if (this.#report?.text !== text) {
      const report = await segmenter.encodeReport(text, { signal });
      this.#report?.dispose();
      this.#report = report;
    }
    return segmenter.segment(image, this.#report, { signal });
  }

  /** True if the last report was longer than the model's limit. */
  get truncated(): boolean {
    return this.#report?.truncated ?? false;
  }

  /** Frees the device. The next `open` starts anew. */
  async close(): Promise<void> {
    const opening = this.#opening;
    this.#stop.abort();
    this.#stop = new AbortController();
    [this.#key, this.#opening, this.#report] = ['', undefined, undefined];
    await opening?.then(segmenter => segmenter.dispose()).catch(() => {});
  }
}
