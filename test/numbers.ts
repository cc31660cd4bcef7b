// Repeatable numbers for tests.

/** Roughly normal, mean 0 and deviation 1, the same for the same seed (sum of four uniforms from a 32-bit LCG). */
export function normals(length: number, seed = 1): Float32Array {
  let state = (seed * 2654435761) >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  return Float32Array.from({ length }, () => (uniform() + uniform() + uniform() + uniform() - 2) * Math.sqrt(3));
}
