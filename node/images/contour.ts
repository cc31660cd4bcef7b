// Contours with fewer points: pixel steps become the line that they approximate.

/**
 * Ramer-Douglas-Peucker on a closed contour: drops points while no dropped one is further than `tolerance` from the line
 * that replaces it. x0, y0, x1, y1, … in, the same out.
 */
export function simplify(contour: Float64Array, tolerance: number): Float64Array {
  const count = contour.length / 2;
  if (count < 4) return contour;
  // A closed curve has no ends: it is cut at its first point and at the one furthest from it.
  const opposite = furthest(contour, 0, count, (x, y) => Math.hypot(x - contour[0]!, y - contour[1]!)).index;
  const keep = new Uint8Array(count);
  keep[0] = keep[opposite] = 1;
  const spans: [number, number][] = [
    [0, opposite],
    [opposite, count],
  ];
  while (spans.length > 0) {
    const [from, to] = spans.pop()!;
    const split = furthest(contour, from, to, distanceToLine(contour, from, to % count));
    if (split.distance <= tolerance) continue;
    keep[split.index] = 1;
    spans.push([from, split.index], [split.index, to]);
  }
  return contour.filter((_, i) => keep[i >> 1]);
}

/** The furthest of the points after `from` and before `to`, and its distance. */
function furthest(contour: Float64Array, from: number, to: number, distanceOf: (x: number, y: number) => number) {
  let [index, distance] = [from, 0];
  for (let i = from + 1; i < to; i++) {
    const d = distanceOf(contour[2 * i]!, contour[2 * i + 1]!);
    if (d > distance) [index, distance] = [i, d];
  }
  return { index, distance };
}

function distanceToLine(contour: Float64Array, from: number, to: number): (x: number, y: number) => number {
  const [ax, ay, bx, by] = [contour[2 * from]!, contour[2 * from + 1]!, contour[2 * to]!, contour[2 * to + 1]!];
  const length = Math.hypot(bx - ax, by - ay);
  if (length === 0) return (x, y) => Math.hypot(x - ax, y - ay);
  return (x, y) => Math.abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length;
}
