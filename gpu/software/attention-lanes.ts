// How the channels of a head are dealt to lanes, in attention and its gradients.

/**
 * Tile constants for `headDim` channels: PARTS parts, in each of which a lane has COLUMNS channels. Few idle columns first, wide
 * parts second: what a part reads of the weights serves all of its columns.
 */
export function laneColumns(headDim: number, lanes: number): { LANES: number; COLUMNS: number; PARTS: number } {
  const each = Math.ceil(headDim / lanes);
  const used = (columns: number) => Math.ceil(each / columns) * columns;
  const columns = [4, 3, 2, 1].reduce((best, next) => (used(next) < used(best) ? next : best));
  return { LANES: lanes, COLUMNS: columns, PARTS: Math.ceil(each / columns) };
}
