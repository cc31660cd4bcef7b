// A model on an engine: what all engines share. A sentence becomes ids and what the engine makes of them, a picture becomes the
// network's input, logits become a mask. It takes one call at a time, which is the session's to see to (recovering-session.ts),
// and what callers give was checked where it came in (given.ts).

import type { Assembly } from '../../assembly/index.js';
import { Preprocessor } from '../../assembly/preprocess.js';
import type { Vocabulary } from '../../assembly/wordpiece.js';
import { check } from '../../errors/index.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { EngineReport, EngineStats, NetworkEngine } from '../engines/network-engine.js';
import { HostLive, type ReadFrame } from '../live/host-engine.js';
import type { LiveTurn } from '../live/live-session.js';
import type { Pixels, Report, Segmentation, SegmentOptions, SessionInfo } from '../types.js';
import { flatSegmentation, segmentationOf } from './segmentation.js';

export interface LoadedModelParts {
  readonly info: SessionInfo;
  readonly config: Config;
  readonly assembly: Assembly;
  /** The model's own, as is the engine; null where the folder has no vocab.txt. */
  readonly vocabulary: Vocabulary | null;
  readonly engine: NetworkEngine;
}

/** A sentence, read and encoded; whoever asked for it disposes of it. */
export interface EncodedText extends Pick<Report, 'ids' | 'truncated'> {
  readonly encoded: EngineReport;
}

export class LoadedModel {
  readonly #parts: LoadedModelParts;
  readonly #preprocessor: Preprocessor;
  #noText: EngineReport | undefined;
  #hostLive: HostLive<EngineReport> | undefined;

  constructor(parts: LoadedModelParts) {
    this.#parts = parts;
    const { config, assembly, engine } = parts;
    const { imageSize: size, normalize } = config;
    this.#preprocessor = new Preprocessor(assembly, { size, normalize, ...engine.input });
  }

  get info(): SessionInfo {
    return this.#parts.info;
  }

  /** Errors: VOCABULARY_INVALID, those of the engine. */
  async encode(text: string): Promise<EncodedText> {
    const { engine } = this.#parts;
    engine.check('encodeReport');
    const { ids, truncated } = this.#read('encodeReport', text);
    return { ids, truncated, encoded: await engine.encode(ids) };
  }

  /** @param encoded null for a network that takes an image alone, or one whose sentence is optional. Errors: MODEL_NOT_FINITE, those of the engine. */
  async segment(image: Pixels, encoded: EngineReport | null, options: SegmentOptions = {}): Promise<Segmentation> {
    const { assembly, config, engine } = this.#parts;
    const { imageSize } = config;
    engine.check('segment');
    const text = encoded ?? (await this.#withoutText());
    const start = performance.now();
    const input = this.#preprocessor.run(image);
    const prepared = performance.now();
    const logits = this.#preprocessor.isFlat ? null : await engine.run(input, text, options.signal);
    const answered = performance.now();
    engine.check('segment');
    const found = logits
      ? segmentationOf(assembly, logits, imageSize, image, options)
      : flatSegmentation(imageSize, image);
    const end = performance.now();
    const ms = {
      preprocess: prepared - start,
      network: answered - prepared,
      postprocess: end - answered,
      total: end - start,
    };
    return { ...found, ms };
  }

  /** A turn of a stream: `work` with the engine's own way of frames, or that of the host, which reads pixels. */
  async live<T>(read: ReadFrame, encoded: EngineReport | null, work: (turn: LiveTurn) => Promise<T>): Promise<T> {
    const { assembly, config, engine } = this.#parts;
    engine.check('segmentStream');
    const text = encoded ?? (await this.#withoutText());
    const drawing = (await engine.live?.()) ?? null;
    this.#hostLive ??= new HostLive(this.#preprocessor, engine, read);
    const live = drawing ?? this.#hostLive;
    return work({
      ...{ engine: live, drawing, assembly, size: config.imageSize },
      run: (source, options) => live.run(source, text, options),
    });
  }

  stats(): EngineStats {
    return this.#parts.engine.stats();
  }

  /** Frees everything; what was encoded is of no use afterwards. Once. */
  dispose(): void {
    this.#noText?.dispose();
    this.#parts.engine.dispose();
    this.#preprocessor.dispose();
    this.#parts.vocabulary?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /**
   * What is given in place of a sentence, encoded once: [CLS] and [SEP], on which a network whose sentence is optional has been
   * trained, and nothing at all to one that reads none.
   */
  async #withoutText(): Promise<EngineReport> {
    const reads = this.info.model.text !== 'none';
    this.#noText ??= await this.#parts.engine.encode(reads ? this.#read('segment', '').ids : new Int32Array(0));
    return this.#noText;
  }

  #read(where: string, text: string): Pick<Report, 'ids' | 'truncated'> {
    const { vocabulary, config } = this.#parts;
    check(
      vocabulary,
      'VOCABULARY_INVALID',
      `${where}: the model folder must have a vocab.txt to read text; add the one that the model was trained with`,
    );
    return vocabulary.encode(text, { maxLength: Network.of(config).maxTextLength });
  }
}
