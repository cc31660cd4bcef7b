// Pixels to network input: resize as Pillow does, then normalise. The image passes through wasm memory in bands of rows,
// so 100 megapixels need no more of it than one does.

import { check } from '../errors/index.js';
import type { Pointer } from './exports.js';
import type { Assembly } from './instance.js';

/** Decoded pixels, row by row, 8 bits a channel: grey (1), RGB (3) or RGBA (4). */
export interface PixelData {
  readonly data: Uint8Array | Uint8ClampedArray;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
}

/** In the order of the module's numbers (`assembly/src/normalise.ts`). */
const NORMALIZE = ['zscore', 'imagenet', 'none'] as const;

/**
 * `zscore`: per image and channel, (x - mean) / (std + 1e-6), population std over all pixels. `imagenet`: (x / 255 - mean)
 * / std of ImageNet. `none`: x / 255.
 */
export type Normalize = (typeof NORMALIZE)[number];

export interface PreprocessOptions {
  /** Side of the square output. The aspect is not kept. */
  readonly size: number;
  readonly normalize: Normalize;
  /** `f16` gives the bits of halves in a Uint16Array. */
  readonly dtype?: 'f32' | 'f16';
  /** [size, size, 3] (the default) or [3, size, size]. */
  readonly layout?: 'nhwc' | 'nchw';
}

/** Longest side of an image and of the output. Weight tables grow with the first, the pixels with the second squared. */
const MAX_SIDE = 1 << 20;
const MAX_SIZE = 4096;

/** In bytes: what varies less says nothing, and normalised it would be noise made large. */
export const FLAT = 2;

/** Rows are handed over in bands of about this many bytes: enough to amortise a call, small enough for a cache. */
const BAND_BYTES = 1 << 18;

interface Plan {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bandRows: number;
  readonly address: Pointer;
}

/**
 * Resizes to `size` x `size`, bilinear, antialiased when shrinking, bit for bit as Pillow's `Image.resize(BILINEAR)` on the
 * same pixels (alpha composited over black, grey repeated), and normalises. Weights are kept for the last shape, so
 * the frames of a video pay for them once.
 *
 * Whole images: `run`. Images that arrive in rows: `begin`, then `push(rows)` until all rows are in, then `finish()`. All results
 * are one array of the preprocessor's, which its next image overwrites: copy what must last longer.
 *
 * @example
 * using preprocessor = new Preprocessor(await loadAssembly(), { size: 224, normalize: 'zscore' });
 * const input = preprocessor.run({ data, width: 1920, height: 1080, channels: 4 }); // Float32Array [224, 224, 3]
 */
export class Preprocessor {
  readonly #assembly: Assembly;
  readonly #options: Required<PreprocessOptions>;
  readonly #input: Float32Array | Uint16Array;
  #out: Pointer;
  #plan: Plan | undefined;
  #rows = 0;
  #deviation = 0;

  /** Errors: BAD_ARGUMENT, OUT_OF_MEMORY. */
  constructor(assembly: Assembly, options: PreprocessOptions) {
    const { size, normalize } = options;
    const whole = Number.isInteger(size) && size >= 1 && size <= MAX_SIZE;
    check(whole, 'BAD_ARGUMENT', `Preprocessor: size must be an integer in 1..${MAX_SIZE}, got ${size}`);
    const known = NORMALIZE.includes(normalize);
    check(known, 'BAD_ARGUMENT', `Preprocessor: normalize must be one of ${NORMALIZE.join(', ')}, got ${normalize}`);
    this.#assembly = assembly;
    this.#options = { dtype: 'f32', layout: 'nhwc', ...options };
    this.#input = new (this.#options.dtype === 'f16' ? Uint16Array : Float32Array)(size * size * 3);
    this.#out = assembly.alloc(this.#input.byteLength, 'Preprocessor');
  }

  /** Resizes and normalises a whole image. Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE, OUT_OF_MEMORY, DISPOSED. */
  run(image: PixelData): Float32Array | Uint16Array {
    const { data, width, height, channels } = image;
    const { bandRows } = this.#begin(width, height, channels);
    const stride = width * channels;
    const whole = data.length === stride * height;
    check(whole, 'BAD_ARGUMENT', () => {
      return `Preprocessor.run: data must hold ${width} x ${height} x ${channels} bytes, got ${data.length}`;
    });
    for (let y = 0; y < height; y += bandRows) {
      this.push(data.subarray(y * stride, Math.min(height, y + bandRows) * stride));
    }
    return this.finish();
  }

  /** Starts an image whose rows will be pushed. Returns how many rows a band holds. Errors: as `run`. */
  begin(width: number, height: number, channels: 1 | 3 | 4): number {
    return this.#begin(width, height, channels).bandRows;
  }

