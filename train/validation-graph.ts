// The graph that validates, which the planner sizes and validation.ts runs: that of inference, over parameters that change.

import type { Config } from '../model/config.js';
import type { Outputs } from '../model/graph.js';
import { fold, fuse } from '../model/passes/index.js';
import { tmca, tmcaInputs } from '../model/tmca.js';

/** `logits` [B,S,S,1] of a batch. */
export function validationGraph(config: Config, batch: number, length: number): Outputs {
  const { logits } = tmca(config, tmcaInputs(config, batch, length));
  return fuse(fold({ logits }));
}
