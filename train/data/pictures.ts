// Pictures of a data set at the network's size: decoded once, kept as far as memory allows.

import { TmcaError, throwIfAborted } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import type { DatasetRecord, RecordFault } from '../../node/datasets/dataset.js';
import { emptyNotes } from '../../node/images/masks.js';
import { NoteTally } from '../../node/notes.js';
import type { Decoded, DecodedRecord, Picture, PicturePrints } from './decode.js';
import type { DecodePool } from './decode-pool.js';

/** Jobs that wait for a thread, for each thread: enough to keep it busy, few enough to stop soon. */
const QUEUED = 2;

export interface Checked {
  /** What is at fault, in the order of the records. */
  readonly faulty: ReadonlyMap<DatasetRecord, RecordFault>;
  /** What was taken for granted of the others, a line for each thing. */
  readonly notes: readonly string[];
  /** Masks that mark no lesion. */
  readonly empty: number;
}

export class Pictures {
  readonly #pool: DecodePool;
  readonly #size: number;
  readonly #limit: number;
  readonly #kept = new Map<string, DecodedRecord>();
  readonly #prints = new Map<string, PicturePrints>();

  /** @param cacheBytes what the kept pictures may take; the others are decoded again each time */
  constructor(pool: DecodePool, size: number, cacheBytes: number) {
    this.#pool = pool;
    this.#size = size;
    this.#limit = Math.floor(cacheBytes / (size * size * 4));
  }

  /** Number of pictures in memory. */
  get kept(): number {
    return this.#kept.size;
  }

  /** Errors: DATASET_INVALID, naming the record; those of `DecodePool.decode`. */
  async get(record: DatasetRecord): Promise<Picture> {
    const decoded = await this.#decode(record);
    const fault = 'fault' in decoded ? decoded.fault : this.#change(record, decoded.prints);
    if (fault === null) return decoded as Picture;
    const message = `Pictures.get: the files of ${show(record.id)} must stay as they were checked, got ${fault}; mend them`;
    throw new TmcaError('DATASET_INVALID', message);
  }

  /** Decodes everything once. */
  async checkAll(
    records: readonly DatasetRecord[],
    options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
  ): Promise<Checked> {
    const found: Found[] = [];
    let [next, done] = [0, 0];
    const lane = async () => {
      while (next < records.length) {
        throwIfAborted(options.signal, 'TrainingData.open');
        const i = next++;
        const decoded = await this.#decode(records[i]!);
        if (!('fault' in decoded)) this.#prints.set(records[i]!.id, decoded.prints);
        found[i] = foundOf(decoded);
        options.onProgress?.(++done, records.length);
      }
    };
    await Promise.all(Array.from({ length: this.#pool.threads * QUEUED }, lane));
    const faulty = new Map<DatasetRecord, RecordFault>();
    const [masks, images] = [new NoteTally('mask'), new NoteTally('image')];
    let empty = 0;
    for (const [i, record] of records.entries()) {
      const each = found[i]!;
      if ('fault' in each) {
        faulty.set(record, { id: show(record.id), fault: each.fault });
        continue;
      }
      masks.add(each.notes.mask);
      images.add(each.notes.image);
      if (each.empty) empty++;
    }
    const ofEmpty = emptyNotes(empty, records.length - faulty.size);
    return { faulty, empty, notes: [...masks.lines(), ...ofEmpty, ...images.lines()] };
  }

  /** The prints of a record that was checked and is without fault. */
  printsOf({ id }: DatasetRecord): PicturePrints {
    return this.#prints.get(id)!;
  }

  clear(): void {
    this.#kept.clear();
  }

  #change({ id }: DatasetRecord, { picture, mask }: PicturePrints): string | null {
    const before = this.#prints.get(id);
    if (!before) return null;
    return before.picture !== picture ? 'another image' : before.mask !== mask ? 'another mask' : null;
  }

  async #decode(record: DatasetRecord): Promise<Decoded> {
    const kept = this.#kept.get(record.id);
    if (kept) return kept;
    const { image, mask, id } = record;
    const decoded = await this.#pool.decode({ id, image, mask, size: this.#size });
    // The first ones stay. An epoch asks for each once: dropping the one least lately used would drop each before its turn.
    if (!('fault' in decoded) && this.#kept.size < this.#limit) this.#kept.set(id, decoded);
    return decoded;
  }
}

/** A record without its pixels. */
type Found = { readonly fault: string } | Pick<DecodedRecord, 'empty' | 'notes'>;

const foundOf = (decoded: Decoded): Found =>
  'fault' in decoded ? decoded : { empty: decoded.empty, notes: decoded.notes };
