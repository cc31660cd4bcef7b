// How well a model tells that a sentence is not of a picture, by what the contrastive loss has aligned: the pooled image and the
// pooled sentence. It is level G alone, because image features of finer levels have attended to the sentence already.

import { Preprocessor } from '../../assembly/index.js';
import { loadAssembly } from '../../assembly/instance.js';
import { readModelFiles } from '../../formats/model-folder/index.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';
import type { ForwardInputs, ForwardRun } from '../../runtime/inspect/forward.js';
import { padIds } from '../../runtime/text-lengths.js';
import type { Pixels, Session } from '../../runtime/types.js';
import { nodeIo } from '../model-folder/folder.js';

type ForwardOutput = ForwardRun['outputs'][string];

/** What shows the insides of the network that a session runs. */
export interface FitEngine {
  readonly config: Config;
  /** Null where nothing at hand shows them. */
  forward(inputs: ForwardInputs): Promise<ForwardRun['outputs'] | null>;
}

/** Null where the folder's configuration cannot be read: opening the model says why. */
export const insidesOf = (model: string, forward: FitEngine['forward']): Promise<FitEngine | null> =>
  readModelFiles(model, nodeIo).then(
    ({ config }) => ({ config, forward }),
    () => null,
  );

/** Areas under the curve: how often a record's own sentence is more similar than a wrong one; null where none is known. */
export interface SentenceFit {
  readonly auroc_other: number | null;
  readonly auroc_swapped: number | null;
}

export const NO_FIT: SentenceFit = { auroc_other: null, auroc_swapped: null };

/** Pairs of images and sentences in one forward pass. */
const BATCH = 16;
/** Outputs of the network at level G, [B,C] both. */
const IMAGE = 'pair.G.image';
const TEXT = 'pair.G.text';

interface Pair {
  readonly input: Float32Array;
  readonly ids: Int32Array;
  /** Where its similarity goes. */
  readonly into: number[];
}

/** Collects similarities of pairs. Holds wasm memory. */
export class FitTally {
  readonly #own: number[] = [];
  readonly #other: number[] = [];
  readonly #ownWithSide: number[] = [];
  readonly #swapped: number[] = [];
  readonly #pairs: Pair[] = [];
  #blind = false;

  private constructor(
    private readonly engine: FitEngine,
    private readonly preprocessor: Preprocessor,
  ) {}

  /** Null for a network that reads no sentence. Errors: OUT_OF_MEMORY. */
  static async create(engine: FitEngine): Promise<FitTally | null> {
    const { imageSize: size, normalize } = engine.config;
    if (!Network.of(engine.config).text) return null;
    return new FitTally(engine, new Preprocessor(await loadAssembly(), { size, normalize, layout: 'nchw' }));
  }

  /** Errors: those of encoding, and of the engine. */
  async add(
    session: Session,
    pixels: Pixels,
    told: { readonly own: string; readonly other: string | undefined; readonly swapped: string },
    signal?: AbortSignal,
  ): Promise<void> {
    if (this.#blind) return;
    const input = Float32Array.from(this.preprocessor.run(pixels));
    const add = async (text: string, ...into: readonly number[][]) => {
      const report = await session.encodeReport(text, signal && { signal });
      const ids = report.ids.slice();
      report.dispose();
      for (const list of into) this.#pairs.push({ input, ids, into: list });
    };
    const sided = told.swapped !== told.own;
    if (told.other !== undefined || sided)
      await add(told.own, ...(told.other === undefined ? [] : [this.#own]), ...(sided ? [this.#ownWithSide] : []));
    if (told.other !== undefined) await add(told.other, this.#other);
    if (sided) await add(told.swapped, this.#swapped);
    while (this.#pairs.length >= BATCH) await this.#run(this.#pairs.splice(0, BATCH));
  }

  /** Errors: those of the engine. */
  async result(): Promise<SentenceFit> {
    if (this.#pairs.length > 0) await this.#run(this.#pairs.splice(0));
    if (this.#blind) return NO_FIT;
    return { auroc_other: auroc(this.#own, this.#other), auroc_swapped: auroc(this.#ownWithSide, this.#swapped) };
  }

  [Symbol.dispose](): void {
    this.preprocessor.dispose();
  }

  async #run(pairs: readonly Pair[]): Promise<void> {
    if (this.#blind) return;
    const size = this.engine.config.imageSize;
    const length = Math.max(...pairs.map(({ ids }) => ids.length));
    const rows = pairs.map(({ ids }) => padIds(ids, length));
    const joined = (parts: readonly ArrayLike<number>[]) => parts.flatMap(part => Array.from(part));
    const shape = [pairs.length, length];
    const outputs = await this.engine.forward({
      image: { shape: [pairs.length, 3, size, size], data: joined(pairs.map(({ input }) => input)) },
      ids: { shape, data: joined(rows.map(({ ids }) => ids)) },
      mask: { shape, data: joined(rows.map(({ mask }) => mask)) },
    });
    const [image, text] = [outputs?.[IMAGE], outputs?.[TEXT]];
    if (!image || !text) {
      this.#blind = true;
      return;
    }
    const width = image.shape[1]!;
    const row = ({ data }: ForwardOutput, i: number) => data.subarray(i * width, (i + 1) * width);
    for (const [i, { into }] of pairs.entries()) into.push(cosine(row(image, i), row(text, i)));
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  const dot = (x: Float32Array, y: Float32Array) => x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.max(1e-12, Math.sqrt(dot(a, a) * dot(b, b)));
}

/** How often one of `right` is above one of `wrong`; of equal ones, half count. Null where either is empty. */
export function auroc(right: readonly number[], wrong: readonly number[]): number | null {
  if (right.length === 0 || wrong.length === 0) return null;
  const sorted = [...wrong].sort((a, b) => a - b);
  /** How many of the wrong ones are below, or with `equal` at most, a value. */
  const below = (value: number, equal: boolean): number => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sorted[middle]! < value || (equal && sorted[middle] === value)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const wins = right.reduce((sum, value) => sum + (below(value, false) + below(value, true)) / 2, 0);
  return wins / (right.length * wrong.length);
}
