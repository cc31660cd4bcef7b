// 8-connected components, found while the rows of a mask pass by: runs of set pixels join the runs of the row before that
// they touch (union-find). Needs two rows of runs, one record a component, and the bitmap, which contours are drawn from.

import { Bitmap, bitmapRow, createBitmap, freeBitmap, packRow, skip } from './bitmap';
import { maskRow, Upsample } from './upsample';

/** What the host reads, RECORD bytes each. */
@unmanaged
class Component {
  /** Sum of the scores of its pixels. */
  sum: f64;
  area: u32;
  /** Box, all inclusive. */
  minX: i32;
  minY: i32;
  maxX: i32;
  maxY: i32;
  /** Leftmost pixel of the top row: where its outer contour starts. */
  firstX: i32;
  /** Index of the component that it joined, or its own. */
  parent: i32;
  /** Pairs of runs that touch, less its runs: a tree of runs has -1, and each hole closes one more loop. */
  loops: i32;
}

const RECORD: usize = 40;
/** A run is i32 [3]: first x, last x, component. */
const RUN: usize = 12;

@unmanaged
export class Components {
  bitmap: Bitmap;
  previous: usize;
  previousCount: i32;
  current: usize;
  records: usize;
  count: i32;
  capacity: i32;
}

export function createComponents(width: i32, height: i32): Components {
  const c = changetype<Components>(heap.alloc(offsetof<Components>()));
  const runs = <usize>((width + 1) >> 1) * RUN;
  c.bitmap = createBitmap(width, height);
  c.previous = heap.alloc(runs);
  c.previousCount = 0;
  c.current = heap.alloc(runs);
  c.capacity = 64;
  c.records = heap.alloc(<usize>c.capacity * RECORD);
  c.count = 0;
  return c;
}

export function freeComponents(c: Components): void {
  freeBitmap(c.bitmap);
  heap.free(c.previous);
  heap.free(c.current);
  heap.free(c.records);
  heap.free(changetype<usize>(c));
}

export function componentsBitmap(c: Components): Bitmap {
  return c.bitmap;
}
export function componentRecords(c: Components): usize {
  return c.records;
}

/** Takes rows `y` and on of a mask, u8 [rows, width]; every pixel scores 1. Rows come in order. */
export function componentRows(c: Components, y: i32, rows: i32, mask: usize): void {
  for (let i = 0; i < rows; ++i, mask += c.bitmap.width) {
    packRow(c.bitmap, y + i, mask);
    takeRow(c, y + i, 0);
  }
}

/** Makes rows `y` and on of the mask of `u`, u8 [rows, width], and takes them; pixels score their probability. */
export function segmentRows(c: Components, u: Upsample, y: i32, rows: i32, threshold: f32, mask: usize): void {
  for (let i = 0; i < rows; ++i, mask += c.bitmap.width) {
    maskRow(u, y + i, threshold, mask);
    packRow(c.bitmap, y + i, mask);
    takeRow(c, y + i, u.row);
  }
}

function takeRow(c: Components, y: i32, scores: usize): void {
  const width = c.bitmap.width;
  const row = bitmapRow(c.bitmap, y);
  const previousEnd = c.previous + <usize>c.previousCount * RUN;
  let above = c.previous;
  let count = 0;
  for (let x = skip(row, 0, width, 0); x < width; ++count) {
    const end = skip(row, x, width, ~0);
    let label = -1;
    let touches = 0;
    // Runs that end before x - 1 touch neither this run nor any after it.
    while (above < previousEnd && load<i32>(above, 4) < x - 1) above += RUN;
    for (let run = above; run < previousEnd && load<i32>(run) <= end; run += RUN, ++touches) {
      const root = find(c, load<i32>(run, 8));
      label = label < 0 ? root : join(c, label, root);
    }
    if (label < 0) label = create(c, x, y);
    const component = record(c, label);
    component.loops += touches - 1;
    extend(component, x, end - 1, y, scores);
    const run = c.current + <usize>count * RUN;
    store<i32>(run, x);
    store<i32>(run, end - 1, 4);
    store<i32>(run, label, 8);
    x = skip(row, end, width, 0);
  }
  const swap = c.previous;
  c.previous = c.current;
  c.previousCount = count;
  c.current = swap;
}

function record(c: Components, i: i32): Component {
  return changetype<Component>(c.records + <usize>i * RECORD);
}

function create(c: Components, x: i32, y: i32): i32 {
  if (c.count == c.capacity) {
    c.records = heap.realloc(c.records, <usize>c.capacity * 2 * RECORD);
    c.capacity *= 2;
  }
  const i = c.count++;
  const r = record(c, i);
  r.sum = 0;
  r.area = 0;
  r.minX = x;
  r.maxX = x;
  r.minY = y;
  r.maxY = y;
  r.firstX = x;
  r.parent = i;
  r.loops = 0;
  return i;
}

function extend(r: Component, first: i32, last: i32, y: i32, scores: usize): void {
  r.area += last - first + 1;
  r.minX = min(r.minX, first);
  r.maxX = max(r.maxX, last);
  r.maxY = y;
  if (!scores) {
    r.sum += <f64>(last - first + 1);
    return;
  }
  for (let x = first; x <= last; ++x) r.sum += <f64>load<f32>(scores + ((<usize>x) << 2));
}

function find(c: Components, i: i32): i32 {
  let r = record(c, i);
  while (r.parent != i) {
    // Halves the path while it is walked.
    r.parent = record(c, r.parent).parent;
    i = r.parent;
    r = record(c, i);
  }
  return i;
}

/** Joins two roots; returns the one that stays. */
function join(c: Components, i: i32, j: i32): i32 {
  if (i == j) return i;
  const keep = min(i, j);
  const a = record(c, keep);
  const b = record(c, max(i, j));
  // Labels are given in scan order, so the older component begins above, or on the same row further left: its first
  // pixel is that of both.
  b.parent = keep;
  a.sum += b.sum;
  a.area += b.area;
  a.loops += b.loops;
  a.minX = min(a.minX, b.minX);
  a.maxX = max(a.maxX, b.maxX);
  a.maxY = max(a.maxY, b.maxY);
  return keep;
}

/** Moves the components to the front of the records; returns how many. */
export function finishComponents(c: Components): i32 {
  let kept = 0;
  for (let i = 0; i < c.count; ++i) {
    const r = record(c, i);
    if (r.parent != i) continue;
    memory.copy(c.records + <usize>kept * RECORD, changetype<usize>(r), RECORD);
    ++kept;
  }
  return kept;
}
