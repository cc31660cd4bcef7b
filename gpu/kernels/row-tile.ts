// How rows are dealt to threads where each row is reduced as a whole (include/row-reduce.wgsl).

import type { Shader } from '../kernel.js';
import { hardwareTuning } from '../tuning.js';

/**
 * Tile constants for rows of `units` loads (elements, or quads of them): LANES threads share a row, ROWS rows share a
 * workgroup of GROUP threads. A lane gets about six loads, enough to pay for joining the lanes.
 */
export function rowTile(units: number): { readonly LANES: number; readonly ROWS: number; readonly GROUP: number } {
  const lanes = Math.min(2 ** Math.ceil(Math.log2(Math.max(1, units / 6))), units > 4096 ? 256 : 64);
  const group = Math.max(64, lanes);
  return { LANES: lanes, ROWS: group / lanes, GROUP: group };
}

/**
 * As `rowTile`, for kernels that ask row_width(): on a GPU it is a constant; on a CPU a uniform, `lanes`, so that rows of every
 * length share a pipeline.
 */
export function rowCut(
  units: number,
  tuning = hardwareTuning,
): { readonly tiling: Pick<Shader, 'tile' | 'swap'>; readonly lanes: number; readonly rows: number } {
  const { LANES, ROWS, GROUP } = rowTile(units);
  const tiling =
    tuning.lanes > 0 ? { tile: { GROUP }, swap: { 'row-reduce': 'row-reduce-lanes' } } : { tile: { GROUP, LANES } };
  return { tiling, lanes: LANES, rows: ROWS };
}
