// Pixels that two masks have in common. Any byte but 0 is set.

/** Over u8 [length] each, writes u32 [3]: set in `a`, set in `b`, set in both. */
export function countPixels(a: usize, b: usize, length: usize, counts: usize): void {
  let inA = 0;
  let inB = 0;
  let both = 0;
  const zero = i8x16.splat(0);
  let i: usize = 0;
  for (; i + 16 <= length; i += 16) {
    const p = i8x16.bitmask(i8x16.ne(v128.load(a + i), zero));
    const q = i8x16.bitmask(i8x16.ne(v128.load(b + i), zero));
    inA += popcnt(p);
    inB += popcnt(q);
    both += popcnt(p & q);
  }
  for (; i < length; ++i) {
    const p = i32(load<u8>(a + i) != 0);
    const q = i32(load<u8>(b + i) != 0);
    inA += p;
    inB += q;
    both += p & q;
  }
  store<i32>(counts, inA);
  store<i32>(counts, inB, 4);
  store<i32>(counts, both, 8);
}
