// The public API of the browser: a model in a worker, so that the page stays free while the network runs.

import { transfer } from 'comlink';
import { checkOptions, requireOptions } from '../../errors/arguments.js';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { checkChoices, checkText, takeOptions } from '../given.js';
import { checkSentence, checkTakesText } from '../sentence.js';
import { SerialQueue } from '../serial-queue.js';
import type {
  DeviceChoice,
  DTypeChoice,
  IntegrityChoice,
  Pixels,
  Progress,
  Report,
  Segmentation,
  SegmentOptions,
  SessionInfo,
  SessionStats,
  StoreChoice,
  Warning,
} from '../types.js';
import { absolute, addressOfModel } from './absolute.js';
import type { Capabilities, CapabilitiesOptions } from './capabilities.js';
import type { ModelFilesGiven } from './given-model.js';
import { type WorkerLike, WorkerLink } from './worker/link.js';
import { progressProxy } from './worker/progress.js';
import type { ReportTicket } from './worker/protocol.js';
import { discard } from './worker/shipment.js';
import { type ImageSource, isVideoFrame, type Packed, pack, postingError } from './worker/source.js';
import type { WatchdogOptions } from './worker/watchdog.js';

/** What {@link Segmenter.create} takes. */
export interface SegmenterOptions {
  /**
   * Address of a model folder (config.json, model.safetensors, vocab.txt, manifest.json), relative to the page; or its files: a
   * list of them, or an object such as `{ 'config.json': blob, 'model.safetensors': bytes }`.
   */
  readonly model: string | URL | ModelFilesGiven;
  /**
   * `auto` (default): the browser keeps the files of a model that is named by its address, so that they are fetched once and there
   * without a network; see `info.store`. {@link Segmenter.forget} removes them. `off`: nothing is kept or taken from what was.
   */
  readonly store?: StoreChoice;
  /**
   * `auto` (default) takes a hardware adapter, else wasm; why is said in `info.reason`. `webgpu` takes a software adapter too.
   */
  readonly device?: DeviceChoice;
  /** `auto` (default) runs a model at the precision it is stored in; see `info.dtype`. `int8` is refused in this version. */
  readonly dtype?: DTypeChoice;
  /**
   * True (default): on hardware, kernels are fitted to the adapter by measuring, for at most two seconds, and the result is kept in
   * IndexedDB for the next time. False: a profile of the adapter's kind decides.
   */
  readonly tune?: boolean;
  /**
   * Address of a folder with the files of onnxruntime-web, relative to the page, for the wasm engine: this package's folder
   * `onnxruntime`, or that package's `dist`. Needed only where they are not served from where a bundler put them, or from beside `dist`.
   */
  readonly wasmPaths?: string | URL;
  /** `required`: a model whose files cannot all be checked, for want of a manifest.json, is refused (MODEL_UNCHECKED). */
  readonly integrity?: IntegrityChoice;
  /** Stops loading. */
  readonly signal?: AbortSignal;
  /** Called while files arrive and pipelines compile. */
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Makes the worker: for bundlers that must see the call, for a content security policy.
   * The Segmenter owns what it returns and terminates it. Default: `worker.js` of this package, beside this file.
   * Vite's development server moves that file away from it unless `optimizeDeps: { exclude: ['tmca-edge'] }` is set.
   */
  readonly worker?: () => WorkerLike;
  /** When to give up a worker that hangs. */
  readonly watchdog?: WatchdogOptions;
}

const KINDS = {
  tune: 'boolean',
  wasmPaths: 'address',
  signal: 'AbortSignal',
  onProgress: 'function',
  worker: 'function',
  watchdog: 'record',
} as const;

/** A picture that is not flat, for a frame that nobody will look at. */
const PATTERN: Pixels = {
  data: Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256),
  width: 8,
  height: 8,
  channels: 1,
};

/**
 * Segments lesions from an image and a sentence about it. **Research use; not a medical device.**
 *
 * Every call settles: with its result, or with a {@link TmcaError} whose `code` is stable. Calls may overlap; frames run in the order
 * they were made, and one that fails spoils no other. If the worker dies, everything pending rejects with `WORKER_DIED`.
 *
 * @example
 * import { Segmenter } from 'tmca-edge';
 *
 * await using segmenter = await Segmenter.create({ model: '/models/nano' });
 * const report = await segmenter.encodeReport('one small red polyp at the centre');
 * const { lesions, mask } = await segmenter.segment(document.querySelector('img')!, report);
 * console.log(lesions.map(({ score, box, area }) => ({ score, box, area })), mask.length, segmenter.info.reason);
 */
export class Segmenter {
  /** The engine, precision, adapter and model that run, and why. */
  readonly info: SessionInfo;
  readonly #link: WorkerLink;
  /** Frames leave in the order of their calls, however long packing takes. */
  readonly #posting = new SerialQueue();
  /** Warnings that came with a result that nobody saw. */
  readonly #untold: Warning[] = [];

  private constructor(link: WorkerLink, info: SessionInfo) {
    this.#link = link;
    this.info = info;
  }

