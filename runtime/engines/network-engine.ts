// What a session needs of an engine: the network on a device, or in wasm.

import type { LiveEngine } from '../live/live-engine.js';
import type { SessionStats } from '../types.js';

/** A sentence on an engine. */
export interface EngineReport {
  dispose(): void;
}

/** What an engine knows of the figures of a session. */
export type EngineStats = Pick<SessionStats, 'dispatches' | 'gpuBytes' | 'tuning'>;

/** The network on a device, or in wasm. Calls never overlap. */
export interface NetworkEngine<R extends EngineReport = EngineReport> {
  /** How pictures are prepared for `run`. */
  readonly input: { readonly dtype: 'f32' | 'f16'; readonly layout: 'nhwc' | 'nchw' };
  /** Throws where the engine cannot run any more (DEVICE_LOST). */
  check(where: string): void;
  /** @param ids with [CLS] and [SEP], unpadded, not empty */
  encode(ids: Int32Array): Promise<R>;
  /** @param input keeps its numbers until this settles. @returns Logits [S,S] by row, the caller's own. */
  run(input: Float32Array | Uint16Array, report: R, signal: AbortSignal | undefined): Promise<Float32Array>;
  /** Where the engine takes frames as the browser has them: that way, made when it is first asked for, and disposed with the engine. */
  live?(): Promise<LiveEngine<R>>;
  stats(): EngineStats;
  dispose(): void;
}
