// The network's results by the names of reference/README.md.

import type { Outputs } from './graph.js';
import type { TmcaOutputs } from './tmca.js';

/** Every checkpointed output; maps and logits are channels-last here, channels-first in files. */
export function namedOutputs({ logits, text, pooled, maps, enhancement, pairs }: TmcaOutputs): Outputs {
  return {
    text,
    pooled,
    logits,
    ...Object.fromEntries(maps.map((map, i) => [`map.${i + 1}`, map])),
    ...Object.fromEntries(enhancement.map((gate, i) => [`enhancement.${i + 1}`, gate])),
    ...Object.fromEntries(
      Object.entries(pairs).flatMap(([level, pair]) => [
        [`pair.${level}.image`, pair.image],
        [`pair.${level}.text`, pair.text],
      ]),
    ),
  };
}
