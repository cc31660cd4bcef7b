// JPEG files whose headers are odd and whose pixels are whole. Damaged data is a mere warning to the decoder (libjpeg), and so are
// oddities that every viewer passes over in silence; to refuse the one and read the other, oddities are mended here, and any warning
// that is left counts as damage. Mended are:
//
// - parameters of a scan that a sequential picture does not have (Samsung's firmware writes such ones);
// - bytes between two segments that belong to neither;
// - a version of JFIF, or a colour transform of Adobe's, that nobody knows;
// - a missing end marker of a sequential picture: if rows are missing as well, the decoder says so. In a progressive one later scans
//   would be missing without a word.
//
// Format: ITU-T T.81, annex B.

const [SOI, EOI, SOS, APP0, APP14] = [0xd8, 0xd9, 0xda, 0xe0, 0xee];
const isFrame = (marker: number) => marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
const isSequential = (marker: number) => marker === 0xc0 || marker === 0xc1;
/** Markers without a segment: restarts within a scan, and TEM. */
const isBare = (marker: number) => (marker >= 0xd0 && marker <= 0xd7) || marker === 0x01;

export const isJpeg = (bytes: Buffer): boolean => bytes[0] === 0xff && bytes[1] === SOI;

/** The same bytes where there is nothing to mend, or where the file is too damaged to be understood. */
export function mendJpeg(bytes: Buffer): Buffer {
  const parts: Buffer[] = [bytes.subarray(0, 2)];
  let sequential = false;
  let from = 2;
  while (from < bytes.length) {
    // what is neither marker nor segment is passed over
    const start = nextMarker(bytes, from);
    if (start === null) break;
    const marker = bytes[start + 1]!;
    if (marker === EOI) return Buffer.concat([...parts, bytes.subarray(start)]);
    if (isBare(marker)) {
      from = start + 2;
      continue;
    }
    if (start + 4 > bytes.length) return bytes;
    const length = bytes.readUInt16BE(start + 2);
    const end = start + 2 + length;
    if (length < 2 || end > bytes.length) return bytes;
    if (isFrame(marker)) sequential = isSequential(marker);
    parts.push(mendSegment(bytes.subarray(start, end), marker, sequential));
    from = end;
    if (marker === SOS) {
      from = endOfScan(bytes, end);
      parts.push(bytes.subarray(end, from));
    }
  }
  return sequential ? Buffer.concat([...parts, Buffer.from([0xff, EOI])]) : bytes;
}

/** Position of the next marker: 0xff and a byte that is neither 0 nor 0xff. */
function nextMarker(bytes: Buffer, from: number): number | null {
  for (let i = bytes.indexOf(0xff, from); i >= 0 && i + 1 < bytes.length; i = bytes.indexOf(0xff, i + 1)) {
    if (bytes[i + 1] !== 0 && bytes[i + 1] !== 0xff) return i;
  }
  return null;
}

/** Where a scan's data ends: at a marker that is no restart. */
function endOfScan(bytes: Buffer, from: number): number {
  let at = nextMarker(bytes, from);
  while (at !== null && isBare(bytes[at + 1]!)) at = nextMarker(bytes, at + 2);
  return at ?? bytes.length;
}

function mendSegment(segment: Buffer, marker: number, sequential: boolean): Buffer {
  // first and last coefficient, and the bits that scans before this one have given
  if (marker === SOS && sequential) return withBytes(segment, segment.length - 3, [0, 63, 0]);
  const name = segment.toString('latin1', 4, 9);
  if (marker === APP0 && name === 'JFIF\0' && segment.length > 9 && segment[9] !== 1) return withBytes(segment, 9, [1]);
  // 1, YCbCr, is what the decoder takes an unknown one for
  const isAdobe = marker === APP14 && name === 'Adobe' && segment.length >= 16;
  return isAdobe && segment[15]! > 2 ? withBytes(segment, 15, [1]) : segment;
}

function withBytes(segment: Buffer, at: number, values: readonly number[]): Buffer {
  const changed = Buffer.from(segment);
  changed.set(values, at);
  return changed;
}
