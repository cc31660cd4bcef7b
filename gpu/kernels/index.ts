// Every kernel's factory. A plan imports the ones it uses from their own files; this list is for those that want all.

export { attention } from './attention/attention.js';
export { attentionGradient, attentionGradientStatistics } from './attention/attention-gradient.js';
export { ltem } from './attention/ltem.js';
export { conv2d } from './convolution/conv2d.js';
export { conv2dInputGradient } from './convolution/conv2d-input-gradient.js';
export { conv2dWeightGradient, conv2dWeightGradientPartial } from './convolution/conv2d-weight-gradient.js';
export { depthwise } from './convolution/depthwise.js';
export {
  depthwiseInputGradient,
  depthwiseWeightGradient,
  depthwiseWeightGradientPartial,
} from './convolution/depthwise-gradient.js';
export { depthwiseNorm } from './convolution/depthwise-norm.js';
export { maxPool } from './convolution/max-pool.js';
export { maxPoolGradient } from './convolution/max-pool-gradient.js';
export { binary } from './elementwise/binary.js';
export { fill } from './elementwise/fill.js';
export { geluGradient } from './elementwise/gelu-gradient.js';
export { unary } from './elementwise/unary.js';
export { averageLogits, averageLogitsUniforms } from './live/average-logits.js';
export { normalizePixels } from './live/normalize-pixels.js';
export {
  pixelStatistics,
  pixelStatisticsCount,
  pixelStatisticsPartial,
  pixelStatisticsWords,
} from './live/pixel-statistics.js';
export { resampleColumns, resampleRows } from './live/resample.js';
export { linear } from './matmul/linear.js';
export { linearDots } from './matmul/linear-dots.js';
export { linearInputGradient } from './matmul/linear-input-gradient.js';
export { linearWeightGradient, linearWeightGradientPartial } from './matmul/linear-weight-gradient.js';
export { quantizeRows } from './matmul/quantize-rows.js';
export { embedding } from './movement/embedding.js';
export { embeddingGradient } from './movement/embedding-gradient.js';
export { mask, maskProbability, maskWords } from './movement/mask.js';
export { resizeBilinear } from './movement/resize-bilinear.js';
export { resizeBilinearGradient } from './movement/resize-bilinear-gradient.js';
export { stridedCopy } from './movement/strided-copy.js';
export { batchNorm, batchNormGradient, batchNormGradientPartial } from './norm/batch-norm.js';
export { batchStatistics, batchStatisticsPartial } from './norm/batch-statistics.js';
export { l2Normalize } from './norm/l2-normalize.js';
export { layerNorm } from './norm/layer-norm.js';
export { layerNormGradient, layerNormGradientPartial } from './norm/layer-norm-gradient.js';
export { accumulate } from './optimiser/accumulate.js';
export { adamw, adamwUniforms } from './optimiser/adamw.js';
export { movingAverage, movingAverageUniforms } from './optimiser/moving-average.js';
export { scaleBy } from './optimiser/scale-by.js';
export { sumOfSquares, sumOfSquaresPartial } from './optimiser/sum-of-squares.js';
export { columnSum, columnSumPartial } from './reduction/column-sum.js';
export { maskedMean } from './reduction/masked-mean.js';
export { reduce } from './reduction/reduce.js';
export { runSums } from './reduction/run-sums.js';
export { softmax } from './reduction/softmax.js';
