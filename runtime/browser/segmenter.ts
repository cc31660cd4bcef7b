// The public API of the browser: a model in a worker, so that the page stays free while the network runs.

import { transfer } from 'comlink';
import { checkOptions, requireOptions } from '../../errors/arguments.js';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { checkChoices, checkPolicy, checkText, takeOptions } from '../given.js';
import type {
  Attachment,
  AttachOptions,
  SegmentStream,
  StillOptions,
  StreamOptions,
  TimedSegmentation,
} from '../live/types.js';
import { NewestCall } from '../newest-call.js';
import { checkSentence, checkTakesText } from '../sentence.js';
import { SerialQueue } from '../serial-queue.js';
import type { Pixels, Report, SessionInfo, SessionStats, Warning } from '../types.js';
import { absolute, addressOfModel } from './absolute.js';
import type { Capabilities, CapabilitiesOptions } from './capabilities.js';
import type { ModelFilesGiven } from './given-model.js';
import { attach } from './live/attach.js';
import { ownerOf, type StreamOwner } from './live/owner.js';
import type { StreamSource } from './live/sources.js';
import { LiveStream, type StreamParts } from './live/stream.js';
import { isFiles, KINDS, type SegmenterOptions } from './segmenter-options.js';
import { type Start, type Started, starter } from './start-worker.js';
import type { WorkerLink } from './worker/link.js';
import { type Encoded, RemoteReport } from './worker/remote-report.js';
import { discard } from './worker/shipment.js';
import { type ImageSource, isVideoFrame, type Packed, pack, postingError, timestampOf } from './worker/source.js';

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
  readonly #start: Start;
  #link: WorkerLink;
  #info: SessionInfo;
  /** Frames leave in the order of their calls, however long packing takes. */
  readonly #posting = new SerialQueue();
  /** Warnings that came with a result that nobody saw. */
  readonly #untold: Warning[] = [];
  readonly #latest = new NewestCall();
  readonly #streams = new Set<LiveStream>();
  readonly #owner: StreamOwner;
  #reviving: Promise<void> | undefined;
  #disposed = false;

  private constructor(start: Start, { link, info }: Started, unresponsiveMs: number | undefined) {
    this.#start = start;
    this.#link = link;
    this.#info = info;
    this.#owner = ownerOf({
      unresponsiveMs,
      link: () => this.#link,
      info: () => this.#info,
      handleOf: (where, report) => this.#handleOf(where, report),
      encodeReport: text => this.encodeReport(text),
      revive: () => this.#revive(),
    });
  }

  /** The engine, precision, adapter and model that run, and why. */
  get info(): SessionInfo {
    return this.#info;
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
    const chosen = {
      ...(device && { device }),
      ...(dtype && { dtype }),
      ...(tune !== undefined && { tune }),
      ...(integrity && { integrity }),
      ...(store && { store }),
      ...(files && { files }),
    };
    const request = { model, ...chosen, ...(wasmPaths && { wasmPaths }) };
    const start = starter(options.worker, watchdog, request);
    return new Segmenter(start, await start(signal, onProgress), watchdog?.unresponsiveMs);
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
    return new RemoteReport(await this.#encode(text, options.signal), this);
  }

  /** On the worker that there is now. */
  async #encode(text: string, signal?: AbortSignal): Promise<Encoded> {
    const link = this.#link;
    const release = (handle: number) => link.tell(remote => remote.releaseReport(handle));
    const ticket = await link.call('encodeReport', (remote, id) => remote.encodeReport(id, text), {
      signal,
      late: ({ handle }) => release(handle),
    });
    return { ticket, link, release: () => release(ticket.handle) };
  }

  /**
   * Segments one image, with an encoded sentence, or `null` for a network that takes images alone or one whose sentence
   * is optional. A VideoFrame is closed, everything else stays the caller's. The mask has the size of
   * the source.
   * With `policy: 'latest'`, for pictures that come faster than they are segmented, the newest alone waits for its turn.
   *
   * Errors: BAD_ARGUMENT, TEXT_REQUIRED, TEXT_NOT_TAKEN, IMAGE_UNREADABLE, IMAGE_TOO_LARGE, SUPERSEDED, ABORTED, DISPOSED,
   * DEVICE_LOST (retryable), WORKER_DIED.
   *
   * @example
   * const result = await segmenter.segment(file, report, { threshold: 0.5, signal: AbortSignal.timeout(5000) });
   * context.drawImage(await maskImageBitmap(result, { colour: [0, 200, 255] }), 0, 0);
   */
  async segment(
    source: ImageSource,
    report: Report | null = null,
    options: StillOptions = {},
  ): Promise<TimedSegmentation> {
    const where = 'segment';
    const at = performance.now();
    const timestamp = timestampOf(source, at);
    // At once, so that the picture is that of the moment of the call.
    const packed = pack(source);
    // Its error is reported when its turn comes; until then it must not count as unhandled.
    packed.catch(() => {});
    try {
      const settings = takeOptions(options);
      const { signal, policy } = options;
      checkPolicy(policy, where);
      const given = checkSentence(where, this.info.model, report);
      const found = given && this.#handleOf(where, given);
      // A turn of the event loop later, a worker may have died of which this call would no longer hear.
      const handle = found instanceof Promise ? await found : found;
      const call = () =>
        this.#link.call(
          where,
          (remote, id, isPending) =>
            this.#inOrder(packed, isPending, ({ shipment, transfer: moved }) =>
              remote.segment(id, transfer(shipment, moved), handle, settings).catch(thrown => {
                throw postingError(thrown);
              }),
            ),
          { signal },
        );
      const result = await (policy ? this.#latest.run(call, where, signal) : call());
      const warnings = [...this.#untold.splice(0), ...result.warnings];
      return { ...result, warnings, timestamp, age: performance.now() - at };
    } finally {
      // Posted, it lives on in the worker and this closes nothing; not posted, nobody else would close it.
      packed.then(({ shipment }) => discard(shipment)).catch(() => {});
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
   * Segments a moving picture, frame by frame: one is in flight, the newest of those that wait is next, and the others are dropped. The
   * source is a video element, which is only looked at, a video track, or a ReadableStream of VideoFrames, each of which is closed.
   *
   * A worker that dies is started again, with the same options, three times a minute at most. Who asks for the camera, and may be
   * refused it, is the caller.
   *
   * Errors, thrown: BAD_ARGUMENT, TEXT_EMPTY, TEXT_REQUIRED, TEXT_NOT_TAKEN, DISPOSED. The iteration rejects with what ends the stream:
   * ABORTED, DISPOSED, WORKER_DIED after too many restarts, or what three frames in a row have failed with.
   *
   * @example
   * const onState = ({ state, reason }) => console.log(state, reason);
   * const stream = segmenter.segmentStream(video, 'one small pink polyp', { overlay: canvas, onState });
   * for await (const { lesions, timestamp, age, dropped } of stream) {
   *   console.log(lesions.length, timestamp, age, dropped);
   * }
   */
  segmentStream(
    source: StreamSource,
    prompt: string | Report | null = null,
    options: StreamOptions = {},
  ): SegmentStream {
    return this.#stream(source, prompt, options, { where: 'segmentStream' });
  }

  /**
   * Lays masks over a video: the canvas is placed over the picture of the element, whatever its size and fit, and shows the newest mask
   * while that is young. Errors: those of {@link Segmenter.segmentStream}.
   *
   * @example
   * video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
   * const live = segmenter.attach(video, canvas, { prompt: 'one small pink polyp' });
   * live.detach();
   */
  attach(video: HTMLVideoElement, canvas: HTMLCanvasElement, options: AttachOptions): Attachment {
    return attach(video, canvas, options, (...given) => this.#stream(...given));
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
    this.#disposed = true;
    for (const stream of this.#streams) stream.fail(disposed());
    return this.#link.close(disposed());
  }

  /** {@link Segmenter.dispose}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Posts when all earlier frames are posted, unless the call has settled by then. */
  async #inOrder<T>(
    packed: Promise<Packed>,
    isPending: () => boolean,
    post: (packed: Packed) => Promise<T>,
  ): Promise<T> {
    // In an object: the next frame waits for the posting of this one, not for its result.
    const posted = await this.#posting.run(async () => {
      const ready = await packed;
      if (isPending()) return { result: post(ready) };
      throw new TmcaError('ABORTED', 'segment: stopped before it was posted');
    }, 'segment');
    return posted.result;
  }

  /** The report's number on the worker that there is now, where it is encoded again if it was made on one that is gone. */
  #handleOf(where: string, report: Report): number | Promise<number> {
    const ours = report instanceof RemoteReport && report.owner === this;
    check(
      ours,
      'BAD_ARGUMENT',
      `${where}: the report must come from encodeReport of this Segmenter, got another; encode the text here`,
    );
    check(
      !report.disposed,
      'DISPOSED',
      `${where}: the report must not be disposed of, got one that is; encode it again`,
    );
    if (report.isOn(this.#link)) return report.handle;
    return this.#encode(report.text).then(encoded => report.move(encoded));
  }

  #stream(
    source: StreamSource,
    prompt: string | Report | null,
    options: StreamOptions,
    parts: StreamParts,
  ): LiveStream {
    const { where } = parts;
    checkOptions(where, options, {});
    check(!this.#disposed, 'DISPOSED', `${where}: the Segmenter must be open, got disposed of; create a new one`);
    const onEnd = () => {
      this.#streams.delete(stream);
      parts.onEnd?.();
    };
    const stream: LiveStream = new LiveStream(this.#owner, source, prompt, options, { ...parts, onEnd });
    this.#streams.add(stream);
    return stream;
  }

  /** A worker in place of one that is dead. Errors: those of `create`. */
  async #revive(): Promise<void> {
    if (!this.#link.ended) return;
    if (this.#disposed) throw disposed();
    this.#reviving ??= this.#start()
      .then(({ link, info }) => {
        if (this.#disposed) link.end(disposed());
        this.#link = link;
        this.#info = info;
      })
      .finally(() => {
        this.#reviving = undefined;
      });
    await this.#reviving;
  }
}

const disposed = (): TmcaError =>
  new TmcaError('DISPOSED', 'Segmenter: must be open, got disposed of; create a new one');
