// How rows are dealt to threads where each row is reduced as a whole (include/row-reduce.wgsl).

import type { Shader } from '../../kernel.js';
import { hardwareTuning } from '../../tuning.js';
import { laneGroup } from './lane-group.js';

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
 * As `rowTile`, for kernels that ask row_width(): on a GPU it is LANES; on a CPU, where a workgroup is one subgroup, 1, so that
 * rows of every length share a pipeline. `swap`: what else of the kernel's includes there is another's.
 */
export function rowCut(
  units: number,
  { lanes } = hardwareTuning,
  swap: Readonly<Record<string, string>> = {},
): { readonly tiling: Pick<Shader, 'tile' | 'swap'>; readonly rows: number; readonly lanes: number } {
  const { LANES, ROWS, GROUP } = rowTile(units);
  if (lanes === 0) return { tiling: { tile: { GROUP, LANES } }, rows: ROWS, lanes: LANES };
  const { tile, swap: own } = laneGroup(lanes);
  return {
    tiling: { tile: { GROUP: tile.GROUP }, swap: { 'row-reduce': 'row-reduce-lanes', ...swap, ...own } },
    rows: tile.GROUP,
    lanes: LANES,
  };
}
