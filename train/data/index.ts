// From a data set's folder to batches. Everything is looked at before the first one: files that are missing, damaged or do
// not belong together end a run of hours in its first minute, with their names.

import { loadAssembly, Vocabulary } from '../../assembly/index.js';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { swapSides } from '../../language/mirror-words.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import { type DatasetReading, type DatasetRecord, openDataset, type RecordFault } from '../../node/datasets/dataset.js';
import { readingFor } from '../../node/datasets/reading.js';
import { textUse } from '../../runtime/session/text-use.js';
import { type AugmentSettings, type Draw, retells, streamOf } from '../batch/augment.js';
import { Texts } from '../batch/texts.js';
import { randomOf } from '../random.js';
import type { PicturePrints } from './decode.js';
import { DecodePool } from './decode-pool.js';
import { Pictures } from './pictures.js';

/** Tokens that a wording may add to a caption's own; one that adds more gives way to the caption. */
const TEMPLATE = 8;

/** How many faulty records an error names; the others are counted. */
const NAMED = 5;

export interface TrainingDataOptions {
  readonly split: string;
  /** Which sentences and masks; those of the data set if not given. */
  readonly reading?: DatasetReading;
  /** The network's: size, normalisation, length of sentences. */
  readonly config: Config;
  /** Content of vocab.txt; null for a network that reads no sentence. */
  readonly vocab: Uint8Array | null;
  readonly batch: number;
  readonly seed: number;
  /** Null for evaluation: every record once, in the data set's order, as it is, the last batch maybe smaller. */
  readonly augment: AugmentSettings | null;
  /** Records at fault are left out and told in `skipped`; else they are an error. Default false. */
  readonly skipBad?: boolean;
  /** For decoded pictures; 2 GiB if not given (about 10,700 at 224 x 224). */
  readonly cacheBytes?: number;
  /** Batches made ahead of the one in use; 2 if not given. */
  readonly prefetch?: number;
  readonly threads?: number;
  /** The compiled decode-worker.ts; the package's own if not given. */
  readonly script?: URL;
  /** Threads that several splits share, and that their maker ends; own ones if not given. */
  readonly pool?: DecodePool;
  readonly signal?: AbortSignal;
  /** Records looked at. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** What a training step reads. B pictures of S x S, sentences of L tokens. */
export interface TrainingBatch {
  readonly records: readonly string[];
  /** Padded length of the sentences, L. */
  readonly length: number;
  /** [B, S, S, 3], normalised as inference does it. */
  readonly image: Float32Array;
  /** [B, L]; absent, as `mask`, where the network reads no sentence. */
  readonly ids?: Int32Array;
  /** [B, L], 1 where there is a token. */
  readonly mask?: Int32Array;
  /** [B, S, S, 1], 0 or 1. */
  readonly target: Float32Array;
}

/**
 * A split as batches, the same for the same seed whatever the machine.
 *
 * @example
 * const data = await TrainingData.open('kvasir-seg', { split: 'train', config, vocab, batch: 32, seed: 1, augment });
 * for (let epoch = 0; epoch < 100; epoch++) for await (const batch of data.epoch(epoch)) …
 * await data.dispose();
 */
export class TrainingData {
  readonly records: readonly DatasetRecord[];
  /** What `skipBad` left out: first what has no file or no text, then what cannot be decoded or does not fit. */
  readonly skipped: readonly RecordFault[];
  /** What was taken for granted of masks and images, a line for each thing. */
  readonly notes: readonly string[];
  /** What a user should know before trusting a score. */
  readonly warnings: readonly string[];
  /** Masks that mark no lesion. */
  readonly empty: number;
  /** Ids of records whose sentence is longer than the network reads; it is cut there. */
  readonly truncated: readonly string[];
  /** Tokens of the longest sentence, in every form that augmentation may give it. */
  readonly longest: number;
  readonly #options: TrainingDataOptions;
  readonly #pool: DecodePool;
  readonly #pictures: Pictures;
  readonly #vocabulary: Vocabulary | null;
  readonly #texts: Texts;

