// Image files to pixels and back, in Node, with sharp. A file is decoded whole and right, or refused with a code: a picture
// that is grey from the middle down would get a mask, and nobody would see why it is wrong.

import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Metadata, OutputInfo, Sharp, SharpOptions } from 'sharp';
import { check, TmcaError, throwIfAborted } from '../../errors/index.js';
import { fromPackage, specifierOf } from '../../errors/optional-package.js';
import type { Pixels } from '../../runtime/types.js';
import { openToRead } from '../disk/read-file.js';
import type { FileNote } from '../notes.js';
import { toEightBits } from './bit-depth.js';
import { bmpPixels, isBmp, parseBmp } from './bmp.js';
import { foreignKind, HEAD_BYTES } from './image-kinds.js';
import { isJpeg, mendJpeg } from './jpeg.js';
import type { MaskSamples } from './mask-levels.js';

/** 12,000 x 10,000 pixels: 360 MB as RGB. */
const MAX_PIXELS = 120_000_000;
/** No image of 120 megapixels needs a larger file; what is larger is no image, or one that would fill the memory. */
const MAX_FILE_BYTES = 512 * 2 ** 20;

/** sharp's names of the formats that are read. SVG is not: a drawing has no pixels of its own, and may refer to other files. */
const FORMATS = new Set(['jpeg', 'png', 'webp', 'gif', 'tiff', 'heif']);
const FORMATS_TEXT = 'JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP';

export interface DecodeOptions {
  /** 120,000,000 if not given. */
  readonly maxPixels?: number;
  readonly signal?: AbortSignal;
}

/** An image as it is seen: upright. */
export interface ImageShape {
  readonly width: number;
  readonly height: number;
  /** EXIF's number of how the stored pixels were turned to be upright; 1: not at all. */
  readonly orientation: number;
}

export interface DecodedImage {
  /** Upright (EXIF orientation applied), over black where it was transparent; grey (1) or sRGB (3). */
  readonly pixels: Pixels;
  readonly shape: ImageShape;
  /** What a user should know of the decoding, such as "only the first of 12 frames or pages is used". */
  readonly notes: readonly FileNote[];
}

/** Values as they are stored, upright. */
export interface StoredImage {
  readonly samples: MaskSamples;
  readonly shape: ImageShape;
  readonly notes: readonly FileNote[];
}

/**
 * Decodes an image file: JPEG, PNG, WebP, GIF, TIFF, AVIF or BMP, of 1 to 16 bits a channel.
 *
 * RGB colour profiles are not applied, because the networks were trained on pixels as stored (Pillow's `convert('RGB')`);
 * CMYK becomes sRGB. Sixteen bits become eight as `bit-depth.ts` says. Of several frames or pages the first is taken.
 *
 * Errors: FILE_NOT_FOUND, FILE_UNREADABLE, IMAGE_UNREADABLE (no image, damaged, cut off), IMAGE_TOO_LARGE, ABORTED.
 *
 * @example
 * const { pixels, notes } = await decodeImage('colon.jpg');
 * const { mask, lesions } = await session.segment(pixels, report);
 */
export async function decodeImage(file: string | Uint8Array, options: DecodeOptions = {}): Promise<DecodedImage> {
  const where = 'decodeImage';
  const path = typeof file === 'string' ? file : 'the image';
  const bytes = typeof file === 'string' ? await readImageFile(file, where) : imageBytes(file, where);
  throwIfAborted(options.signal, where);
  const { image, metadata, notes } = await openImage(bytes, path, where, options.maxPixels ?? MAX_PIXELS);
  const { depth } = metadata;
  // Floats and 32-bit integers have no range that says what white is.
  const integer = depth === 'uchar' || depth === 'ushort';
  if (!integer) throw unreadable(path, where, `got ${depth} pixels`, 'convert it to 8 or 16 bits a channel');
  const grey = metadata.space === 'b-w' || metadata.space === 'grey16';
  // Flattened in the depth of the file, and only then brought to 8 bits.
  const deep = metadata.space === 'grey16' || metadata.space === 'rgb16';
  const space = deep ? metadata.space : grey ? 'b-w' : 'srgb';
  const flat = (stored: Sharp) => stored.flatten({ background: '#000' }).toColourspace(space);
  const raw = await toRaw(tolerance => flat(image(tolerance)), deep ? 'ushort' : 'uchar', path, where);
  throwIfAborted(options.signal, where);
  const { width, height } = raw.info;
  const { data, notes: ofDepth } = deep ? toEightBits(wordsOf(raw.data)) : { data: raw.data, notes: [] };
  return {
    pixels: { data, width, height, channels: grey ? 1 : 3 },
    shape: { width, height, orientation: metadata.orientation ?? 1 },
    notes: [...notes, ...ofDepth.map(text => ({ file: path, text }))],
  };
}

