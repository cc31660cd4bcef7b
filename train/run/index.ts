// Training in Node, as a library: `tmca-edge/train/node`. Research use; not a medical device.

export { type ErrorCode, TmcaError } from '../../errors/index.js';
export { PRESETS, type Preset } from '../../networks/presets.js';
export type { RunSummary, StopReason, TrainEvent } from '../events.js';
export { type MetricsLine, readMetrics } from '../run-files/index.js';
export type { TrainOptions, TrainResult } from './options.js';
export { train } from './train.js';
