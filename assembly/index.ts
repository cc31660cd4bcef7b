// The CPU side of a frame: one WebAssembly module and its parts. It knows bytes and sizes, never models.

export { fromHalf, toHalf } from './half.js';
export { Assembly, createAssembly, loadAssembly } from './instance.js';
export {
  type Confusion,
  confusion,
  type Evaluation,
  Evaluator,
  hausdorff95,
  type Overlap,
  overlap,
} from './metrics.js';
export {
  type Normalize,
  type PixelData,
  type PreprocessOptions,
  Preprocessor,
  resizeNearest,
} from './preprocess.js';
export {
  findRegions,
  type MaskOptions,
  type Region,
  type RegionOptions,
  type Regions,
  segmentRegions,
  upsampleMask,
} from './regions.js';
export { type CocoRle, countsToMask, countsToText, decodeRle, encodeRle, maskToCounts, textToCounts } from './rle.js';
export { type EncodeOptions, type Encoding, Vocabulary } from './wordpiece.js';
