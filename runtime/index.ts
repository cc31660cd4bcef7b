// The browser's entry of the package. Node's is runtime/node. Research use; not a medical device.

export { type ErrorCode, TmcaError } from '../errors/index.js';
export { type MaskPaint, maskImageBitmap, maskImageData } from './mask-image.js';
export { Segmenter, type SegmenterOptions } from './segmenter.js';
export type * from './types.js';
export type { ImageSource } from './worker/source.js';
export type { WatchdogOptions } from './worker/watchdog.js';
