// Files that people take for images, known by their first bytes whatever they are called: what they are, and how to get an image out.

import { constants, gunzipSync } from 'node:zlib';

/** Enough of a file to know it by. */
export const HEAD_BYTES = 1024;

export interface ForeignKind {
  /** With its article: "a DICOM file". */
  readonly name: string;
  readonly todo: string;
}

interface Known extends ForeignKind {
  is(bytes: Buffer): boolean;
}

const text = (bytes: Buffer, from: number, to: number): string => bytes.toString('latin1', from, to);
const begins =
  (...signatures: readonly string[]) =>
  (bytes: Buffer) =>
    signatures.some(signature => text(bytes, 0, signature.length) === signature);
const at =
  (offset: number, ...signatures: readonly string[]) =>
  (bytes: Buffer) =>
    signatures.some(signature => text(bytes, offset, offset + signature.length) === signature);

/** Brands of an ISO media file (ISO/IEC 14496-12): what its content is. */
function brands(bytes: Buffer): readonly string[] {
  if (text(bytes, 4, 8) !== 'ftyp') return [];
  const end = Math.min(bytes.readUInt32BE(0), bytes.length, 256);
  const found: string[] = [text(bytes, 8, 12)];
  for (let i = 16; i + 4 <= end; i += 4) found.push(text(bytes, i, i + 4));
  return found;
}
const AVIF = new Set(['avif', 'avis']);
const HEIC = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'hevm', 'hevs', 'mif1', 'msf1', 'mif2']);
const isAvif = (bytes: Buffer) => brands(bytes).some(brand => AVIF.has(brand));
const isHeic = (bytes: Buffer) => !isAvif(bytes) && brands(bytes).some(brand => HEIC.has(brand));

/** With its preamble, or an older file that begins with its first element: group 2 or 8, and a value's type of two letters. */
const isDicom = (bytes: Buffer) =>
  at(128, 'DICM')(bytes) ||
  (begins('\x02\0', '\x08\0')(bytes) && bytes[3] === 0 && /^(UL|UI|OB|CS|SH|LO|DA|TM|PN|ST)$/.test(text(bytes, 4, 6)));

const isNifti = (bytes: Buffer) => at(344, 'n+1\0', 'ni1\0')(bytes) || at(4, 'n+2\0', 'ni2\0')(bytes);

const TO_PNG = 'save it as PNG or JPEG first';
const SLICES = 'save its slices as PNG first, such as with nibabel (NIfTI) or SimpleITK in Python, or 3D Slicer';
const FRAMES = 'save its frames as images first: ffmpeg -i VIDEO frame-%05d.png';
const UNPACK = 'unpack it and name the image inside';

