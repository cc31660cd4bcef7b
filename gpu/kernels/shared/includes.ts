// WGSL functions that several kernels share. A kernel names them in its first comment lines: `// include: gelu`.
// Those of backward kernels alone are in gradient-includes.ts, those for software adapters in gpu/software/lane-includes.ts.

import attentionTile from '../attention/include/attention-tile.wgsl?raw';
import conv2dEpilogue from '../convolution/include/conv2d-epilogue.wgsl?raw';
import depthwiseRow from '../convolution/include/depthwise-row.wgsl?raw';
import binaryFormula from '../elementwise/include/binary-formula.wgsl?raw';
import unaryFormula from '../elementwise/include/unary-formula.wgsl?raw';
import linearEpilogue from '../matmul/include/linear-epilogue.wgsl?raw';
import layerNormRow from '../norm/include/layer-norm-row.wgsl?raw';
import activation from './include/activation.wgsl?raw';
import bilinear from './include/bilinear.wgsl?raw';
import depthToSpace from './include/depth-to-space.wgsl?raw';
import finite from './include/finite.wgsl?raw';
import gelu from './include/gelu.wgsl?raw';
import gemmTile from './include/gemm-tile.wgsl?raw';
import leakyRelu from './include/leaky-relu.wgsl?raw';
import rowJoin from './include/row-join.wgsl?raw';
import rowReduce from './include/row-reduce.wgsl?raw';
import unravel from './include/unravel.wgsl?raw';

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
  'row-join': rowJoin,
  'row-reduce': rowReduce,
  'unary-formula': unaryFormula,
  unravel,
};