  private constructor(opened: Opened, options: TrainingDataOptions, vocabulary: Vocabulary | null) {
    this.records = opened.records;
    this.skipped = opened.skipped;
    this.notes = opened.notes;
    this.warnings = opened.warnings;
    this.empty = opened.empty;
    this.#pool = opened.pool;
    this.#pictures = opened.pictures;
    this.#options = options;
    this.#vocabulary = vocabulary;
    this.#texts = new Texts(vocabulary, Network.of(options.config).maxTextLength);
    this.truncated = this.records.filter(({ text }) => this.#texts.isTruncated(text)).map(({ id }) => id);
    const forms = this.records.flatMap(({ text }) => [text, swapSides(text)]);
    const longest = forms.reduce((most, text) => Math.max(most, this.#texts.tokens(text)), 0);
    const { maxTextLength } = Network.of(options.config);
    this.longest = retells(options.augment) ? Math.min(longest + TEMPLATE, maxTextLength) : longest;
  }

  /**
   * Opens a split, decodes and checks all of it, and keeps what fits.
   *
   * Errors: DATASET_INVALID, naming five records and counting the others; FILE_NOT_FOUND, VOCABULARY_INVALID,
   * CONFIG_INVALID (fewer records than a batch), WORKER_FAILED, WORKER_DIED, OUT_OF_MEMORY, ABORTED, BAD_ARGUMENT.
   */
  static async open(folder: string, options: TrainingDataOptions): Promise<TrainingData> {
    const { batch, prefetch = 2 } = options;
    const counts = Number.isInteger(batch) && batch >= 1 && Number.isInteger(prefetch) && prefetch >= 0;
    check(counts, 'BAD_ARGUMENT', () => {
      return `TrainingData.open: batch must be an integer of at least 1, prefetch one of at least 0, got ${batch} and ${prefetch}`;
    });
    const vocabulary = options.vocab && new Vocabulary(await loadAssembly(), options.vocab);
    let opened: Opened | undefined;
    try {
      opened = await openAll(folder, options);
      const { records } = opened;
      const enough = options.augment === null || records.length >= batch;
      check(enough, 'CONFIG_INVALID', () => {
        return `TrainingData.open: batch must be at most the number of records, got ${batch} and ${records.length} in "${options.split}"; lower it`;
      });
      return new TrainingData(opened, options, vocabulary);
    } catch (error) {
      vocabulary?.dispose();
      if (!options.pool) await opened?.pool.dispose();
      throw error;
    }
  }

  /** The prints of the pictures of one of its records. */
  printsOf(record: DatasetRecord): PicturePrints {
    return this.#pictures.printsOf(record);
  }

  /**
   * The number of batches in an epoch. In training there are only whole ones: what is left over takes part in another
   * epoch, whose order is another.
   */
  get batches(): number {
    const count = this.records.length / this.#options.batch;
    return this.#options.augment === null ? Math.ceil(count) : Math.floor(count);
  }

  /** Pictures in memory; the others are decoded anew each epoch. */
  get cached(): number {
    return this.#pictures.kept;
  }

  /**
   * The batches of an epoch, from batch `from` on: a resumed run gets what the one that died did not. Sentences are padded to
   * `length` (at least `longest`), or to few lengths if it is not given.
   *
   * Errors: DATASET_INVALID (a file has changed), WORKER_DIED, DISPOSED, ABORTED.
   */
  async *epoch(
    epoch: number,
    options: { readonly from?: number; readonly length?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<TrainingBatch, void, undefined> {
    const order = this.#order(epoch);
    const ahead: Promise<TrainingBatch>[] = [];
    let next = options.from ?? 0;
    const { batch, prefetch = 2 } = this.#options;
    while (next < this.batches || ahead.length > 0) {
      throwIfAborted(options.signal, 'TrainingData.epoch');
      for (; next < this.batches && ahead.length <= prefetch; next++) {
        const made = this.#make(order.slice(next * batch, (next + 1) * batch), epoch, options.length);
        // seen when its turn comes; until then it is no unhandled rejection
        made.catch(() => {});
        ahead.push(made);
      }
      yield await ahead.shift()!;
    }
  }

  /** Ends the threads, where they are its own, and frees all memory. Twice is fine. */
  async dispose(): Promise<void> {
    this.#vocabulary?.dispose();
    this.#pictures.clear();
    if (!this.#options.pool) await this.#pool.dispose();
  }

  #order(epoch: number): DatasetRecord[] {
    const { augment, seed } = this.#options;
    return augment === null ? [...this.records] : randomOf('order', seed, epoch).shuffle([...this.records]);
  }

  /** Another record's sentence that is not this one's too. */
  #otherText({ text }: DatasetRecord, draw: Draw): string | null {
    const others = this.records.filter(other => other.text !== text);
    return others.length === 0 ? null : others[streamOf(draw, 'other').below(others.length)]!.text;
  }

  async #make(records: readonly DatasetRecord[], epoch: number, length?: number): Promise<TrainingBatch> {
    const { config, augment: settings, seed } = this.#options;
    const size = config.imageSize;
    const image = new Float32Array(records.length * size * size * 3);
    const target = new Float32Array(records.length * size * size);
    const texts = await Promise.all(
      records.map(async (record, i) => {
        const { id, text } = record;
        const sample = { size, ...(await this.#pictures.get(record)), text };
        const draw = { seed, epoch, id };
        const other = retells(settings) ? this.#otherText(record, draw) : null;
        const job = { sample, settings, draw, other, normalize: config.normalize };
        const ready = await this.#pool.sample(job);
        image.set(ready.image, i * ready.image.length);
        target.set(ready.target, i * ready.target.length);
        return this.#texts.fitting(ready.texts, this.longest);
      }),
    );
    return { records: records.map(({ id }) => id), image, target, ...this.#texts.batch(texts, length) };
  }
}

interface Opened {
  readonly records: readonly DatasetRecord[];
  readonly skipped: readonly RecordFault[];
  readonly notes: readonly string[];
  /** What a user should know before trusting a score. */
  readonly warnings: readonly string[];
  readonly empty: number;
  readonly pool: DecodePool;
  readonly pictures: Pictures;
}

async function openAll(folder: string, options: TrainingDataOptions): Promise<Opened> {
  const { split, reading = {}, signal, skipBad = false, cacheBytes = 2 ** 31, config } = options;
  const skipped: RecordFault[] = [];
  const dataset = await openDataset(folder, {
    split,
    ...readingFor('TrainingData.open', textUse(config), reading),
    ...(signal && { signal }),
    ...(skipBad && { onFault: (fault: RecordFault) => skipped.push(fault) }),
  });
  const all = dataset.records;
  const pool = options.pool ?? new DecodePool(options);
  try {
    const pictures = new Pictures(pool, config.imageSize, cacheBytes);
    const { faulty, notes, empty } = await pictures.checkAll(all, options);
    skipped.push(...faulty.values());
    const records = all.filter(record => !faulty.has(record));
    const usable = faulty.size === 0 || (skipBad && records.length > 0);
    if (!usable) throw faultyRecords([...faulty.values()], all.length, folder);
    const told = [...dataset.notes, ...notes];
    return { records, skipped, notes: told, warnings: dataset.warnings, empty, pool, pictures };
  } catch (error) {
    if (!options.pool) await pool.dispose();
    throw error;
  }
}

function faultyRecords(faults: readonly RecordFault[], total: number, folder: string): TmcaError {
  const named = faults.slice(0, NAMED).map(({ id, fault }) => `${id} (${fault})`);
  const more = faults.length > NAMED ? ` and ${faults.length - NAMED} more` : '';
  return new TmcaError(
    'DATASET_INVALID',
    `TrainingData.open: every record must have an image and a mask of its size that says where the lesion is, got ${faults.length} of ` +
      `${total} records of ${folder} at fault: ${named.join(', ')}${more}; mend them, or leave them out with --skip-bad`,
  );
}
