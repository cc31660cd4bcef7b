// The search for NaN and infinities, on bits.

/** Bits of the exponent: all set in NaN and the infinities, and in nothing else. */
const EXPONENT = { F32: 0x7f800000, F16: 0x7c00, BF16: 0x7f80 } as const;

/** Index of the first NaN or infinity among the words of numbers of a type; -1 if there is none. */
export function findSaturated(words: Uint16Array | Uint32Array, dtype: keyof typeof EXPONENT): number {
  const exponent = EXPONENT[dtype];
  // Two searches, so that each sees one kind of array: mixed kinds would halve the speed over 138 M weights.
  const from = words instanceof Uint32Array ? firstFour32(words, exponent) : firstFour16(words, exponent);
  for (let i = from; i < words.length; i++) if ((words[i]! & exponent) === exponent) return i;
  return -1;
}

/** Where four words begin of which one is saturated, or the fewer than four at the end. */
function firstFour32(w: Uint32Array, e: number): number {
  let i = 0;
  for (const end = w.length - 3; i < end; i += 4)
    if ((w[i]! & e) === e || (w[i + 1]! & e) === e || (w[i + 2]! & e) === e || (w[i + 3]! & e) === e) return i;
  return i;
}

function firstFour16(w: Uint16Array, e: number): number {
  let i = 0;
  for (const end = w.length - 3; i < end; i += 4)
    if ((w[i]! & e) === e || (w[i + 1]! & e) === e || (w[i + 2]! & e) === e || (w[i + 3]! & e) === e) return i;
  return i;
}
