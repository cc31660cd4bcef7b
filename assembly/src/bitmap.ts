// A binary mask at one bit a pixel, so that 100 megapixels take 12.5 MB. Pixel x of a row is bit x % 32 of word x / 32;
// bits past the width are 0.

@unmanaged
export class Bitmap {
  width: i32;
  height: i32;
  /** Words of a row. */
  words: i32;
  /** u32 [height, words]. */
  bits: usize;
}

export function createBitmap(width: i32, height: i32): Bitmap {
  const words = (width + 31) >> 5;
  const bytes = <usize>words * height * 4;
  const bits = heap.alloc(bytes);
  memory.fill(bits, 0, bytes);
  const b = changetype<Bitmap>(heap.alloc(offsetof<Bitmap>()));
  b.width = width;
  b.height = height;
  b.words = words;
  b.bits = bits;
  return b;
}

export function freeBitmap(b: Bitmap): void {
  heap.free(b.bits);
  heap.free(changetype<usize>(b));
}

export function bitmapRow(b: Bitmap, y: i32): usize {
  return b.bits + ((<usize>y * b.words) << 2);
}

/** Rows `y` and on from u8 [rows, width], where any byte but 0 is set. */
export function packRows(b: Bitmap, y: i32, rows: i32, source: usize): void {
  for (let i = 0; i < rows; ++i, source += b.width) packRow(b, y + i, source);
}

export function packRow(b: Bitmap, y: i32, source: usize): void {
  const to = bitmapRow(b, y);
  const width = <usize>b.width;
  const zero = i8x16.splat(0);
  let x: usize = 0;
  for (; x + 16 <= width; x += 16) {
    store<u16>(to + (x >> 3), <u16>i8x16.bitmask(i8x16.ne(v128.load(source + x), zero)));
  }
  for (let byte: u32 = 0; x < width; ++x) {
    byte |= u32(load<u8>(source + x) != 0) << (<u32>x & 7);
    store<u8>(to + (x >> 3), <u8>byte);
    if ((x & 7) == 7) byte = 0;
  }
}

/** 1 where the pixel is set, 0 where it is not or lies outside. */
export function pixel(b: Bitmap, x: i32, y: i32): u32 {
  if (<u32>x >= <u32>b.width || <u32>y >= <u32>b.height) return 0;
  return (load<u32>(bitmapRow(b, y) + ((<usize>(x >> 5)) << 2)) >> (x & 31)) & 1;
}

/** First x from `x` on whose bit differs from `value` (0 or all ones), or `width`. */
export function skip(row: usize, x: i32, width: i32, value: u32): i32 {
  while (x < width) {
    const word = (load<u32>(row + ((<usize>(x >> 5)) << 2)) ^ value) >> (x & 31);
    if (word) return min(x + <i32>ctz(word), width);
    x = (x | 31) + 1;
  }
  return width;
}
