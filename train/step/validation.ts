// How well the network in training segments: the graph of inference over the arena's own parameters, so that no second model is
// loaded. Scores are those of `tmca evaluate` on the published model, up to the rounding of folding.

import type { Assembly, Evaluation } from '../../assembly/index.js';
import { Readback } from '../../gpu/readback.js';
import { sizeOf } from '../../graph/graph.js';
import type { Config } from '../../networks/config.js';
import type { ParameterArena } from '../parameters/parameter-arena.js';
import { ArenaGraph } from './arena-graph.js';
import type { Batch } from './gradient-pass.js';
import { scoreBatches } from './score-batches.js';
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
    // of one image
    const [size, ...map] = this.graph.plan.output('logits').shape as [number, ...number[]];
    const logits = (part: Batch) => this.#logits(part);
    return scoreBatches(this.assembly, batches, { size, pixels: sizeOf(map), logits, onBatch });
  }

  dispose(): void {
    this.graph.dispose();
    this.#readback.dispose();
  }

  async #logits(batch: Batch): Promise<Float32Array> {
    this.graph.submit(batch);
    const { range } = this.graph.plan.output('logits');
    const { buffer } = await this.#readback.read({ ...range, size: batch.target.byteLength });
    return new Float32Array(buffer);
  }
}
