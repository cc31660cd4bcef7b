// A model on an engine: what all engines share. Texts become ids and reports, pictures become inputs, logits become masks;
// calls run one after another. What an engine does lies between. What callers give was checked where it came in (given.ts).

import type { Assembly } from '../../assembly/index.js';
import { Preprocessor } from '../../assembly/preprocess.js';
import type { Vocabulary } from '../../assembly/wordpiece.js';
import { check, TmcaError } from '../../errors/index.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { EngineReport, NetworkEngine } from '../engines/network-engine.js';
import { HostLive } from '../live/host-engine.js';
import type { LiveRequest, LiveSession, LiveTurn } from '../live/live-session.js';
import { checkSentence, checkTakesText } from '../sentence.js';
import { SerialQueue } from '../serial-queue.js';
import type { Pixels, Report, Segmentation, SegmentOptions, SessionInfo, SessionStats } from '../types.js';
import { flatSegmentation, segmentationOf } from './segmentation.js';

export interface NetworkSessionParts<R extends EngineReport> {
  readonly info: SessionInfo;
  readonly config: Config;
  readonly assembly: Assembly;
  /** The session's own, as is the engine; null where the folder has no vocab.txt. */
  readonly vocabulary: Vocabulary | null;
  readonly engine: NetworkEngine<R>;
}

class EncodedReport<R extends EngineReport> implements Report {
  constructor(
    readonly text: string,
    readonly ids: Int32Array,
    readonly truncated: boolean,
    readonly encoded: R,
    private readonly onDispose: (report: EncodedReport<R>) => void,
  ) {}

  dispose(): void {
    this.onDispose(this);
    this.encoded.dispose();
  }
}

export class NetworkSession<R extends EngineReport> implements LiveSession {
  readonly #queue = new SerialQueue();
  readonly #reports = new Set<EncodedReport<R>>();
  readonly #preprocessor: Preprocessor;
  #disposed = false;
  #empty: Promise<R> | undefined;
  #hostLive: HostLive<R> | undefined;
  #frames = 0;
  #reportCount = 0;

  constructor(private readonly parts: NetworkSessionParts<R>) {
    const { config, assembly, engine } = parts;
    const { imageSize: size, normalize } = config;
    this.#preprocessor = new Preprocessor(assembly, { size, normalize, ...engine.input });
  }

  get info(): SessionInfo {
    return this.parts.info;
  }

  async encodeReport(text: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Report> {
    const where = 'encodeReport';
    const { vocabulary, config, engine } = this.parts;
    this.#usable(where);
    checkTakesText(where, this.info.model);
    check(
      vocabulary,
      'VOCABULARY_INVALID',
      'encodeReport: the model folder must have a vocab.txt to read text; add the one that the model was trained with',
    );
    const { ids, truncated } = vocabulary.encode(text, { maxLength: Network.of(config).maxTextLength });
    const work = async () => {
      this.#usable(where);
      const encoded = await engine.encode(ids);
      const report = new EncodedReport(text, ids, truncated, encoded, r => this.#reports.delete(r));
      this.#reports.add(report);
      this.#reportCount++;
      return report;
    };
    return this.#queue.run(work, where, signal);
  }

  segment(image: Pixels, report: Report | null, options: SegmentOptions = {}): Promise<Segmentation> {
    const where = 'segment';
    const work = async (): Promise<Segmentation> => {
      this.#usable(where);
      const encoded = await this.#encodedOf(report);
      const { assembly, config, engine } = this.parts;
      const { imageSize } = config;
      const start = performance.now();
      const input = this.#preprocessor.run(image);
      const prepared = performance.now();
      const logits = this.#preprocessor.isFlat ? null : await engine.run(input, encoded, options.signal);
      const answered = performance.now();
      this.#usable(where);
      const found = logits
        ? segmentationOf(assembly, logits, imageSize, image, options)
        : flatSegmentation(imageSize, image);
      this.#frames++;
      const end = performance.now();
      const ms = {
        preprocess: prepared - start,
        network: answered - prepared,
        postprocess: end - answered,
        total: end - start,
      };
      return { ...found, ms };
    };
    return this.#queue.run(work, where, options.signal);
  }

  live<T>({ report, read, signal }: LiveRequest, work: (turn: LiveTurn) => Promise<T>): Promise<T> {
    const where = 'segmentStream';
    const run = async (): Promise<T> => {
      this.#usable(where);
      const encoded = await this.#encodedOf(report);
      const { assembly, config, engine } = this.parts;
      const drawing = (await engine.live?.()) ?? null;
      this.#hostLive ??= new HostLive(this.#preprocessor, engine, read);
      const live = drawing ?? this.#hostLive;
      const result = await work({
        ...{ engine: live, drawing, assembly, size: config.imageSize },
        run: (source, options) => live.run(source, encoded, options),
      });
      this.#frames++;
      return result;
    };
    return this.#queue.run(run, where, signal);
  }

  stats(): SessionStats {
    return {
      ...this.info,
      frames: this.#frames,
      reports: this.#reportCount,
      recoveries: 0,
      ...this.parts.engine.stats(),
    };
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#queue.clear(disposedIn('NetworkSession'));
    for (const report of this.#reports) report.dispose();
    this.#empty?.then(
      report => report.dispose(),
      () => undefined,
    );
    this.parts.engine.dispose();
    this.#preprocessor.dispose();
    this.parts.vocabulary?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #usable(where: string): void {
    if (this.#disposed) throw disposedIn(where);
    this.parts.engine.check(where);
  }

  /** What the engine is given of the sentence; a network that takes none has an empty one, encoded once. */
  async #encodedOf(report: Report | null): Promise<R> {
    const given = checkSentence('segment', this.info.model, report);
    if (given) return this.#own(given).encoded;
    this.#empty ??= this.parts.engine.encode(new Int32Array(0));
    return this.#empty;
  }

  #own(report: Report): EncodedReport<R> {
    check(
      report instanceof EncodedReport && this.#reports.has(report),
      'BAD_ARGUMENT',
      'segment: the report must come from encodeReport of the same session and be undisposed; encode the text again',
    );
    return report;
  }
}

/** What a call of a session rejects with that is disposed of. */
export const disposedIn = (where: string): TmcaError =>
  new TmcaError('DISPOSED', `${where}: the session must be open, got a disposed one; create another`);
