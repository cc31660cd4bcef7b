// Every kernel's factory. A plan imports the ones it uses from their own files; this list is for those that want all.

export { accumulate } from './accumulate.js';
export { adamw, adamwUniforms } from './adamw.js';
export { attention } from './attention.js';
export { attentionGradient, attentionGradientStatistics } from './attention-gradient.js';
export { batchNorm, batchNormGradient, batchNormGradientPartial } from './batch-norm.js';
export { batchStatistics, batchStatisticsPartial } from './batch-statistics.js';
export { binary } from './binary.js';
export { cast } from './cast.js';
export { columnSum, columnSumPartial } from './column-sum.js';
export { conv2d } from './conv2d.js';
export { conv2dInputGradient } from './conv2d-input-gradient.js';
export { conv2dWeightGradient, conv2dWeightGradientPartial } from './conv2d-weight-gradient.js';
export { depthwise } from './depthwise.js';
export {
  depthwiseInputGradient,
  depthwiseWeightGradient,
  depthwiseWeightGradientPartial,
} from './depthwise-gradient.js';
export { depthwiseNorm } from './depthwise-norm.js';
export { embedding } from './embedding.js';
export { embeddingGradient } from './embedding-gradient.js';
export { fill } from './fill.js';
export { geluGradient } from './gelu-gradient.js';
export { l2Normalize } from './l2-normalize.js';
export { layerNorm } from './layer-norm.js';
export { layerNormGradient, layerNormGradientPartial } from './layer-norm-gradient.js';
export { linear } from './linear.js';
export { linearDots } from './linear-dots.js';
export { linearInputGradient } from './linear-input-gradient.js';
export { linearWeightGradient, linearWeightGradientPartial } from './linear-weight-gradient.js';
export { ltem } from './ltem.js';
export { mask, maskProbability, maskWords } from './mask.js';
export { maskedMean } from './masked-mean.js';
export { maxPool } from './max-pool.js';
export { maxPoolGradient } from './max-pool-gradient.js';
export { movingAverage, movingAverageUniforms } from './moving-average.js';
export { quantiseRows } from './quantise-rows.js';
export { reduce } from './reduce.js';
export { resizeBilinear } from './resize-bilinear.js';
export { resizeBilinearGradient } from './resize-bilinear-gradient.js';
export { runSums } from './run-sums.js';
export { scaleBy } from './scale-by.js';
export { softmax } from './softmax.js';
export { stridedCopy } from './strided-copy.js';
export { sumOfSquares, sumOfSquaresPartial } from './sum-of-squares.js';
export { unary } from './unary.js';
