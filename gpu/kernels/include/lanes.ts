// WGSL functions that stand in for others where invocations are the lanes of a CPU's vectors (`Tuning.lanes`, `Shader.swap`).
// Loaded with such a device: a page with a GPU downloads none. Those of backward kernels are in gradients.ts.

import attentionLanes from './attention-lanes.wgsl?raw';
import depthwiseLanes from './depthwise-lanes.wgsl?raw';
import gemmLanes from './gemm-lanes.wgsl?raw';
import rowReduceLanes from './row-reduce-lanes.wgsl?raw';

export const laneIncludes: Readonly<Record<string, string>> = {
  'attention-lanes': attentionLanes,
  'depthwise-lanes': depthwiseLanes,
  'gemm-lanes': gemmLanes,
  'row-reduce-lanes': rowReduceLanes,
};