  /**
   * Starts a worker and loads a model in it. Errors: BAD_ARGUMENT, UNSUPPORTED (no workers: in Node, use `tmca-edge/node`),
   * WORKER_FAILED, ABORTED, and those of loading: DOWNLOAD_FAILED, MODEL_INCOMPLETE, NO_WEBGPU, NO_ADAPTER, …
   *
   * @example
   * const stop = new AbortController();
   * const segmenter = await Segmenter.create({
   *   model: '/models/nano',
   *   device: 'webgpu',
   *   signal: stop.signal,
   *   onProgress: ({ phase, loaded, total }) => console.log(phase, loaded, total),
   * });
   */
  static async create(options: SegmenterOptions): Promise<Segmenter> {
    const isGiven = isFiles(options?.model);
    requireOptions('Segmenter.create', options, isGiven ? {} : { model: 'address' });
    checkOptions('Segmenter.create', options, KINDS);
    const { device, dtype, integrity, store, tune, signal, onProgress, watchdog } = options;
    checkChoices({ device, dtype, integrity, store }, 'Segmenter.create');
    check(
      options.worker || typeof Worker !== 'undefined',
      'UNSUPPORTED',
      'Segmenter.create: there must be Web Workers, got none; in Node, import tmca-edge/node, and on a server that renders pages call this in the page alone',
    );
    const files = isGiven
      ? (await import('./given-model.js')).takeModelFiles(options.model as ModelFilesGiven)
      : undefined;
    const model = files ? 'the given files' : addressOfModel(options.model as string | URL, 'Segmenter.create');
    const wasmPaths =
      options.wasmPaths &&
      absolute(
        'Segmenter.create',
        options.wasmPaths,
        'wasmPaths must be an address',
        "name the folder with onnxruntime-web's files",
      );
    throwIfAborted(signal, 'Segmenter.create');
    const link = new WorkerLink(startWorker(options.worker), watchdog, options.worker ? undefined : ownScript());
    try {
      await link.start(signal);
      const chosen = {
        ...(device && { device }),
        ...(dtype && { dtype }),
        ...(tune !== undefined && { tune }),
        ...(integrity && { integrity }),
        ...(store && { store }),
        ...(files && { files }),
      };
      const request = { model, ...chosen, ...(wasmPaths && { wasmPaths }) };
      const report = progressProxy(step => {
        link.progressed();
        onProgress?.(step);
      });
      const info = await link.call('Segmenter.create', (remote, id) => remote.create(id, request, report), { signal });
      return new Segmenter(link, info);
    } catch (error) {
      link.end(error as TmcaError);
      throw error;
    }
  }

  /**
   * What this browser can do, before a byte of a model is loaded: its adapter, the engine that `auto` takes and why, and, if it is to
   * be measured, an estimate of the time of a frame. Errors: BAD_ARGUMENT, ABORTED.
   *
   * @example
   * const { device, reason, f16, frameMs } = await Segmenter.capabilities({ measure: true });
   */
  static async capabilities(options: CapabilitiesOptions = {}): Promise<Capabilities> {
    checkOptions('Segmenter.capabilities', options, { measure: 'boolean', signal: 'AbortSignal' });
    return (await import('./capabilities.js')).capabilities(options);
  }

  /**
   * Removes the files that the browser keeps of the model at an address, or of all models. A model that is open goes on running.
   * Resolves to the number of bytes that are free now. Errors: BAD_ARGUMENT, OUTPUT_NOT_WRITABLE.
   *
   * @example
   * const bytes = await Segmenter.forget('/models/nano');
   */
  static async forget(model?: string | URL): Promise<number> {
    if (model !== undefined) requireOptions('Segmenter.forget', { model }, { model: 'address' });
    const address = model === undefined ? undefined : addressOfModel(model, 'Segmenter.forget');
    return (await import('./store/forget.js')).forget(address);
  }

