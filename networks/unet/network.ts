// U-Net, as the executable specification has it: double convolutions with BatchNorm and ReLU on each level, max-pooling on the
// way down, transposed convolutions and skips on the way up. It takes an image alone.

import { builder as b } from '../../graph/builder.js';
import type { Tensor } from '../../graph/graph.js';
import type { Forward, Inputs, Mode } from '../definition.js';
import { asBlock, batchNorm, conv2d, type Run, upsample } from '../layers.js';
import type { UnetConfig } from './config.js';

/** PyTorch's ReLU is a leaky one of this slope. */
const RELU_SLOPE = 0;

/** `count` times a 3x3 convolution, BatchNorm and ReLU. */
function convolutions(x: Tensor, name: string, outChannels: number, { count, bias }: Convolutions, run: Run): Tensor {
  let y = x;
  for (let i = 0; i < count; i++) {
    // Places in the module's list: a convolution, its BatchNorm, a ReLU without parameters.
    const convolved = conv2d(y, `${name}.double_conv.${3 * i}`, outChannels, { kernel: 3, padding: 1, bias });
    y = asBlock(run, [y], batchNorm(convolved, `${name}.double_conv.${3 * i + 1}`, RELU_SLOPE, run));
  }
  return y;
}

interface Convolutions {
  readonly count: 1 | 2;
  readonly bias: boolean;
}

export function build({ channels, form }: UnetConfig, { image }: Inputs, mode: Mode): Forward {
  const run: Run = { mode, statistics: {}, blocks: [] };
  const lvit = form === 'lvit';
  // In LViT's form a block hands up the width of the level above, and the deepest level has half its channels.
  const widths = lvit ? [...channels.slice(0, -1), channels.at(-1)! / 2] : channels;
  const twice: Convolutions = { count: 2, bias: lvit };
  const down = [convolutions(image, 'inc', widths[0]!, { ...twice, count: lvit ? 1 : 2 }, run)];
  for (const [i, width] of widths.slice(1).entries()) {
    const pooled = b.maxPool(down[i]!, { size: 2, stride: 2, padding: 0 });
    down.push(convolutions(pooled, `down${i + 1}.maxpool_conv.1`, width, twice, run));
  }
  const up: Tensor[] = [];
  let x = down.at(-1)!;
  for (let level = widths.length - 2; level >= 0; level--) {
    const name = `up${widths.length - 1 - level}`;
    const skip = down[level]!;
    const below = x.shape[3]!;
    const raised = upsample(x, `${name}.up`, lvit ? below : widths[level]!, { bias: true });
    // The order of the channels is the checkpoint's.
    const joined = b.concat(lvit ? [raised, skip] : [skip, raised], { axis: 3 });
    const width = lvit ? widths[Math.max(level - 1, 0)]! : widths[level]!;
    x = convolutions(joined, `${name}.conv`, width, twice, run);
    up.push(x);
  }
  const logits = conv2d(x, 'outc.conv', 1, { kernel: 1 });
  return {
    logits,
    named: {
      logits,
      ...Object.fromEntries(down.map((map, i) => [`level.${i + 1}`, map])),
      ...Object.fromEntries(up.map((map, i) => [`up.${i + 1}`, map])),
    },
    features: {},
    statistics: run.statistics,
    blocks: run.blocks,
  };
}
