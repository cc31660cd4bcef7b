// Contours: border following by Suzuki and Abe (1985), 8-connected. Every boundary pixel is listed in order, with the
// component on the left as seen on a screen: counter-clockwise outside, clockwise round a hole. Thin parts are walked
// there and back.

import { Bitmap, pixel } from './bitmap';
import { clearList, push } from './list';

// Neighbours, clockwise on a screen (y down), from the east: offsets in four-bit fields, plus one.
const DX: u32 = 0x21000122;
const DY: u32 = 0x00012221;

function dx(direction: i32): i32 {
  return <i32>((DX >> (direction << 2)) & 15) - 1;
}
function dy(direction: i32): i32 {
  return <i32>((DY >> (direction << 2)) & 15) - 1;
}

/**
 * Leaves in the list x0, y0, x1, y1, … of the contour that passes (x, y). Closed: the last point neighbours the first.
 * `toEnd`: the direction of the background there: 4 (west) for the leftmost pixel of a component's top row, 0 (east) for
 * the pixel before the leftmost of a hole's top row.
 */
export function traceContour(b: Bitmap, x: i32, y: i32, toEnd: i32): void {
  clearList();
  // Clockwise from the background, the first set pixel is where the walk will end.
  let turns = 0;
  for (; turns < 8 && !pixel(b, x + dx(toEnd), y + dy(toEnd)); ++turns) toEnd = (toEnd + 1) & 7;
  if (turns == 8) {
    push(x);
    push(y);
    return;
  }
  const endX = x + dx(toEnd);
  const endY = y + dy(toEnd);
  let atX = x;
  let atY = y;
  let back = toEnd;
  while (true) {
    push(atX);
    push(atY);
    let direction = (back + 7) & 7;
    while (!pixel(b, atX + dx(direction), atY + dy(direction))) direction = (direction + 7) & 7;
    const nextX = atX + dx(direction);
    const nextY = atY + dy(direction);
    if (nextX == x && nextY == y && atX == endX && atY == endY) return;
    back = (direction + 4) & 7;
    atX = nextX;
    atY = nextY;
  }
}
