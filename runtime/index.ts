// The browser's entry of the package. Node's is node. Research use; not a medical device.

export { type ErrorCode, TmcaError } from '../errors/index.js';
export type { Capabilities, CapabilitiesOptions } from './browser/capabilities.js';
export type { ModelFilesGiven } from './browser/given-model.js';
export type { StreamSource } from './browser/live/sources.js';
export { type MaskPaint, maskImageBitmap, maskImageData } from './browser/mask-image.js';
export { Segmenter } from './browser/segmenter.js';
export type { SegmenterOptions } from './browser/segmenter-options.js';
export type { ImageSource } from './browser/worker/source.js';
export type { WatchdogOptions } from './browser/worker/watchdog.js';
export type * from './live/types.js';
export {
  type CocoRle,
  type CocoRuns,
  fromRle,
  type JsonResult,
  lesionMask,
  maskToPng,
  probabilityToPng,
  shareOfView,
  toJson,
  toRle,
  toRuns,
} from './results.js';
export type * from './types.js';
