// IEEE binary16 by bit patterns, for tests that fill and read f16 buffers (Node 20 has no Float16Array).

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Round to nearest, ties to even; overflow gives infinity. */
export function toHalf(x: number): number {
  float[0] = x;
  const sign = (bits[0]! >>> 16) & 0x8000;
  const magnitude = bits[0]! & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 65,536 and above
  // Subnormal halves are multiples of 2^-24, and scaling by 2^24 is exact.
  if (magnitude < 0x38800000) return sign | roundTiesToEven(Math.abs(float[0]!) * 2 ** 24);
  // Rebias the exponent (127 to 15), then add half of the last place kept, less one when that place is even.
  const rebiased = magnitude - ((127 - 15) << 23);
  return sign | ((rebiased + 0xfff + ((rebiased >>> 13) & 1)) >>> 13);
}

export function fromHalf(h: number): number {
  const sign = h & 0x8000 ? -1 : 1;
  const exponent = (h >>> 10) & 31;
  const fraction = h & 0x3ff;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return exponent === 0 ? sign * fraction * 2 ** -24 : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function roundTiesToEven(x: number): number {
  const floor = Math.floor(x);
  const rest = x - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
