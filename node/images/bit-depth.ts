// Sixteen bits a value to eight. Detectors give 10, 12 or 14 bits, and converters write these into files of 16 as they are: the high
// byte of such a value holds next to nothing. So the bits that a file uses count: the least of 8, 10, 12, 14 and 16 that hold its
// largest value, and the highest eight of those are taken. A file whose values reach past 14 bits uses all 16.
//
// Each file is read by itself, alone or in a data set: what a model was trained on is then what it sees later, when one picture
// comes without its set. Where pictures are normalised by their own mean and deviation (`zscore`), the factor between two pictures of
// a set that use different numbers of bits falls out again.

const DEPTHS = [8, 10, 12, 14, 16] as const;
/** Fewer grey levels than these are told of, where the file has many more. */
const FEW_LEVELS = 32;

export interface EightBits {
  readonly data: Uint8Array;
  /** What a user should know: one sentence each. */
  readonly notes: readonly string[];
}

export function toEightBits(values: Uint16Array): EightBits {
  const seen = new Uint8Array(65536);
  for (const value of values) seen[value] = 1;
  const [least, most] = [Math.max(0, seen.indexOf(1)), Math.max(0, seen.lastIndexOf(1))];
  const depth = DEPTHS.find(bits => most < 2 ** bits)!;
  const shift = depth - 8;
  const data = new Uint8Array(values.length);
  for (let i = 0; i < data.length; i++) data[i] = values[i]! >> shift;
  const notes: string[] = [];
  if (depth < 16 && most > 0) notes.push(`it uses ${depth} of its 16 bits, and is read as a picture of ${depth} bits`);
  const before = seen.reduce((sum, value) => sum + value, 0);
  const after = new Set(data).size;
  if (after < FEW_LEVELS && before >= 4 * after) {
    const range = `its values lie between ${least} and ${most}`;
    notes.push(`${range}, of which eight bits leave ${after} grey levels; convert it with a window of that range`);
  }
  return { data, notes };
}