/**
 * The values of an image file as they are stored, alpha and all depths included: masks carry their meaning in them.
 *
 * Errors: as `decodeImage`.
 */
export async function decodeStored(path: string, options: DecodeOptions = {}): Promise<StoredImage> {
  const where = 'decodeStored';
  const bytes = await readImageFile(path, where);
  throwIfAborted(options.signal, where);
  const { image, metadata, notes } = await openImage(bytes, path, where, options.maxPixels ?? MAX_PIXELS);
  const { format, space, channels } = metadata;
  const depth = metadata.depth as keyof typeof STORED;
  const kept = STORED[depth];
  if (!kept) throw unreadable(path, where, `got ${depth} values`, 'convert it to 8 or 16 bits a channel');
  const stored = STORED_SPACES.has(space) ? kept.space[channels < 3 ? 'grey' : 'rgb'] : 'srgb';
  // sharp gives the grey of 8-bit pixels without their alpha
  const space8 = depth === 'uchar' && channels === 2 ? 'srgb' : stored;
  const { data, info } = await toRaw(tolerance => image(tolerance).toColourspace(space8), depth, path, where);
  throwIfAborted(options.signal, where);
  const { width, height } = info;
  const values = new kept.array(data.buffer, data.byteOffset, data.byteLength / kept.array.BYTES_PER_ELEMENT);
  const samples = { data: values, width, height, channels: info.channels, full: kept.full };
  return {
    samples: { ...samples, lossy: format === 'jpeg' || format === 'heif' },
    shape: { width, height, orientation: metadata.orientation ?? 1 },
    notes,
  };
}

/** By libvips' names of types. */
const STORED = {
  uchar: { array: Uint8Array, full: 255, space: { grey: 'b-w', rgb: 'srgb' } },
  ushort: { array: Uint16Array, full: 65535, space: { grey: 'grey16', rgb: 'rgb16' } },
  uint: { array: Uint32Array, full: null, space: { grey: 'b-w', rgb: 'scrgb' } },
  float: { array: Float32Array, full: null, space: { grey: 'b-w', rgb: 'scrgb' } },
} as const;
/** Whose values are kept; others, such as CMYK, become sRGB. */
const STORED_SPACES = new Set(['b-w', 'grey16', 'srgb', 'rgb', 'rgb16', 'scrgb']);

/**
 * The size of an image as it is seen, from its header.
 *
 * Errors: as `decodeImage`, of what the header tells.
 */
export async function readImageShape(path: string, options: DecodeOptions = {}): Promise<ImageShape> {
  const where = 'readImageShape';
  const bytes = await readImageFile(path, where);
  throwIfAborted(options.signal, where);
  const { metadata } = await openImage(bytes, path, where, options.maxPixels ?? MAX_PIXELS);
  const { width, height, orientation = 1 } = metadata;
  return orientation > 4 ? { width: height, height: width, orientation } : { width, height, orientation };
}

/**
 * What can be known of an image file without decoding it: that it is there, readable, a file, neither empty nor huge.
 *
 * Errors: FILE_NOT_FOUND, FILE_UNREADABLE, IMAGE_UNREADABLE, IMAGE_TOO_LARGE.
 */
export async function checkImageFile(path: string): Promise<void> {
  await (await openImageFile(path, 'checkImageFile')).close();
}

