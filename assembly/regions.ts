// From the network's map to the source's mask and its lesions.

import { check } from '../errors/index.js';
import { checkMask, checkSize, eachBand } from './bands.js';
import type { Pointer } from './exports.js';
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
}

export interface MaskOptions {
  /** Probability from which a pixel is set; 0.5 if not given. */
  readonly threshold?: number;
  /** The map holds logits: a sigmoid comes first. */
  readonly logits?: boolean;
}

export interface RegionOptions {
  /** Components of fewer pixels are left out; 1 if not given. They stay in the mask. */
  readonly minArea?: number;
}

export interface Regions {
  /** u8 [height, width], 0 or 1. */
  readonly mask: Uint8Array<ArrayBuffer>;
  /** Largest first. */
  readonly regions: Region[];
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
      mask.set(assembly.u8(band, rows * width), y * width);
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
  const regions = withMap(assembly, map, size, width, height, options, where, upsample =>
    collect(assembly, width, height, options, where, (components, y, rows, band) => {
      assembly.exports.segmentRows(components, upsample, y, rows, threshold, band);
      mask.set(assembly.u8(band, rows * width), y * width);
    }),
  );
  return { mask, regions };
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
  return collect(assembly, width, height, options, where, (components, y, rows, band) => {
    assembly.u8(band, rows * width).set(mask.subarray(y * width, (y + rows) * width));
    assembly.exports.componentRows(components, y, rows, band);
  });
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
    assembly.f32(exports.upsampleMap(upsample) >>> 0, size * size).set(map);
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

/** Feeds a mask's rows to the component finder by `rows`, then reads what it found. */
function collect(
  assembly: Assembly,
  width: number,
  height: number,
  options: RegionOptions,
  where: string,
  feed: (components: Pointer, y: number, rows: number, band: Pointer) => void,
): Region[] {
  const minArea = options.minArea ?? 1;
  const valid = Number.isInteger(minArea) && minArea >= 1;
  check(valid, 'BAD_ARGUMENT', `${where}: minArea must be an integer of at least 1, got ${minArea}`);
  const { exports } = assembly;
  const bytes = Math.ceil(width / 32) * 4 * height + width * 12;
  const components = assembly.guard(bytes, where, () => exports.createComponents(width, height)) >>> 0;
  try {
    eachBand(assembly, width, height, where, (y, rows, band) => {
      assembly.guard(bytes, where, () => feed(components, y, rows, band));
    });
    return read(assembly, components, exports.finishComponents(components, Math.min(minArea, 2 ** 31)), where);
  } finally {
    exports.freeComponents(components);
    exports.freeList();
  }
}

/** Bytes of a record of `assembly/src/components.ts`: f64 sum, then i32 area, min x, min y, max x, max y, first x. */
const RECORD = 40;

function read(assembly: Assembly, components: Pointer, count: number, where: string): Region[] {
  const { exports } = assembly;
  const bitmap = exports.componentsBitmap(components) >>> 0;
  const records = exports.componentRecords(components) >>> 0;
  const regions = Array.from({ length: count }, (_, i): Region => {
    const at = records + i * RECORD;
    const sum = assembly.f64(at, 1)[0]!;
    const [area, minX, minY, maxX, maxY, firstX] = Array.from(assembly.i32(at + 8, 6)) as Numbers6;
    assembly.guard((maxX - minX + maxY - minY) * 16, where, () => exports.traceContour(bitmap, firstX, minY));
    const box = [minX, minY, maxX - minX + 1, maxY - minY + 1] as const;
    return { score: sum / area, box, area, contour: assembly.list() };
  });
  return regions.sort((a, b) => b.area - a.area);
}

type Numbers6 = [number, number, number, number, number, number];
