// WGSL functions that several kernels share. A kernel names them in its first comment lines: `// include: gelu`.

import activation from './activation.wgsl?raw';
import attentionGradientLoad from './attention-gradient-load.wgsl?raw';
import attentionGradientLoadVec4 from './attention-gradient-load-vec4.wgsl?raw';
import attentionGradientStatistics from './attention-gradient-statistics.wgsl?raw';
import attentionGradientSums from './attention-gradient-sums.wgsl?raw';
import attentionGradientTile from './attention-gradient-tile.wgsl?raw';
import attentionTile from './attention-tile.wgsl?raw';
import bilinear from './bilinear.wgsl?raw';
import bilinearAdjoint from './bilinear-adjoint.wgsl?raw';
import binaryFormula from './binary-formula.wgsl?raw';
import conv2dEpilogue from './conv2d-epilogue.wgsl?raw';
import depthToSpace from './depth-to-space.wgsl?raw';
import depthwiseGradientRow from './depthwise-gradient-row.wgsl?raw';
import depthwiseRow from './depthwise-row.wgsl?raw';
import gelu from './gelu.wgsl?raw';
import gemmTile from './gemm-tile.wgsl?raw';
import layerNormGradientRow from './layer-norm-gradient-row.wgsl?raw';
import leakyRelu from './leaky-relu.wgsl?raw';
import linearEpilogue from './linear-epilogue.wgsl?raw';
import outerTile from './outer-tile.wgsl?raw';
import rowReduce from './row-reduce.wgsl?raw';
import unaryFormula from './unary-formula.wgsl?raw';
import unravel from './unravel.wgsl?raw';

export const includes: Readonly<Record<string, string>> = {
  activation,
  'attention-gradient-load': attentionGradientLoad,
  'attention-gradient-load-vec4': attentionGradientLoadVec4,
  'attention-gradient-statistics': attentionGradientStatistics,
  'attention-gradient-sums': attentionGradientSums,
  'attention-gradient-tile': attentionGradientTile,
  'attention-tile': attentionTile,
  bilinear,
  'bilinear-adjoint': bilinearAdjoint,
  'binary-formula': binaryFormula,
  'conv2d-epilogue': conv2dEpilogue,
  'depth-to-space': depthToSpace,
  'depthwise-gradient-row': depthwiseGradientRow,
  'depthwise-row': depthwiseRow,
  gelu,
  'gemm-tile': gemmTile,
  'layer-norm-gradient-row': layerNormGradientRow,
  'leaky-relu': leakyRelu,
  'linear-epilogue': linearEpilogue,
  'outer-tile': outerTile,
  'row-reduce': rowReduce,
  'unary-formula': unaryFormula,
  unravel,
};