  /** Takes the image's next rows: u8 [rows, width, channels]. Errors: BAD_ARGUMENT where they are no whole rows, or too many. */
  push(data: PixelData['data']): void {
    const { address, bandRows, width, height, channels } = this.#current('push');
    const limit = Math.min(bandRows, height - this.#rows);
    const rows = data.length / (width * channels);
    const fits = Number.isInteger(rows) && rows <= limit;
    check(fits, 'BAD_ARGUMENT', `Preprocessor.push: rows must be whole and at most ${limit}, got ${rows}`);
    this.#assembly.write(this.#assembly.exports.resizeBand(address) >>> 0, data);
    this.#assembly.exports.resizeRows(address, rows);
    this.#rows += rows;
  }

  /** The input of the network, once all rows are in; the next image needs a new `begin`. Errors: BAD_ARGUMENT. */
  finish(): Float32Array | Uint16Array {
    const { address, height } = this.#current('finish');
    const complete = this.#rows === height;
    check(complete, 'BAD_ARGUMENT', `Preprocessor.finish: all ${height} rows must be pushed, got ${this.#rows}`);
    const { normalize, dtype, layout } = this.#options;
    const [planar, half] = [Number(layout === 'nchw'), Number(dtype === 'f16')];
    this.#assembly.exports.normalise(address, NORMALIZE.indexOf(normalize), planar, half, this.#out);
    this.#deviation = this.#assembly.exports.largestDeviation();
    this.#rows = -1;
    return this.#assembly.read(this.#out, this.#input);
  }

  /** Whether the last image has nothing to see: each channel's standard deviation is under 2/255, at the network's size. */
  get isFlat(): boolean {
    return this.#deviation < FLAT;
  }

  /** The largest standard deviation of a channel of the last image, 0..255, at the network's size. */
  get deviation(): number {
    return this.#deviation;
  }

  /** Frees everything. Twice is fine. */
  dispose(): void {
    this.#release();
    if (this.#out) this.#assembly.free(this.#out);
    this.#out = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #begin(width: number, height: number, channels: number): Plan {
    check(this.#out, 'DISPOSED', 'Preprocessor: must not be used after dispose(); make a new one');
    checkImage(width, height, channels, 'Preprocessor');
    const last = this.#plan;
    this.#rows = 0;
    if (last && last.width === width && last.height === height && last.channels === channels) {
      this.#assembly.exports.restartResize(last.address);
      return last;
    }
    this.#release();
    const bandRows = Math.max(1, Math.min(height, Math.floor(BAND_BYTES / (width * channels))));
    const { size } = this.#options;
    // The pixels, the band, and of each axis three weight tables [size, taps] of 16 bits, with some 2 * side / size taps; twice as many
    // rows.
    const taps = (side: number) => 2 * Math.ceil(Math.max(1, side / size)) + 8;
    const tables = 6 * size * (taps(width) + taps(height));
    const bytes = size * size * 3 + bandRows * width * channels + tables + 2 * taps(height) * (size * 3 + 20);
    const create = () => this.#assembly.exports.createResize(width, height, channels, size, bandRows);
    const address = this.#assembly.guard(bytes, 'Preprocessor', create) >>> 0;
    this.#plan = { width, height, channels, bandRows, address };
    return this.#plan;
  }

  #current(method: string): Plan {
    check(this.#out, 'DISPOSED', 'Preprocessor: must not be used after dispose(); make a new one');
    const plan = this.#plan;
    check(
      plan && this.#rows >= 0,
      'BAD_ARGUMENT',
      `Preprocessor.${method}: an image must be begun; call begin() first`,
    );
    return plan;
  }

  #release(): void {
    if (this.#plan) this.#assembly.exports.freeResize(this.#plan.address);
    this.#plan = undefined;
  }
}

/** Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE. */
export function checkImage(width: number, height: number, channels: number, where: string): void {
  const sides = Number.isInteger(width) && Number.isInteger(height) && width >= 1 && height >= 1;
  check(sides, 'BAD_ARGUMENT', `${where}: an image must be at least 1 x 1, got ${width} x ${height}`);
  const known = channels === 1 || channels === 3 || channels === 4;
  check(known, 'BAD_ARGUMENT', `${where}: channels must be 1, 3 or 4, got ${channels}; convert the image first`);
  const fits = width <= MAX_SIDE && height <= MAX_SIDE;
  const message = `${where}: sides must be at most ${MAX_SIDE}, got ${width} x ${height}; shrink or crop the image`;
  check(fits, 'IMAGE_TOO_LARGE', message);
}

/**
 * Nearest-neighbour resize of one byte a pixel, as Pillow's `Image.resize(NEAREST)`: for masks. In TypeScript, because it
 * reads `toWidth * toHeight` bytes in all; copying the source into wasm memory would cost more.
 *
 * Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE.
 */
export function resizeNearest(
  mask: Uint8Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): Uint8Array<ArrayBuffer> {
  checkImage(width, height, 1, 'resizeNearest');
  checkImage(toWidth, toHeight, 1, 'resizeNearest');
  const whole = mask.length === width * height;
  check(whole, 'BAD_ARGUMENT', `resizeNearest: mask must hold ${width} x ${height} bytes, got ${mask.length}`);
  const columns = nearest(width, toWidth);
  const rows = nearest(height, toHeight);
  const out = new Uint8Array(toWidth * toHeight);
  let o = 0;
  for (const y of rows) for (const x of columns) out[o++] = mask[y * width + x]!;
  return out;
}

/** Source positions floor((i + 0.5) * scale), summed up step by step as in Pillow's Geometry.c, for the same roundings. */
function nearest(from: number, to: number): Int32Array {
  const scale = from / to;
  const positions = new Int32Array(to);
  let x = scale * 0.5;
  for (let i = 0; i < to; i++, x += scale) positions[i] = Math.min(Math.floor(x), from - 1);
  return positions;
}
