// Whether two runners computed the same, so that nobody wins by being wrong.

import { check } from '../errors/index.js';

export interface Agreement {
  /** Largest difference of two logits. */
  readonly max_abs: number;
  /** Share of pixels that are lesion in both or in neither (at probability 0.5, logit 0). */
  readonly mask: number;
}

export function agreement(ours: Float32Array, theirs: Float32Array): Agreement {
  check(
    ours.length === theirs.length && ours.length > 0,
    'BAD_ARGUMENT',
    `agreement: outputs must have one size, got ${ours.length} and ${theirs.length} logits; run the same network`,
  );
  let most = 0;
  let same = 0;
  for (let i = 0; i < ours.length; i++) {
    const difference = Math.abs(ours[i]! - theirs[i]!);
    // Math.max keeps NaN, which must not pass for agreement
    most = Math.max(most, difference);
    if (ours[i]! >= 0 === theirs[i]! >= 0) same++;
  }
  return { max_abs: most, mask: same / ours.length };
}
