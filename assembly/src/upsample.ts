// A probability map, enlarged row by row: bilinear, corners not aligned, as PyTorch's
// `interpolate(mode='bilinear', align_corners=False)`. Two source rows, already stretched to the width, are at hand; each
// output row is a blend of them.

@unmanaged
export class Upsample {
  size: i32;
  width: i32;
  height: i32;
  /** f32 [size, size]: probabilities. The host writes them here. */
  map: usize;
  /** i32 [width], f32 [width]: left of the two source columns, and the weight of the right one. */
  column: usize;
  weight: usize;
  /** f32 [width] each: source rows `upperRow` and `lowerRow` (-1: none yet), stretched. */
  upper: usize;
  lower: usize;
  upperRow: i32;
  lowerRow: i32;
  /** f32 [width]: the row last made. */
  row: usize;
}

export function createUpsample(size: i32, width: i32, height: i32): Upsample {
  const u = changetype<Upsample>(heap.alloc(offsetof<Upsample>()));
  const line = ((<usize>width) << 2) + 16;
  u.size = size;
  u.width = width;
  u.height = height;
  u.map = heap.alloc((<usize>size * size) << 2);
  u.column = heap.alloc(line);
  u.weight = heap.alloc(line);
  u.upper = heap.alloc(line);
  u.lower = heap.alloc(line);
  u.row = heap.alloc(line);
  u.upperRow = -1;
  u.lowerRow = -1;
  for (let x = 0; x < width; ++x) {
    const at = position(x, size, width);
    const left = <i32>at;
    store<i32>(u.column + ((<usize>x) << 2), left);
    store<f32>(u.weight + ((<usize>x) << 2), <f32>(at - <f64>left));
  }
  return u;
}

export function freeUpsample(u: Upsample): void {
  heap.free(u.map);
  heap.free(u.column);
  heap.free(u.weight);
  heap.free(u.upper);
  heap.free(u.lower);
  heap.free(u.row);
  heap.free(changetype<usize>(u));
}

export function upsampleMap(u: Upsample): usize {
  return u.map;
}

/** Turns logits into probabilities, in place, where asked; returns whether all are numbers. */
export function prepareMap(u: Upsample, logits: bool): bool {
  let finite = true;
  const end = u.map + ((<usize>u.size * u.size) << 2);
  for (let at = u.map; at < end; at += 4) {
    let p = load<f32>(at);
    if (logits) p = <f32>(1.0 / (1.0 + Math.exp(-(<f64>p))));
    finite = finite && p == p;
    store<f32>(at, p);
  }
  return finite;
}

/** Where output position `i` lies in the source, at least 0. */
function position(i: i32, size: i32, length: i32): f64 {
  return Math.max(((<f64>i + 0.5) * <f64>size) / <f64>length - 0.5, 0.0);
}

/** Makes row `y`. Rows may come in any order; ascending ones are cheapest. */
function makeRow(u: Upsample, y: i32): void {
  const at = position(y, u.size, u.height);
  const upper = <i32>at;
  const lower = min(upper + 1, u.size - 1);
  if (u.upperRow != upper) {
    if (u.lowerRow == upper) {
      const swap = u.upper;
      u.upper = u.lower;
      u.lower = swap;
      u.lowerRow = u.upperRow;
    } else {
      stretch(u, upper, u.upper);
    }
    u.upperRow = upper;
  }
  if (u.lowerRow != lower) {
    stretch(u, lower, u.lower);
    u.lowerRow = lower;
  }
  const weight = f32x4.splat(<f32>(at - <f64>upper));
  for (let i: usize = 0, n = (<usize>u.width) << 2; i < n; i += 16) {
    const a = v128.load(u.upper + i);
    v128.store(u.row + i, f32x4.add(a, f32x4.mul(weight, f32x4.sub(v128.load(u.lower + i), a))));
  }
}

/** Source row `y`, stretched to the width. */
function stretch(u: Upsample, y: i32, to: usize): void {
  const row = u.map + ((<usize>y * u.size) << 2);
  const lastColumn = u.size - 1;
  for (let x: usize = 0, n = (<usize>u.width) << 2; x < n; x += 4) {
    const left = load<i32>(u.column + x);
    const a = load<f32>(row + ((<usize>left) << 2));
    const b = load<f32>(row + ((<usize>min(left + 1, lastColumn)) << 2));
    store<f32>(to + x, a + load<f32>(u.weight + x) * (b - a));
  }
}

/** Writes rows `y` and on of the mask, u8 [rows, width]: 1 where the probability is at least `threshold`. */
export function maskRows(u: Upsample, y: i32, rows: i32, threshold: f32, out: usize): void {
  for (let i = 0; i < rows; ++i, out += u.width) maskRow(u, y + i, threshold, out);
}

export function maskRow(u: Upsample, y: i32, threshold: f32, out: usize): void {
  makeRow(u, y);
  const width = <usize>u.width;
  const limit = f32x4.splat(threshold);
  const one = i8x16.splat(1);
  let x: usize = 0;
  for (; x + 16 <= width; x += 16) {
    const row = u.row + (x << 2);
    const a = i16x8.narrow_i32x4_s(f32x4.ge(v128.load(row), limit), f32x4.ge(v128.load(row, 16), limit));
    const b = i16x8.narrow_i32x4_s(f32x4.ge(v128.load(row, 32), limit), f32x4.ge(v128.load(row, 48), limit));
    v128.store(out + x, v128.and(i8x16.narrow_i16x8_s(a, b), one));
  }
  for (; x < width; ++x) store<u8>(out + x, u8(load<f32>(u.row + (x << 2)) >= threshold));
}