  /**
   * Encodes a sentence once, for as many frames as you like. Errors: TEXT_EMPTY, ABORTED, DISPOSED, DEVICE_LOST, WORKER_DIED.
   *
   * @example
   * const report = await segmenter.encodeReport('two pink round polyps on the left');
   * if (report.truncated) console.warn(`only the first ${report.ids.length} tokens count`);
   * report.dispose();
   */
  async encodeReport(text: string, options: { readonly signal?: AbortSignal } = {}): Promise<Report> {
    checkText(text, options);
    checkTakesText('encodeReport', this.info.model);
    const ticket = await this.#link.call('encodeReport', (remote, id) => remote.encodeReport(id, text), {
      signal: options.signal,
      late: ({ handle }) => this.#release(handle),
    });
    return new RemoteReport(ticket, this, handle => this.#release(handle));
  }

  /**
   * Segments one image, with an encoded sentence, or `null` for a network that takes images alone or one whose sentence is optional. A VideoFrame is closed, everything else stays the caller's. The mask has the size of the source.
   * Errors: BAD_ARGUMENT, TEXT_REQUIRED, TEXT_NOT_TAKEN, IMAGE_UNREADABLE, IMAGE_TOO_LARGE, ABORTED, DISPOSED,
   * DEVICE_LOST (retryable), WORKER_DIED.
   *
   * @example
   * const result = await segmenter.segment(file, report, { threshold: 0.5, signal: AbortSignal.timeout(5000) });
   * context.drawImage(await maskImageBitmap(result, { colour: [0, 200, 255] }), 0, 0);
   */
  async segment(
    source: ImageSource,
    report: Report | null = null,
    options: SegmentOptions = {},
  ): Promise<Segmentation> {
    try {
      const settings = takeOptions(options);
      const { signal } = options;
      const given = checkSentence('segment', this.info.model, report);
      const handle = given && this.#handleOf(given);
      const result = await this.#link.call(
        'segment',
        (remote, id, isPending) =>
          this.#inOrder(source, isPending, ({ shipment, transfer: moved }) =>
            remote.segment(id, transfer(shipment, moved), handle, settings).catch(thrown => {
              throw postingError(thrown);
            }),
          ),
        { signal },
      );
      const untold = this.#untold.splice(0);
      return untold.length === 0 ? result : { ...result, warnings: [...untold, ...result.warnings] };
    } finally {
      // Posted, it lives on in the worker and this closes nothing; not posted, nobody else would close it.
      if (isVideoFrame(source)) source.close();
    }
  }

  /**
   * Runs a first frame, on a pattern, so that the kernels of a text and of a frame are compiled before they are needed; it counts in
   * `stats()`. Programs depend on the length of the text: give one that is typical. Errors: those of `encodeReport` and `segment`.
   *
   * @example
   * await segmenter.warmup({ text: 'one small pink polyp, located in center of the image' });
   */
  async warmup(options: { readonly text?: string; readonly signal?: AbortSignal } = {}): Promise<void> {
    checkOptions('Segmenter.warmup', options, { text: 'string', signal: 'AbortSignal' });
    const { text = 'one small polyp', signal } = options;
    const stop = signal ? { signal } : {};
    const use = this.info.model.text;
    const report = use === 'none' ? null : await this.encodeReport(text, stop);
    try {
      for (const given of use === 'optional' ? [report, null] : [report]) {
        const { warnings } = await this.segment(PATTERN, given, stop);
        // Told once, with the first result: that is the caller's, not this one.
        this.#untold.push(...warnings);
      }
    } finally {
      report?.dispose();
    }
  }

  /**
   * Counts and device memory. Errors: DISPOSED, WORKER_DIED.
   *
   * @example
   * const { frames, gpuBytes } = await segmenter.stats();
   */
  stats(): Promise<SessionStats> {
    return this.#link.call('stats', remote => remote.stats());
  }

  /**
   * Frees the device and ends the worker. Pending calls reject with DISPOSED. Twice is fine. Never rejects.
   *
   * @example
   * await segmenter.dispose();
   */
  dispose(): Promise<void> {
    return this.#link.close(new TmcaError('DISPOSED', 'Segmenter: must be open, got disposed of; create a new one'));
  }

  /** {@link Segmenter.dispose}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /**
   * Packs at once, so that the picture is that of the moment of the call; posts when all earlier frames are posted, unless the call
   * has settled by then.
   */
  async #inOrder<T>(source: ImageSource, isPending: () => boolean, post: (packed: Packed) => Promise<T>): Promise<T> {
    const packed = pack(source);
    // Its error is reported when its turn comes; until then it must not count as unhandled.
    packed.catch(() => {});
    // In an object: the next frame waits for the posting of this one, not for its result.
    const posted = await this.#posting.run(async () => {
      const ready = await packed;
      if (isPending()) return { result: post(ready) };
      discard(ready.shipment);
      throw new TmcaError('ABORTED', 'segment: stopped before it was posted');
    }, 'segment');
    return posted.result;
  }

  #release(handle: number): void {
    this.#link.tell(remote => remote.releaseReport(handle));
  }

  #handleOf(report: Report): number {
    const ours = report instanceof RemoteReport && report.owner === this;
    check(
      ours,
      'BAD_ARGUMENT',
      'segment: the report must come from encodeReport of this Segmenter, got another; encode the text here',
    );
    check(
      !report.disposed,
      'DISPOSED',
      'segment: the report must not be disposed of, got one that is; encode it again',
    );
    return report.handle;
  }
}

/** A report whose encoding is in the worker. */
class RemoteReport implements Report {
  readonly text: string;
  readonly ids: Int32Array;
  readonly truncated: boolean;
  readonly handle: number;
  readonly owner: Segmenter;
  disposed = false;
  readonly #release: (handle: number) => void;

  constructor({ text, ids, truncated, handle }: ReportTicket, owner: Segmenter, release: (handle: number) => void) {
    this.text = text;
    this.ids = ids;
    this.truncated = truncated;
    this.handle = handle;
    this.owner = owner;
    this.#release = release;
  }

  dispose(): void {
    if (this.disposed) return;
    this.disposed = true;
    this.#release(this.handle);
  }
}

/** Neither an address nor nothing. */
const isFiles = (model: unknown): boolean => typeof model === 'object' && model !== null && !(model instanceof URL);

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
