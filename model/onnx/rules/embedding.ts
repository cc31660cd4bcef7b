// embedding: Gather. An id outside the table is refused by whoever runs it, rather than read as the nearest row.

import type { OnnxRule } from '../rule.js';

export const embedding: OnnxRule<object> = {
  width: 'narrow',
  emit: c => ({ name: c.node('Gather', [c.value(0), c.value(1)], { axis: 0 }), layout: 'last' }),
};
