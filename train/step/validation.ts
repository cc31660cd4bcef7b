// How well the network in training segments: the graph of inference over the arena's own parameters, so that no second model is
// loaded. Scores are those of `tmca evaluate` on the published model, up to the rounding of folding.

import { type Assembly, type Evaluation, Evaluator } from '../../assembly/index.js';
import { check } from '../../errors/index.js';
import { Readback } from '../../gpu/readback.js';
import { sizeOf } from '../../graph/graph.js';
import type { Config } from '../../networks/config.js';
import type { ParameterArena } from '../parameters/parameter-arena.js';
import { ArenaGraph } from './arena-graph.js';
import type { Batch } from './gradient-pass.js';
import { validationGraph } from './validation-graph.js';

export interface ValidationOptions {
  /** Images at a time; batches may be smaller, and larger ones are taken in parts. */
  readonly batch: number;
  /** Padded length of the texts. */
  readonly length: number;
}

export class Validation {
  readonly #readback: Readback;

  private constructor(
    arena: ParameterArena,
    private readonly assembly: Assembly,
    private readonly graph: ArenaGraph,
  ) {
    this.#readback = new Readback(arena.gpu, 1);
  }

  /** Over the moving average where the arena has one. Errors: those of `ArenaGraph.create`. */
  static async create(
    arena: ParameterArena,
    assembly: Assembly,
    config: Config,
    { batch, length }: ValidationOptions,
  ): Promise<Validation> {
    const kind = arena.has('average') ? 'average' : 'parameters';
    const graph = await ArenaGraph.create(arena, assembly, validationGraph(config, batch, length), kind, 'validation');
    return new Validation(arena, assembly, graph);
  }

  /**
   * @param onBatch told the number of images that are done
   *
   * Errors: MODEL_NOT_FINITE (a logit that is no number), DEVICE_LOST, DISPOSED, and what the batches throw.
   */
  async run(batches: AsyncIterable<Batch>, onBatch: (images: number) => void = () => {}): Promise<Evaluation> {
    const evaluator = new Evaluator(this.assembly);
    // of one image
    const [size, ...map] = this.graph.plan.output('logits').shape as [number, ...number[]];
    const pixels = sizeOf(map);
    let images = 0;
    for await (const batch of batches) {
      const count = batch.target.length / pixels;
      for (const part of partsOf(batch, count, size)) await this.#add(evaluator, part, pixels);
      images += count;
      onBatch(images);
    }
    return evaluator.result();
  }

  dispose(): void {
    this.graph.dispose();
    this.#readback.dispose();
  }

  async #add(evaluator: Evaluator, batch: Batch, pixels: number): Promise<void> {
    const logits = await this.#logits(batch);
    for (let at = 0; at < batch.target.length; at += pixels) {
      const of = (all: Float32Array) => all.subarray(at, at + pixels);
      // probability 0.5
      const prediction = Uint8Array.from(of(logits), logit => (logit >= 0 ? 1 : 0));
      evaluator.add(prediction, Uint8Array.from(of(batch.target)));
    }
  }

  async #logits(batch: Batch): Promise<Float32Array> {
    this.graph.submit(batch);
    const { range } = this.graph.plan.output('logits');
    const { buffer } = await this.#readback.read({ ...range, size: batch.target.byteLength });
    const logits = new Float32Array(buffer);
    const stray = logits.find(logit => !Number.isFinite(logit));
    check(
      stray === undefined,
      'MODEL_NOT_FINITE',
      `Validation.run: logits must be numbers, got ${stray}; go back to an earlier checkpoint with a lower rate`,
    );
    return logits;
  }
}

/** A batch of `count` images in batches of at most `size`. */
function* partsOf(batch: Batch, count: number, size: number): Generator<Batch> {
  for (let from = 0; from < count; from += size) {
    const rows = Object.entries(batch).flatMap(([name, data]) => {
      if (!(data instanceof Float32Array || data instanceof Int32Array)) return [];
      const each = data.length / count;
      return [[name, data.subarray(from * each, (from + size) * each)] as const];
    });
    yield Object.fromEntries(rows) as unknown as Batch;
  }
}
