// The way of a frame where there is none on the device: its pixels are read and prepared on the host, as those of a still.

import type { Preprocessor } from '../../assembly/preprocess.js';
import type { EngineReport, NetworkEngine } from '../engines/network-engine.js';
import type { Pixels } from '../types.js';
import type { LiveEngine, LiveFrame, LiveRunOptions, LiveSource } from './live-engine.js';

/** Pixels of a frame that stays open. */
export type ReadFrame = (source: LiveSource) => Pixels;

/** Pixels that the histogram looks at. */
const SAMPLES = 16_384;
const BINS = 16;

export class HostLive<R extends EngineReport> implements Pick<LiveEngine<R>, 'run'> {
  #average: Float32Array | undefined;

  constructor(
    private readonly preprocessor: Preprocessor,
    private readonly engine: NetworkEngine<R>,
    private readonly read: ReadFrame,
  ) {}

  async run(source: LiveSource, report: R, { share, reset, signal }: LiveRunOptions): Promise<LiveFrame> {
    const pixels = this.read(source);
    const input = this.preprocessor.run(pixels);
    const { deviation, isFlat } = this.preprocessor;
    // Nothing can be seen in it, and its logits would spoil the average.
    const newest = isFlat ? null : await this.engine.run(input, report, signal);
    if (newest) this.#average = reset || !this.#average ? newest : averaged(this.#average, newest, share);
    return {
      logits: newest ? this.#average!.slice() : new Float32Array(0),
      deviation: [deviation, deviation, deviation],
      histogram: histogramOf(pixels),
    };
  }
}

function averaged(average: Float32Array, newest: Float32Array, share: number): Float32Array {
  if (share === 1) return newest;
  for (let i = 0; i < average.length; i++) average[i]! += share * (newest[i]! - average[i]!);
  return average;
}

/** [3, 16] of some pixels, spread evenly. */
export function histogramOf({ data, width, height, channels }: Pixels): Float32Array {
  const histogram = new Float32Array(3 * BINS);
  const count = width * height;
  const step = Math.max(1, Math.floor(count / SAMPLES));
  let samples = 0;
  for (let pixel = 0; pixel < count; pixel += step, samples++)
    for (let channel = 0; channel < 3; channel++) {
      const value = data[pixel * channels + (channels === 1 ? 0 : channel)]!;
      histogram[channel * BINS + (value >> 4)]!++;
    }
  return histogram.map(value => value / samples);
}
