// Distances between the boundaries of two masks, for the Hausdorff distance. Exact: the squared Euclidean distance
// transform of Meijster, Roerdink and Hesselink (2000), one pass over columns, one over rows, in integers. The second
// pass runs only over rows that ask for distances, and both only inside the masks' common box.
//
// Boundary: pixels of the mask with one of their four neighbours outside it (the image's border counts as outside).

import { Bitmap, bitmapRow, createBitmap, freeBitmap, pixel, skip } from './bitmap';
import { clearList, push } from './list';

/** Column distance where a column holds no boundary at all. */
const NONE: i32 = 0xffff;

/** u16 [height, width] of the box: distance to the nearest boundary pixel of the same column. */
let columns: usize = 0;
/** i32 [width] each: sites of the lower envelope, and from where each rules. */
let sites: usize = 0;
let reigns: usize = 0;

let left: i32 = 0;
let right: i32 = 0;
let top: i32 = 0;
let bottom: i32 = 0;

/**
 * Leaves in the list the squared distance from every boundary pixel of `a` to the nearest of `b`, then the other way
 * round. Sides are at most 32,767, both masks hold a pixel.
 */
export function boundaryDistances(a: Bitmap, b: Bitmap): void {
  clearList();
  left = a.width;
  top = a.height;
  right = 0;
  bottom = 0;
  const edgeA = boundary(a);
  const edgeB = boundary(b);
  const width = <usize>(right - left);
  columns = heap.alloc(width * (bottom - top) * 2);
  sites = heap.alloc(width << 2);
  reigns = heap.alloc(width << 2);
  nearest(edgeA, edgeB);
  nearest(edgeB, edgeA);
  heap.free(columns);
  heap.free(sites);
  heap.free(reigns);
  freeBitmap(edgeA);
  freeBitmap(edgeB);
}

/** Boundary pixels; widens the box to hold them. */
function boundary(m: Bitmap): Bitmap {
  const edge = createBitmap(m.width, m.height);
  for (let y = 0; y < m.height; ++y) {
    const row = bitmapRow(m, y);
    const above = y ? bitmapRow(m, y - 1) : 0;
    const below = y + 1 < m.height ? bitmapRow(m, y + 1) : 0;
    const to = bitmapRow(edge, y);
    for (let i: usize = 0, n = <usize>m.words; i < n; ++i) {
      const at = i << 2;
      const word = load<u32>(row + at);
      const before = i ? load<u32>(row + at - 4) >> 31 : 0;
      const after = i + 1 < n ? load<u32>(row + at, 4) << 31 : 0;
      const inside = above && below ? load<u32>(above + at) & load<u32>(below + at) : 0;
      store<u32>(to + at, word & ~(inside & ((word << 1) | before) & ((word >> 1) | after)));
    }
    const first = skip(to, 0, m.width, 0);
    if (first == m.width) continue;
    left = min(left, first);
    right = max(right, last(to, m.words) + 1);
    top = min(top, y);
    bottom = y + 1 > bottom ? y + 1 : bottom;
  }
  return edge;
}

/** Highest set bit of a row that has one. */
function last(row: usize, words: i32): i32 {
  let i = words - 1;
  while (!load<u32>(row + ((<usize>i) << 2))) --i;
  return (i << 5) + 31 - <i32>clz(load<u32>(row + ((<usize>i) << 2)));
}

/** Pushes the squared distance to `to` of every pixel of `from`. */
function nearest(from: Bitmap, to: Bitmap): void {
  measureColumns(to);
  for (let y = top; y < bottom; ++y) {
    const row = bitmapRow(from, y);
    let x = skip(row, 0, from.width, 0);
    if (x == from.width) continue;
    const line = columns + ((<usize>(y - top) * (right - left)) << 1);
    const q = envelope(line);
    // Sites rule from left to right, so both are walked once.
    for (let site = 0; x < from.width; x = skip(row, x + 1, from.width, 0)) {
      while (site < q && reign(site + 1) <= x - left) ++site;
      push(cost(line, x - left, load<i32>(sites + ((<usize>site) << 2))));
    }
  }
}

function measureColumns(to: Bitmap): void {
  const width = right - left;
  for (let y = top; y < bottom; ++y) {
    const line = columns + ((<usize>(y - top) * width) << 1);
    for (let x = 0; x < width; ++x) {
      const above = y > top ? <i32>load<u16>(line + ((<usize>x - width) << 1)) : NONE;
      const here = pixel(to, x + left, y) ? 0 : min(above + 1, NONE);
      store<u16>(line + ((<usize>x) << 1), <u16>here);
    }
  }
  for (let y = bottom - 2; y >= top; --y) {
    const line = columns + ((<usize>(y - top) * width) << 1);
    for (let x = 0; x < width; ++x) {
      const here = <i32>load<u16>(line + ((<usize>x) << 1));
      const below = <i32>load<u16>(line + ((<usize>(x + width)) << 1));
      store<u16>(line + ((<usize>x) << 1), <u16>min(here, below + 1));
    }
  }
}

function reign(i: i32): i32 {
  return load<i32>(reigns + ((<usize>i) << 2));
}

/** Squared distance from column `x` to the boundary pixel nearest to this row in column `site`. */
function cost(line: usize, x: i32, site: i32): i32 {
  const g = <i32>load<u16>(line + ((<usize>site) << 1));
  return (x - site) * (x - site) + g * g;
}

/** Fills `sites` and `reigns` for a row; returns the last index. */
function envelope(line: usize): i32 {
  const width = right - left;
  let q = -1;
  for (let u = 0; u < width; ++u) {
    const g = <i32>load<u16>(line + ((<usize>u) << 1));
    if (g == NONE) continue;
    while (q >= 0) {
      const t = reign(q);
      if (cost(line, t, load<i32>(sites + ((<usize>q) << 2))) <= cost(line, t, u)) break;
      --q;
    }
    let start = 0;
    if (q >= 0) {
      const i = load<i32>(sites + ((<usize>q) << 2));
      const h = <i32>load<u16>(line + ((<usize>i) << 1));
      // First x at which u is nearer than i. The numerator is not negative: i was nearer at its reign's start.
      start = 1 + (u * u + g * g - i * i - h * h) / (2 * (u - i));
    }
    if (start >= width) continue;
    ++q;
    store<i32>(sites + ((<usize>q) << 2), u);
    store<i32>(reigns + ((<usize>q) << 2), start);
  }
  return q;
}
