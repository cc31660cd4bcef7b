// The exponential moving average of the weights: what is validated and published where it is on. BatchNorm's running
// statistics are averaged along with the weights that they belong to.

import { CommandPlan } from '../../gpu/commands.js';
import { movingAverage, movingAverageUniforms } from '../../gpu/kernels/optimiser/moving-average.js';
import type { PipelineCache } from '../../gpu/pipelines.js';
import type { ParameterArena } from '../parameters/parameter-arena.js';

/**
 * The decay after `step` steps, from 1: a new average has little to remember, so it grows to `decay` (as in TensorFlow's
 * ExponentialMovingAverage with num_updates). Without that, a run of a thousand steps with decay 0.999 would publish a
 * third of its random beginning.
 */
export const warmDecay = (decay: number, step: number): number => Math.min(decay, (1 + step) / (10 + step));

export class WeightAverage {
  private constructor(
    readonly commands: CommandPlan,
    private readonly counts: readonly number[],
    private readonly decay: number,
  ) {}

  /** The arena must have been made with an average, which starts as a copy of the parameters. */
  static async create(pipelines: PipelineCache, arena: ParameterArena, decay: number): Promise<WeightAverage> {
    const averages = arena.wholePieces('average');
    const counts = averages.map(({ size }) => size / 4);
    const calls = arena
      .wholePieces('parameters')
      .map((x, i) => movingAverage({ count: counts[i]!, rate: 0 }, { x, average: averages[i]! }));
    return new WeightAverage(await CommandPlan.create(pipelines, 'moving average', calls), counts, decay);
  }

  /** Encodes one step of the average, towards the parameters as they are. */
  encode(encoder: GPUCommandEncoder, step: number): void {
    const rate = 1 - warmDecay(this.decay, step);
    for (const [i, count] of this.counts.entries())
      this.commands.setUniforms(i, movingAverageUniforms({ count, rate }));
    this.commands.encode(encoder);
  }

  dispose(): void {
    this.commands.dispose();
  }
}
