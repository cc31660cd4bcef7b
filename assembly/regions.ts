// From the network's map to the source's mask and its lesions.

import { check } from '../errors/index.js';
import { checkMask, checkSize, eachBand } from './bands.js';
import type { Pointer } from './exports.js';
import { holeStarts } from './holes.js';
import type { Assembly } from './instance.js';

/** One 8-connected component of a mask. */
export interface Region {
  /** Mean probability over its pixels; 1 where only a mask is known. */
  readonly score: number;
  /** x, y, width, height. */
  readonly box: readonly [number, number, number, number];
  /** Pixels. */
  readonly area: number;
  /** Outer contour: x0, y0, x1, y1, … along pixel centres, counter-clockwise on a screen, closed implicitly. */
  readonly contour: Int32Array<ArrayBuffer>;
  /** Contour of each hole in the same form, along the component's pixels round it, clockwise on a screen; top to bottom. */
  readonly holes: readonly Int32Array<ArrayBuffer>[];
}

export interface MaskOptions {
  /** Probability from which a pixel is set; 0.5 if not given. */
  readonly threshold?: number;
  /** The map holds logits: a sigmoid comes first. */
  readonly logits?: boolean;
}

export interface RegionOptions {
  /** Components of a smaller share of the mask's pixels are left out; 0 if not given. */
  readonly minArea?: number;
}

export interface Found {
  /** Largest first. */
  readonly regions: Region[];
  /** What was smaller than `minArea`: how many, and their pixels together. */
  readonly omitted: { readonly count: number; readonly area: number };
}

export interface Regions extends Found {
  /** u8 [height, width], 0 or 1: the pixels of `regions`, and no others. */
  readonly mask: Uint8Array<ArrayBuffer>;
}

/**
 * Enlarges a probability map (or logits) [size, size] to [height, width], bilinear as PyTorch's `align_corners=False`, and
 * thresholds it. Needs wasm memory for some rows only.
 *
 * Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE, MODEL_NOT_FINITE (a NaN in the map), OUT_OF_MEMORY.
 */
export function upsampleMask(
  assembly: Assembly,
  map: Float32Array,
  size: number,
  width: number,
  height: number,
  options: MaskOptions = {},
): Uint8Array<ArrayBuffer> {
  const where = 'upsampleMask';
  const threshold = checkThreshold(options.threshold, where);
  const mask = newMask(width, height, where);
  withMap(assembly, map, size, width, height, options, where, upsample => {
    eachBand(assembly, width, height, where, (y, rows, band) => {
      assembly.exports.maskRows(upsample, y, rows, threshold, band);
      assembly.read(band, mask.subarray(y * width, (y + rows) * width));
    });
  });
  return mask;
}

/**
 * As `upsampleMask`, and the mask's components in the same pass. Needs a bit of wasm memory a pixel, and 40 bytes a component.
 *
 * @example
 * const { mask, regions } = segmentRegions(assembly, probability, 224, 1920, 1080, { threshold: 0.5 });
 */
export function segmentRegions(
  assembly: Assembly,
  map: Float32Array,
  size: number,
  width: number,
  height: number,
  options: MaskOptions & RegionOptions = {},
): Regions {
  const where = 'segmentRegions';
  const threshold = checkThreshold(options.threshold, where);
  const mask = newMask(width, height, where);
  const { small, ...found } = withMap(assembly, map, size, width, height, options, where, upsample =>
    collect(assembly, mask, width, height, options, where, (components, y, rows, band) => {
      assembly.exports.segmentRows(components, upsample, y, rows, threshold, band);
      assembly.read(band, mask.subarray(y * width, (y + rows) * width));
    }),
  );
  for (const at of small) erase(mask, width, at);
  return { mask, ...found };
}

/** Clears the component that a pixel of a mask belongs to. */
function erase(mask: Uint8Array, width: number, first: number): void {
  const todo = [first];
  mask[first] = 0;
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    const x = at % width;
    for (const row of [at - width, at, at + width])
      for (let to = row - (x > 0 ? 1 : 0); to <= row + (x < width - 1 ? 1 : 0); to++)
        if (mask[to]) {
          mask[to] = 0;
          todo.push(to);
        }
  }
}

/** The components of a mask in which any byte but 0 is set, largest first. Errors: as `upsampleMask`. */
export function findRegions(
  assembly: Assembly,
  mask: Uint8Array,
  width: number,
  height: number,
  options: RegionOptions = {},
): Region[] {
  const where = 'findRegions';
  checkMask(mask, width, height, where);
  return collect(assembly, mask, width, height, options, where, (components, y, rows, band) => {
    assembly.write(band, mask.subarray(y * width, (y + rows) * width));
    assembly.exports.componentRows(components, y, rows, band);
  }).regions;
}

function checkThreshold(threshold = 0.5, where: string): number {
  const valid = threshold >= 0 && threshold <= 1;
  check(valid, 'BAD_ARGUMENT', `${where}: threshold must be in 0..1, got ${threshold}`);
  return threshold;
}

