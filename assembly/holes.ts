// Where the holes of a component are: background that its pixels enclose, 4-connected, as the component is 8-connected.

const OWN = 2;
const SEEN = 3;

/** Cells of a box with one pixel of margin all round, where `OWN` are those of one component, 0 and 1 what else is clear or set. */
interface Grid {
  readonly cells: Uint8Array;
  readonly stride: number;
}

type Box = readonly [left: number, top: number, width: number, height: number];

const edgesOf = (stride: number) => [-1, 1, -stride, stride];
const cornersOf = (stride: number) => [-stride - 1, -stride + 1, stride - 1, stride + 1];

/** @param first one pixel of the component */
function gridOf(mask: Uint8Array, width: number, [left, top, w, h]: Box, [x, y]: readonly [number, number]): Grid {
  const stride = w + 2;
  const cells = new Uint8Array(stride * (h + 2));
  for (let row = 0; row < h; row++)
    for (let column = 0, at = (row + 1) * stride + 1, from = (top + row) * width + left; column < w; column++)
      if (mask[from++]) cells[at + column] = 1;
  flood(cells, (y - top + 1) * stride + x - left + 1, OWN, 1, [...edgesOf(stride), ...cornersOf(stride)]);
  return { cells, stride };
}

/** The mask of one component alone, of the same size. @param first one of its pixels */
export function componentMask(
  mask: Uint8Array,
  width: number,
  box: Box,
  first: readonly [number, number],
): Uint8Array<ArrayBuffer> {
  const { cells, stride } = gridOf(mask, width, box, first);
  const own = new Uint8Array(mask.length);
  const [left, top, w, h] = box;
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) if (cells[(y + 1) * stride + x + 1] === OWN) own[(top + y) * width + left + x] = 1;
  return own;
}

/**
 * For each hole, top to bottom, the component's pixel before the leftmost one of the hole's top row. Other components within the box
 * count as background, which outside reaches everywhere along the margin.
 *
 * @param first one of the component's pixels
 */
export function holeStarts(
  mask: Uint8Array,
  width: number,
  box: Box,
  first: readonly [number, number],
): (readonly [x: number, y: number])[] {
  const { cells: grid, stride } = gridOf(mask, width, box, first);
  const [left, top] = box;
  const edges = edgesOf(stride);
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