const KINDS: readonly Known[] = [
  {
    name: 'a DICOM file',
    todo: 'convert it to PNG with its window first, such as dcmj2pnm --write-png --use-window 1 IN.dcm OUT.png (DCMTK)',
    is: isDicom,
  },
  { name: 'a NIfTI volume', todo: SLICES, is: isNifti },
  { name: 'a HEIC photo', todo: `${TO_PNG}, such as heif-convert IN.heic OUT.png (libheif)`, is: isHeic },
  {
    name: 'a JPEG 2000 image',
    todo: `${TO_PNG}, such as opj_decompress -i IN.jp2 -o OUT.png (OpenJPEG)`,
    is: begins('\0\0\0\x0cjP  ', '\xff\x4f\xff\x51'),
  },
  {
    name: 'a JPEG XL image',
    todo: `${TO_PNG}, such as djxl IN.jxl OUT.png (libjxl)`,
    is: begins('\xff\x0a', '\0\0\0\x0cJXL '),
  },
  { name: 'a JPEG-LS image', todo: TO_PNG, is: begins('\xff\xd8\xff\xf7') },
  {
    name: 'a PDF document',
    todo: 'save its pages or pictures first: pdftoppm -png IN.pdf page, or pdfimages -png IN.pdf image (Poppler)',
    is: begins('%PDF'),
  },
  { name: 'a PostScript document', todo: TO_PNG, is: begins('%!PS') },
  { name: 'a Photoshop document', todo: TO_PNG, is: begins('8BPS') },
  { name: 'an icon', todo: TO_PNG, is: begins('\0\0\x01\0', '\0\0\x02\0') },
  { name: 'an OpenEXR image', todo: TO_PNG, is: begins('\x76\x2f\x31\x01') },
  {
    name: 'a camera’s raw image',
    todo: 'develop it to JPEG or PNG first',
    is: bytes => brands(bytes).includes('crx ') || begins('FUJIFILMCCD-RAW')(bytes) || at(8, 'CR\x02')(bytes),
  },
  { name: 'an MP4 or QuickTime video', todo: FRAMES, is: bytes => brands(bytes).length > 0 && !isAvif(bytes) },
  { name: 'a QuickTime video', todo: FRAMES, is: at(4, 'moov', 'mdat', 'wide', 'free') },
  { name: 'an AVI video', todo: FRAMES, is: bytes => begins('RIFF')(bytes) && at(8, 'AVI ')(bytes) },
  { name: 'a WebM or Matroska video', todo: FRAMES, is: begins('\x1a\x45\xdf\xa3') },
  { name: 'an MPEG video', todo: FRAMES, is: begins('\0\0\x01\xba', '\0\0\x01\xb3') },
  { name: 'a Windows Media video', todo: FRAMES, is: begins('\x30\x26\xb2\x75\x8e\x66\xcf\x11') },
  { name: 'a Flash video', todo: FRAMES, is: begins('FLV\x01') },
  { name: 'an Ogg video', todo: FRAMES, is: begins('OggS') },
  { name: 'an NRRD volume', todo: SLICES, is: begins('NRRD000') },
  { name: 'a MetaImage header', todo: SLICES, is: bytes => /^(ObjectType|NDims)\s*=/.test(text(bytes, 0, 64)) },
  { name: 'a MATLAB file', todo: TO_PNG, is: begins('MATLAB ') },
  { name: 'an HDF5 file', todo: TO_PNG, is: begins('\x89HDF\r\n\x1a\n') },
  {
    name: 'a NumPy array',
    todo: `${TO_PNG}, such as with Pillow: Image.fromarray(array).save("OUT.png")`,
    is: begins('\x93NUMPY'),
  },
  { name: 'a FITS file', todo: TO_PNG, is: begins('SIMPLE  =') },
  { name: 'a ZIP archive', todo: UNPACK, is: begins('PK\x03\x04', 'PK\x05\x06') },
  { name: 'a 7z archive', todo: UNPACK, is: begins('7z\xbc\xaf\x27\x1c') },
  { name: 'a RAR archive', todo: UNPACK, is: begins('Rar!\x1a\x07') },
  { name: 'a tar archive', todo: UNPACK, is: at(257, 'ustar') },
  {
    name: 'a web page',
    todo: 'download the image itself',
    is: bytes => /^\s*<(!doctype html|html)/i.test(text(bytes, 0, 256)),
  },
  { name: 'a pointer of Git LFS', todo: 'fetch the file itself: git lfs pull', is: begins('version https://git-lfs') },
  {
    name: 'a file of Finder’s beside an image',
    todo: 'name the image without "._" before it',
    is: begins('\0\x05\x16\x07'),
  },
];

/** What a file is that is no image this package reads; null where that is not known. */
export function foreignKind(bytes: Buffer): ForeignKind | null {
  const known = KINDS.find(({ is }) => is(bytes));
  if (known) return { name: known.name, todo: known.todo };
  if (!begins('\x1f\x8b')(bytes)) return null;
  const inner = unzipped(bytes);
  const within = inner && foreignKind(inner);
  return within
    ? { name: `${within.name}, packed with gzip`, todo: within.todo }
    : { name: 'a gzip archive', todo: UNPACK };
}

/** Enough of a packed file to know it by. */
const PACKED_HEAD = 1 << 16;

function unzipped(bytes: Buffer): Buffer | null {
  try {
    return gunzipSync(bytes.subarray(0, PACKED_HEAD), {
      finishFlush: constants.Z_SYNC_FLUSH,
      maxOutputLength: 1 << 28,
    });
  } catch {
    return null;
  }
}

/** Formats that are read, by their first bytes: a folder's images are told from its other files so. */
const READ: readonly ((bytes: Buffer) => boolean)[] = [
  begins('\xff\xd8\xff'),
  begins('\x89PNG\r\n\x1a\n'),
  begins('GIF87a', 'GIF89a'),
  begins('II*\0', 'MM\0*', 'II+\0', 'MM\0+'),
  bytes => begins('RIFF')(bytes) && at(8, 'WEBP')(bytes),
  isAvif,
  begins('BM'),
];

export const isReadable = (bytes: Buffer): boolean => !foreignKind(bytes) && READ.some(is => is(bytes));