/** PNG of a mask of zeros and ones, [height, width]: one channel, 0 and 255. */
export async function encodeMask(mask: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const fits = mask.length === width * height;
  check(fits, 'BAD_ARGUMENT', `encodeMask: mask must hold ${width} x ${height} bytes, got ${mask.length}`);
  const sharp = await loadSharp();
  const bytes = mask.map(value => (value ? 255 : 0));
  return sharp(bytes, { raw: { width, height, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toBuffer();
}

/** Imported when first used: it brings a native library of some 20 MB, which most commands do without. */
export async function loadSharp(): Promise<typeof import('sharp').default> {
  try {
    return (await fromPackage('sharp', 'loadSharp', () => import('sharp'))).default;
  } catch (cause) {
    if (cause instanceof TmcaError) throw cause;
    const why = cause instanceof Error ? cause.message.split('\n')[0] : cause;
    throw new TmcaError(
      'UNSUPPORTED',
      `loadSharp: the package sharp must load, got ${why}; install it again on this platform (${process.platform}-${process.arch}): ` +
        `npm install ${specifierOf('sharp')}`,
      { cause },
    );
  }
}

/** Bytes of an image file that somebody else has read. */
function imageBytes(bytes: Uint8Array, where: string): Buffer {
  const { length: size, buffer, byteOffset } = bytes;
  check(size > 0, 'IMAGE_UNREADABLE', `${where}: must be an image, got 0 bytes; read the file again`);
  const limit = `${where}: an image file may have ${MAX_FILE_BYTES} bytes, got ${size}; shrink it first`;
  check(size <= MAX_FILE_BYTES, 'IMAGE_TOO_LARGE', limit);
  return Buffer.from(buffer, byteOffset, size);
}

async function readImageFile(path: string, where: string): Promise<Buffer> {
  const file = await openImageFile(path, where);
  try {
    return await file.readFile();
  } catch (cause) {
    throw fileError(path, where, cause);
  } finally {
    await file.close();
  }
}

async function openImageFile(path: string, where: string): Promise<FileHandle> {
  const file = await openToRead(path).catch((cause: unknown) => {
    throw fileError(path, where, cause);
  });
  try {
    const status = await file.stat();
    if (status.size > MAX_FILE_BYTES) await checkKind(file, path, where);
    checkFile(status, path, where);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** What is too large for an image may be no image: shrinking it would not help. */
async function checkKind(file: FileHandle, path: string, where: string): Promise<void> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
  const foreign = foreignKind(buffer.subarray(0, bytesRead));
  if (foreign) throw unreadable(path, where, `got ${foreign.name}`, foreign.todo);
}

function checkFile(status: Stats, path: string, where: string): void {
  const must = `${where}: must be an image file, got`;
  check(!status.isDirectory(), 'IMAGE_UNREADABLE', `${must} the folder ${path}; name a file`);
  check(status.isFile(), 'IMAGE_UNREADABLE', `${must} a pipe or device, ${path}; name a file`);
  check(status.size > 0, 'IMAGE_UNREADABLE', `${must} 0 bytes in ${path}; copy it again`);
  const limit = `${where}: an image file may have ${MAX_FILE_BYTES} bytes, got ${status.size} in ${path}; shrink it first`;
  check(status.size <= MAX_FILE_BYTES, 'IMAGE_TOO_LARGE', limit);
}

function fileError(path: string, where: string, cause: unknown): TmcaError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'an error';
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new TmcaError('FILE_NOT_FOUND', `${where}: the image must exist, got no file ${path}; check the path`, {
      cause,
    });
  }
  const message = `${where}: the image must be readable, got ${code} for ${path}; check its permissions`;
  return new TmcaError('FILE_UNREADABLE', message, { cause });
}

const wordsOf = ({ buffer, byteOffset, byteLength }: Buffer): Uint16Array =>
  new Uint16Array(buffer, byteOffset, byteLength / 2);

/** What of a header is asked for here. */
type Header = Pick<Metadata, 'space' | 'depth' | 'width' | 'height' | 'channels' | 'orientation'> & {
  readonly format: string;
};

/** What of a damaged file is passed over: nothing that the decoder warns of, or its warnings. */
type Tolerance = 'none' | 'warnings';

interface OpenedImage {
  image(tolerance: Tolerance): Sharp;
  readonly metadata: Header;
  readonly notes: readonly FileNote[];
}

/** Looks at the header and decides how to read on. The bytes are given, not the path, which libvips would cache. */
async function openImage(bytes: Buffer, path: string, where: string, maxPixels: number): Promise<OpenedImage> {
  const foreign = foreignKind(bytes);
  if (foreign) throw unreadable(path, where, `got ${foreign.name}`, foreign.todo);
  if (isBmp(bytes)) return openBmp(bytes, path, where, maxPixels);
  return openSharp(isJpeg(bytes) ? mendJpeg(bytes) : bytes, path, where, maxPixels);
}

async function openBmp(bytes: Buffer, path: string, where: string, maxPixels: number): Promise<OpenedImage> {
  const header = parseBmp(bytes);
  if (typeof header === 'string') throw unreadable(path, where, `got ${header}`, 'save it again, or as PNG');
  const { width, height, channels } = header;
  checkPixels(width, height, path, where, maxPixels);
  const sharp = await loadSharp();
  const pixels = bmpPixels(bytes, header);
  const image = () => sharp(pixels, { raw: { width, height, channels }, limitInputPixels: false });
  const space = channels === 1 ? 'b-w' : 'srgb';
  return { image, metadata: { format: 'bmp', space, depth: 'uchar', width, height, channels }, notes: [] };
}

function checkPixels(width: number, height: number, path: string, where: string, maxPixels: number): void {
  const size = `got ${width} x ${height} in ${path}`;
  const fits = width * height <= maxPixels;
  check(fits, 'IMAGE_TOO_LARGE', `${where}: an image may have ${maxPixels} pixels, ${size}; shrink it first`);
}

async function openSharp(bytes: Buffer, path: string, where: string, maxPixels: number): Promise<OpenedImage> {
  const sharp = await loadSharp();
  let metadata: Metadata;
  try {
    metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
  } catch (cause) {
    throw unreadable(path, where, `got ${reason(cause)}`, `it is damaged or no image (${FORMATS_TEXT})`, cause);
  }
  const { format, width, height, pages = 1 } = metadata;
  if (!FORMATS.has(format)) throw unreadable(path, where, `got ${format}`, `convert it to ${FORMATS_TEXT}`);
  checkPixels(width, height, path, where, maxPixels);
  const options: SharpOptions = {
    autoOrient: true,
    ignoreIcc: metadata.space !== 'cmyk',
    limitInputPixels: false,
    page: 0,
    pages: 1,
    // Damaged JPEG data is a mere warning to libvips, and the rest of the picture grey; harmless oddities are mended before
    // (jpeg.ts). In other formats warnings are about colour profiles and the like.
    failOn: 'error',
  };
  const strict: SharpOptions = { ...options, failOn: format === 'jpeg' ? 'warning' : 'error' };
  const notes = pages > 1 ? [{ file: path, text: `only the first of ${pages} frames or pages is used` }] : [];
  return { image: tolerance => sharp(bytes, tolerance === 'none' ? strict : options), metadata, notes };
}

/** The decoder tells its first warning alone; before the end marker, all that comes before it was decoded without one. */
const ONLY_AT_END = /^"[^;]*\d+ extraneous bytes before marker 0xd9"$/;

async function toRaw(
  open: (tolerance: Tolerance) => Sharp,
  depth: keyof typeof STORED,
  path: string,
  where: string,
  tolerance: Tolerance = 'none',
): Promise<{ readonly data: Buffer<ArrayBuffer>; readonly info: OutputInfo }> {
  try {
    return await open(tolerance).raw({ depth }).toBuffer({ resolveWithObject: true });
  } catch (cause) {
    if (tolerance === 'none' && ONLY_AT_END.test(reason(cause))) return toRaw(open, depth, path, where, 'warnings');
    throw unreadable(path, where, `got ${reason(cause)}`, 'it is damaged or cut off: copy it again', cause);
  }
}

function unreadable(path: string, where: string, got: string, hint: string, cause?: unknown): TmcaError {
  return new TmcaError('IMAGE_UNREADABLE', `${where}: ${path} must be a whole image, ${got}; ${hint}`, { cause });
}

/** libvips reports over several lines and says some things twice. */
function reason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  const lines = text.split('\n').map(line => line.trim());
  return `"${[...new Set(lines)].filter(Boolean).join('; ')}"`;
}
