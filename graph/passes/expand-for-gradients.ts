// Composites replaced by what they stand for, but for those that have a gradient of their own: what autodiff sees.

import { isOp, type Outputs } from '../graph.js';
import { gradientOf } from '../ops/gradients/gradient-table.js';
import { expandComposites } from './expand.js';

export const expandForGradients = (outputs: Outputs): Outputs =>
  expandComposites(outputs, t => isOp(t) && gradientOf(t.op) !== undefined);
