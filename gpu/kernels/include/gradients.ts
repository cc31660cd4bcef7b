// WGSL functions that backward kernels share, for `Shader.includes`: apart from the others, so that they are bundled with
// the kernels that name them and a page that only segments downloads none.

import attentionGradientLoad from './attention-gradient-load.wgsl?raw';
import attentionGradientLoadVec4 from './attention-gradient-load-vec4.wgsl?raw';
import attentionGradientStatistics from './attention-gradient-statistics.wgsl?raw';
import attentionGradientSums from './attention-gradient-sums.wgsl?raw';
import attentionGradientTile from './attention-gradient-tile.wgsl?raw';
import bilinearAdjoint from './bilinear-adjoint.wgsl?raw';
import depthwiseGradientRow from './depthwise-gradient-row.wgsl?raw';
import layerNormGradientRow from './layer-norm-gradient-row.wgsl?raw';
import outerLanes from './outer-lanes.wgsl?raw';
import outerTile from './outer-tile.wgsl?raw';

export const gradientIncludes: Readonly<Record<string, string>> = {
  'attention-gradient-load': attentionGradientLoad,
  'attention-gradient-load-vec4': attentionGradientLoadVec4,
  'attention-gradient-statistics': attentionGradientStatistics,
  'attention-gradient-sums': attentionGradientSums,
  'attention-gradient-tile': attentionGradientTile,
  'bilinear-adjoint': bilinearAdjoint,
  'depthwise-gradient-row': depthwiseGradientRow,
  'layer-norm-gradient-row': layerNormGradientRow,
  'outer-lanes': outerLanes,
  'outer-tile': outerTile,
};
