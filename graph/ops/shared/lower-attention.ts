// From attention over whole tensors or over parts of wider ones to the kernel's call.

import type { KernelCall, KernelStorage } from '../../../gpu/kernel.js';
import { attention as kernel } from '../../../gpu/kernels/attention/attention.js';
import type { Tensor } from '../../graph.js';
import type { Operand } from '../../rule.js';

/** Channels of a token tensor from `offset` on; `pitch` is the tensor's own width. */
export interface ChannelRange {
  readonly tensor: Tensor;
  readonly offset: number;
  readonly pitch: number;
}

export function lowerAttention(
  q: ChannelRange,
  k: ChannelRange,
  v: ChannelRange,
  mask: Tensor | null,
  heads: number,
  out: Tensor,
  storage: Pick<KernelStorage, 'act' | 'tuning'>,
): KernelCall<Operand> {
  const [batch, queries, channels] = out.shape as [number, number, number];
  const range = ({ offset, pitch }: ChannelRange) => ({ offset, pitch });
  return kernel<Operand>(
    {
      batch,
      queries,
      keys: k.tensor.shape[1]!,
      heads,
      headDim: channels / heads,
      q: range(q),
      k: range(k),
      v: range(v),
    },
    { q: q.tensor, k: k.tensor, v: v.tensor, mask, out },
    storage,
  );
}
