// Windows bitmaps, which sharp does not read: uncompressed ones of 1, 4, 8, 16, 24 and 32 bits, with or without a palette, rows from
// the bottom up or from the top down. Format: Microsoft, "Bitmap Storage" (BITMAPCOREHEADER to BITMAPV5HEADER). A file is read whole
// or not at all.

/** Where the pixels lie, and what their bits mean. */
export interface BmpHeader {
  readonly width: number;
  readonly height: number;
  /** Channels of the result: grey (a palette of greys), RGB, or RGBA where the file has a mask for alpha. */
  readonly channels: 1 | 3 | 4;
  readonly topDown: boolean;
  readonly bits: 1 | 4 | 8 | 16 | 24 | 32;
  readonly offset: number;
  /** Bytes of a row. */
  readonly stride: number;
  /** [colours, 3], RGB; null where pixels hold their colours. */
  readonly palette: Uint8Array | null;
  /** Bits of red, green, blue and alpha in a pixel of 16 or 32 bits. */
  readonly masks: readonly [number, number, number, number] | null;
}

const FILE_HEADER = 14;
/** BITMAPCOREHEADER, of OS/2: sizes of 16 bits, palette entries of three bytes. */
const CORE_HEADER = 12;
const HEADERS = new Set([CORE_HEADER, 40, 52, 56, 64, 108, 124]);
const COMPRESSED: Readonly<Record<number, string>> = { 1: 'RLE', 2: 'RLE', 4: 'JPEG', 5: 'PNG' };
const [BITFIELDS, ALPHA_BITFIELDS] = [3, 6];
const BITS = [1, 4, 8, 16, 24, 32] as const;

export const isBmp = (bytes: Buffer): boolean => bytes.length > 1 && bytes.toString('latin1', 0, 2) === 'BM';

/** The header, or what is wrong with the file, as in "got FAULT". */
export function parseBmp(bytes: Buffer): BmpHeader | string {
  if (bytes.length < FILE_HEADER + CORE_HEADER) return 'a BMP file that is cut off';
  const size = bytes.readUInt32LE(FILE_HEADER);
  if (!HEADERS.has(size)) return `a BMP file with a header of ${size} bytes`;
  if (bytes.length < FILE_HEADER + size) return 'a BMP file that is cut off';
  const core = size === CORE_HEADER;
  const width = core ? bytes.readUInt16LE(18) : bytes.readInt32LE(18);
  const rows = core ? bytes.readUInt16LE(20) : bytes.readInt32LE(22);
  const bits = BITS.find(known => known === bytes.readUInt16LE(core ? 24 : 28));
  const compression = core ? 0 : bytes.readUInt32LE(30);
  const packed = COMPRESSED[compression];
  if (packed) return `a BMP file with ${packed} compression`;
  if (compression !== 0 && compression !== BITFIELDS && compression !== ALPHA_BITFIELDS) {
    return `a BMP file with compression ${compression}`;
  }
  if (!bits) return `a BMP file of ${bytes.readUInt16LE(core ? 24 : 28)} bits a pixel`;
  if (width <= 0 || rows === 0) return `a BMP file of ${width} x ${rows} pixels`;
  const height = Math.abs(rows);
  const stride = Math.ceil((bits * width) / 32) * 4;
  const offset = bytes.readUInt32LE(10);
  if (offset < FILE_HEADER + size) return 'a BMP file whose pixels lie in its header';
  // some writers leave out what fills the last row up
  const end = offset + stride * (height - 1) + Math.ceil((bits * width) / 8);
  if (bytes.length < end) return 'a BMP file that is cut off';
  const palette = bits <= 8 ? paletteOf(bytes, size, bits, offset) : null;
  if (typeof palette === 'string') return palette;
  const masks = bits === 16 || bits === 32 ? masksOf(bytes, size, bits, compression) : null;
  const grey = palette?.every((value, i) => value === palette[i - (i % 3)]);
  const channels = grey ? 1 : masks?.[3] ? 4 : 3;
  return { width, height, channels, topDown: rows < 0, bits, offset, stride, palette, masks };
}

function paletteOf(bytes: Buffer, size: number, bits: number, pixels: number): Uint8Array | string {
  const entry = size === CORE_HEADER ? 3 : 4;
  const named = size === CORE_HEADER ? 0 : bytes.readUInt32LE(46);
  const start = FILE_HEADER + size;
  const count = Math.min(named || 2 ** bits, 2 ** bits, Math.floor((pixels - start) / entry));
  if (count < 1) return 'a BMP file without its palette';
  const palette = new Uint8Array(3 * count);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < 3; c++) palette[3 * i + c] = bytes[start + entry * i + 2 - c]!;
  }
  return palette;
}

function masksOf(bytes: Buffer, size: number, bits: number, compression: number): [number, number, number, number] {
  if (compression === 0) return bits === 16 ? [0x7c00, 0x03e0, 0x001f, 0] : [0xff0000, 0xff00, 0xff, 0];
  // behind a header of 40 bytes, and a part of the longer ones
  const at = FILE_HEADER + 40;
  const alpha = size >= 56 || compression === ALPHA_BITFIELDS;
  const mask = (i: number) => bytes.readUInt32LE(at + 4 * i);
  return [mask(0), mask(1), mask(2), alpha ? mask(3) : 0];
}

/** [height, width, channels]. Alpha that is 0 everywhere was never meant: it is 255 then. */
export function bmpPixels(bytes: Buffer, header: BmpHeader): Uint8Array {
  const { width, height, channels, topDown, bits, offset, stride, palette, masks } = header;
  const pixels = new Uint8Array(width * height * channels);
  const fields = masks?.map(mask => ({ mask, shift: mask ? 31 - Math.clz32(mask & -mask) : 0 }));
  let transparent = true;
  for (let y = 0; y < height; y++) {
    const row = offset + stride * (topDown ? y : height - 1 - y);
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * channels;
      if (palette) {
        const index = bits === 8 ? bytes[row + x]! : indexOf(bytes, row, x, bits);
        // an index past the palette is black, as in Windows
        for (let c = 0; c < channels; c++) pixels[to + c] = palette[3 * index + c] ?? 0;
      } else if (fields) {
        const value = bits === 16 ? bytes.readUInt16LE(row + 2 * x) : bytes.readUInt32LE(row + 4 * x);
        for (let c = 0; c < channels; c++) pixels[to + c] = fieldOf(value, fields[c]!);
        if (channels === 4 && pixels[to + 3] !== 0) transparent = false;
      } else {
        for (let c = 0; c < 3; c++) pixels[to + c] = bytes[row + 3 * x + 2 - c]!;
      }
    }
  }
  if (channels === 4 && transparent) for (let i = 3; i < pixels.length; i += 4) pixels[i] = 255;
  return pixels;
}

/** Pixels of less than a byte: the first is in the highest bits. */
function indexOf(bytes: Buffer, row: number, x: number, bits: number): number {
  const each = 8 / bits;
  const byte = bytes[row + Math.floor(x / each)]!;
  return (byte >> (8 - bits * ((x % each) + 1))) & (2 ** bits - 1);
}

/** Brought to 0..255. */
function fieldOf(value: number, { mask, shift }: { readonly mask: number; readonly shift: number }): number {
  const most = mask >>> shift;
  return most === 0 ? 0 : Math.round((((value & mask) >>> shift) * 255) / most);
}
