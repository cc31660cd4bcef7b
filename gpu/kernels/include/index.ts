// WGSL functions that several kernels share. A kernel names them in its first comment lines: `// include: gelu`.

import gelu from './gelu.wgsl?raw';
import leakyRelu from './leaky-relu.wgsl?raw';

export const includes: Readonly<Record<string, string>> = { gelu, 'leaky-relu': leakyRelu };
