// How sentences are padded to a few lengths, so that few plans serve every sentence.

/** Lengths at which plans are made: powers of two from 16 up to the model's limit, and the limit itself. */
export function textLengths(maxTextLength: number): number[] {
  const lengths: number[] = [];
  for (let length = 16; length < maxTextLength; length *= 2) lengths.push(length);
  return [...lengths, maxTextLength];
}

/** The shortest of `lengths` that holds `tokens`. */
export const paddedLength = (lengths: readonly number[], tokens: number): number =>
  lengths.find(length => length >= tokens) ?? lengths[lengths.length - 1]!;

/** Ids padded with 0, and the mask that tells which are real. */
export function padIds(ids: Int32Array, length: number): { ids: Int32Array; mask: Int32Array } {
  const padded = new Int32Array(length);
  padded.set(ids);
  const mask = new Int32Array(length).fill(1, 0, ids.length);
  return { ids: padded, mask };
}
