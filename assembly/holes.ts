// Where the holes of a component are: background that its pixels enclose, 4-connected, as the component is 8-connected.

const OWN = 2;
const SEEN = 3;

/**
 * For each hole, top to bottom, the component's pixel before the leftmost one of the hole's top row.
 *
 * @param box of the component
 * @param first one of its pixels; other components within the box count as background
 */
export function holeStarts(
  mask: Uint8Array,
  width: number,
  [left, top, w, h]: readonly [number, number, number, number],
  [x, y]: readonly [number, number],
): (readonly [x: number, y: number])[] {
  // One pixel of margin all round, which the background outside reaches everywhere.
  const stride = w + 2;
  const grid = new Uint8Array(stride * (h + 2));
  for (let row = 0; row < h; row++)
    for (let column = 0, at = (row + 1) * stride + 1, from = (top + row) * width + left; column < w; column++)
      if (mask[from++]) grid[at + column] = 1;
  const edges = [-1, 1, -stride, stride];
  const corners = [-stride - 1, -stride + 1, stride - 1, stride + 1];
  flood(grid, (y - top + 1) * stride + x - left + 1, OWN, 1, [...edges, ...corners]);
  flood(grid, 0, SEEN, 0, edges);
  const starts: (readonly [number, number])[] = [];
  for (let at = 0; at < grid.length; at++) {
    if (grid[at]! >= OWN) continue;
    starts.push([left + (at % stride) - 2, top + Math.floor(at / stride) - 1]);
    flood(grid, at, SEEN, 0, edges);
  }
  return starts;
}

/** Sets to `value` what is reached from `start` by `steps` over cells from `least` to 1. */
function flood(grid: Uint8Array, start: number, value: number, least: number, steps: readonly number[]): void {
  const todo = [start];
  grid[start] = value;
  for (let at = todo.pop(); at !== undefined; at = todo.pop())
    for (const step of steps) {
      const cell = grid[at + step];
      // undefined beyond the grid, which compares as false
      if (!(cell! >= least && cell! < OWN)) continue;
      grid[at + step] = value;
      todo.push(at + step);
    }
}
