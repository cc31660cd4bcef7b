// WGSL functions that backward kernels share, for `Shader.includes`: apart from the others, so that they are bundled with
// the kernels that name them and a page that only segments downloads none.

import attentionGradientLanes from './attention-gradient-lanes.wgsl?raw';
import attentionGradientLoad from './attention-gradient-load.wgsl?raw';
import attentionGradientLoadVec4 from './attention-gradient-load-vec4.wgsl?raw';
import attentionGradientSides from './attention-gradient-sides.wgsl?raw';
import attentionGradientStatistics from './attention-gradient-statistics.wgsl?raw';
import attentionGradientStatisticsLanes from './attention-gradient-statistics-lanes.wgsl?raw';
import attentionGradientSums from './attention-gradient-sums.wgsl?raw';
import attentionGradientSumsLanes from './attention-gradient-sums-lanes.wgsl?raw';
import attentionGradientTile from './attention-gradient-tile.wgsl?raw';
import batchNormElement from './batch-norm-element.wgsl?raw';
import bilinearAdjoint from './bilinear-adjoint.wgsl?raw';
import depthwiseGradientRow from './depthwise-gradient-row.wgsl?raw';
import geluGradient from './gelu-gradient.wgsl?raw';
import layerNormGradientRow from './layer-norm-gradient-row.wgsl?raw';
import outerLanes from './outer-lanes.wgsl?raw';
import outerTile from './outer-tile.wgsl?raw';

export const gradientIncludes: Readonly<Record<string, string>> = {
  'attention-gradient-lanes': attentionGradientLanes,
  'attention-gradient-sides': attentionGradientSides,
  'attention-gradient-statistics-lanes': attentionGradientStatisticsLanes,
  'attention-gradient-sums-lanes': attentionGradientSumsLanes,
  'attention-gradient-load': attentionGradientLoad,
  'attention-gradient-load-vec4': attentionGradientLoadVec4,
  'attention-gradient-statistics': attentionGradientStatistics,
  'attention-gradient-sums': attentionGradientSums,
  'attention-gradient-tile': attentionGradientTile,
  'batch-norm-element': batchNormElement,
  'bilinear-adjoint': bilinearAdjoint,
  'depthwise-gradient-row': depthwiseGradientRow,
  'gelu-gradient': geluGradient,
  'layer-norm-gradient-row': layerNormGradientRow,
  'outer-lanes': outerLanes,
  'outer-tile': outerTile,
};
