// WGSL functions that backward kernels share, for `Shader.includes`: apart from the others, so that they are bundled with
// the kernels that name them and a page that only segments downloads none.

import attentionGradientLanes from '../../software/include/attention-gradient-lanes.wgsl?raw';
import attentionGradientSingle from '../../software/include/attention-gradient-single.wgsl?raw';
import attentionGradientSingleVec4 from '../../software/include/attention-gradient-single-vec4.wgsl?raw';
import attentionGradientStatisticsLanes from '../../software/include/attention-gradient-statistics-lanes.wgsl?raw';
import attentionGradientSumsLanes from '../../software/include/attention-gradient-sums-lanes.wgsl?raw';
import outerLanes from '../../software/include/outer-lanes.wgsl?raw';
import attentionGradientLoad from '../attention/include/attention-gradient-load.wgsl?raw';
import attentionGradientSides from '../attention/include/attention-gradient-sides.wgsl?raw';
import attentionGradientSoftmax from '../attention/include/attention-gradient-softmax.wgsl?raw';
import attentionGradientStatistics from '../attention/include/attention-gradient-statistics.wgsl?raw';
import attentionGradientSums from '../attention/include/attention-gradient-sums.wgsl?raw';
import attentionGradientTile from '../attention/include/attention-gradient-tile.wgsl?raw';
import depthwiseGradientRow from '../convolution/include/depthwise-gradient-row.wgsl?raw';
import geluGradient from '../elementwise/include/gelu-gradient.wgsl?raw';
import bilinearAdjoint from '../movement/include/bilinear-adjoint.wgsl?raw';
import batchNormElement from '../norm/include/batch-norm-element.wgsl?raw';
import layerNormGradientRow from '../norm/include/layer-norm-gradient-row.wgsl?raw';
import outerOperands from './include/outer-operands.wgsl?raw';
import outerTile from './include/outer-tile.wgsl?raw';

export const gradientIncludes: Readonly<Record<string, string>> = {
  'attention-gradient-lanes': attentionGradientLanes,
  'attention-gradient-sides': attentionGradientSides,
  'attention-gradient-single': attentionGradientSingle,
  'attention-gradient-single-vec4': attentionGradientSingleVec4,
  'attention-gradient-softmax': attentionGradientSoftmax,
  'attention-gradient-statistics-lanes': attentionGradientStatisticsLanes,
  'attention-gradient-sums-lanes': attentionGradientSumsLanes,
  'attention-gradient-load': attentionGradientLoad,
  'attention-gradient-statistics': attentionGradientStatistics,
  'attention-gradient-sums': attentionGradientSums,
  'attention-gradient-tile': attentionGradientTile,
  'batch-norm-element': batchNormElement,
  'bilinear-adjoint': bilinearAdjoint,
  'depthwise-gradient-row': depthwiseGradientRow,
  'gelu-gradient': geluGradient,
  'layer-norm-gradient-row': layerNormGradientRow,
  'outer-lanes': outerLanes,
  'outer-operands': outerOperands,
  'outer-tile': outerTile,
};
