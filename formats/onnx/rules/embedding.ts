// embedding: Gather. An id outside the table is refused by whoever runs it, rather than read as the nearest row.

import type { OnnxRule } from '../rule.js';

const FLOAT = 1;

export const embedding: OnnxRule<object> = {
  width: 'narrow',
  emit(c) {
    const gather = (table: string) => c.node('Gather', [table, c.value(1)], { axis: 0 });
    const parts = c.isKnown(0) ? c.table(c.inputs[0]!) : undefined;
    if (!parts) return { name: gather(c.value(0)), layout: 'last' };
    // Only the rows that are read become real numbers.
    const rows = c.node('Cast', [gather(parts.rows)], { to: FLOAT });
    const scales = c.node('Unsqueeze', [gather(parts.scales), c.integers([-1])]);
    return { name: c.narrow(c.node('Mul', [rows, scales])), layout: 'last' };
  },
};
