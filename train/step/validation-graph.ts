// The graph that validates, which the planner sizes and validation.ts runs: that of inference, over parameters that change.

import type { Outputs } from '../../graph/graph.js';
import { fold, fuse } from '../../graph/passes/index.js';
import type { Config } from '../../networks/config.js';
import { Network } from '../../networks/network.js';

/** `logits` [B,S,S,1] of a batch. */
export function validationGraph(config: Config, batch: number, length: number): Outputs {
  const { logits } = Network.of(config).forward(batch, length);
  return fuse(fold({ logits }));
}