function newMask(width: number, height: number, where: string): Uint8Array<ArrayBuffer> {
  checkSize(width, height, where);
  return new Uint8Array(width * height);
}

function withMap<T>(
  assembly: Assembly,
  map: Float32Array,
  size: number,
  width: number,
  height: number,
  options: MaskOptions,
  where: string,
  use: (upsample: Pointer) => T,
): T {
  const square = Number.isInteger(size) && size >= 1 && map.length === size * size;
  check(square, 'BAD_ARGUMENT', `${where}: map must be square, got ${map.length} values for a size of ${size}`);
  const { exports } = assembly;
  const create = () => exports.createUpsample(size, width, height);
  const upsample = assembly.guard(size * size * 4 + width * 20, where, create) >>> 0;
  try {
    assembly.write(exports.upsampleMap(upsample) >>> 0, map);
    const numbers = exports.prepareMap(upsample, Number(options.logits ?? false)) !== 0;
    check(
      numbers,
      'MODEL_NOT_FINITE',
      `${where}: map must hold numbers, got NaN; check the model's weights and precision`,
    );
    return use(upsample);
  } finally {
    exports.freeUpsample(upsample);
  }
}

/** Feeds a mask's rows to the component finder by `feed`, which may fill it as well, then reads what it found. */
function collect(
  assembly: Assembly,
  mask: Uint8Array,
  width: number,
  height: number,
  options: RegionOptions,
  where: string,
  feed: (components: Pointer, y: number, rows: number, band: Pointer) => void,
): Found & { /** A pixel of each one that was left out. */ readonly small: number[] } {
  const { minArea = 0 } = options;
  const valid = minArea >= 0 && minArea <= 1;
  check(valid, 'BAD_ARGUMENT', `${where}: minArea must be in 0..1, got ${minArea}`);
  const { exports } = assembly;
  const bytes = Math.ceil(width / 32) * 4 * height + width * 12;
  const components = assembly.guard(bytes, where, () => exports.createComponents(width, height)) >>> 0;
  try {
    eachBand(assembly, width, height, where, (y, rows, band) => {
      assembly.guard(bytes, where, () => feed(components, y, rows, band));
    });
    const parts = records(assembly, components);
    const pixels = width * height;
    const large = parts.filter(({ area }) => area / pixels >= minArea);
    const small = parts.filter(({ area }) => area / pixels < minArea);
    const omitted = { count: small.length, area: small.reduce((sum, { area }) => sum + area, 0) };
    const regions = large
      .map(part => regionOf(assembly, components, mask, width, part, where))
      .sort((a, b) => b.area - a.area);
    return { regions, omitted, small: small.map(({ first: [x, y] }) => y * width + x) };
  } finally {
    exports.freeComponents(components);
    exports.freeList();
  }
}

interface Part {
  readonly score: number;
  readonly area: number;
  readonly box: Region['box'];
  /** Leftmost pixel of the topmost row. */
  readonly first: readonly [x: number, y: number];
  /** How many. */
  readonly holes: number;
}

/** Words of a record of `assembly/src/components.ts`: f64 sum, then i32 area, min x, min y, max x, max y, first x, parent, loops. */
const RECORD = 10;

function records(assembly: Assembly, components: Pointer): Part[] {
  const { exports } = assembly;
  const count = exports.finishComponents(components);
  const words = assembly.read(exports.componentRecords(components) >>> 0, new Int32Array(count * RECORD));
  const sums = new Float64Array(words.buffer);
  return Array.from({ length: count }, (_, i): Part => {
    const [area, minX, minY, maxX, maxY, firstX, , loops] = words.subarray(i * RECORD + 2) as unknown as Numbers8;
    const box = [minX, minY, maxX - minX + 1, maxY - minY + 1] as const;
    return { score: sums[(i * RECORD) / 2]! / area, area, box, first: [firstX, minY], holes: loops + 1 };
  });
}

/** Directions of `traceContour`. */
const WEST = 4;
const EAST = 0;

function regionOf(
  assembly: Assembly,
  components: Pointer,
  mask: Uint8Array,
  width: number,
  { score, box, area, first, holes }: Part,
  where: string,
): Region {
  const bitmap = assembly.exports.componentsBitmap(components) >>> 0;
  const trace = (x: number, y: number, background: number) => {
    assembly.guard((box[2] + box[3]) * 16, where, () => assembly.exports.traceContour(bitmap, x, y, background));
    return assembly.list();
  };
  const contour = trace(...first, WEST);
  // Most have none, and are not looked through for them.
  const starts = holes > 0 ? holeStarts(mask, width, box, first) : [];
  return { score, box, area, contour, holes: starts.map(([x, y]) => trace(x, y, EAST)) };
}

type Numbers8 = [number, number, number, number, number, number, number, number];
