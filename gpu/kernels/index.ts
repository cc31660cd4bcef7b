// Every kernel's factory. A plan imports the ones it uses from their own files; this list is for those that want all.

export { attention } from './attention.js';
export { binary } from './binary.js';
export { cast } from './cast.js';
export { conv2d } from './conv2d.js';
export { depthwise } from './depthwise.js';
export { depthwiseNorm } from './depthwise-norm.js';
export { embedding } from './embedding.js';
export { l2Normalize } from './l2-normalize.js';
export { layerNorm, layerNormPair } from './layer-norm.js';
export { linear } from './linear.js';
export { ltem } from './ltem.js';
export { mask, maskProbability, maskWords } from './mask.js';
export { maskedMean } from './masked-mean.js';
export { reduce } from './reduce.js';
export { resizeBilinear } from './resize-bilinear.js';
export { softmax } from './softmax.js';
export { stridedCopy } from './strided-copy.js';
export { unary } from './unary.js';
