// How rows are dealt to threads where each row is reduced as a whole (include/row-reduce.wgsl).

/**
 * Tile constants for rows of `units` loads (elements, or quads of them): LANES threads share a row, ROWS rows share a
 * workgroup of GROUP threads. A lane gets about six loads, enough to pay for joining the lanes.
 */
export function rowTile(units: number): { readonly LANES: number; readonly ROWS: number; readonly GROUP: number } {
  const lanes = Math.min(2 ** Math.ceil(Math.log2(Math.max(1, units / 6))), units > 4096 ? 256 : 64);
  const group = Math.max(64, lanes);
  return { LANES: lanes, ROWS: group / lanes, GROUP: group };
}
