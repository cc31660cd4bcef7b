// WGSL functions that several kernels share. A kernel names them in its first comment lines: `// include: gelu`.
// Those of backward kernels alone are in gradients.ts, those for software adapters in lanes.ts.

import activation from './activation.wgsl?raw';
import attentionTile from './attention-tile.wgsl?raw';
import bilinear from './bilinear.wgsl?raw';
import binaryFormula from './binary-formula.wgsl?raw';
import conv2dEpilogue from './conv2d-epilogue.wgsl?raw';
import depthToSpace from './depth-to-space.wgsl?raw';
import depthwiseRow from './depthwise-row.wgsl?raw';
import finite from './finite.wgsl?raw';
import gelu from './gelu.wgsl?raw';
import gemmTile from './gemm-tile.wgsl?raw';
import layerNormRow from './layer-norm-row.wgsl?raw';
import leakyRelu from './leaky-relu.wgsl?raw';
import linearEpilogue from './linear-epilogue.wgsl?raw';
import rowReduce from './row-reduce.wgsl?raw';
import unaryFormula from './unary-formula.wgsl?raw';
import unravel from './unravel.wgsl?raw';

export const includes: Readonly<Record<string, string>> = {
  activation,
  'attention-tile': attentionTile,
  bilinear,
  'binary-formula': binaryFormula,
  'conv2d-epilogue': conv2dEpilogue,
  'depth-to-space': depthToSpace,
  'depthwise-row': depthwiseRow,
  finite,
  gelu,
  'gemm-tile': gemmTile,
  'layer-norm-row': layerNormRow,
  'leaky-relu': leakyRelu,
  'linear-epilogue': linearEpilogue,
  'row-reduce': rowReduce,
  'unary-formula': unaryFormula,
  unravel,
};
