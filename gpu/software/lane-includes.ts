// WGSL functions that stand in for others where invocations are the lanes of a CPU's vectors (`Tuning.lanes`, `Shader.swap`).
// Loaded with such a device: a page with a GPU downloads none. Those of backward kernels are in gpu/kernels/shared/gradient-includes.ts.
//
// What they are written for is compiling, too: to llvmpipe every place in the text that reads or writes a buffer is eight lanes
// times its components, each with its own branch (about 350 lines of LLVM's language for a vector of four, whatever the
// address), and a barrier cuts the kernel into a coroutine whose values live in memory. So: few places, in loops whose bounds
// the compiler does not know or that are too long to unroll, and no barriers.

import alone from '../kernels/shared/include/alone.wgsl?raw';
import gemmAlone from '../kernels/shared/include/gemm-alone.wgsl?raw';
import subgroup from '../kernels/shared/include/subgroup.wgsl?raw';
import attentionLanes from './include/attention-lanes.wgsl?raw';
import depthwiseLanes from './include/depthwise-lanes.wgsl?raw';
import gemmLanes from './include/gemm-lanes.wgsl?raw';
import layerNormRowLanes from './include/layer-norm-row-lanes.wgsl?raw';
import rowReduceLanes from './include/row-reduce-lanes.wgsl?raw';

export const laneIncludes: Readonly<Record<string, string>> = {
  alone,
  'attention-lanes': attentionLanes,
  'depthwise-lanes': depthwiseLanes,
  'gemm-alone': gemmAlone,
  'gemm-lanes': gemmLanes,
  'layer-norm-row-lanes': layerNormRowLanes,
  'row-reduce-lanes': rowReduceLanes,
  subgroup,
};
