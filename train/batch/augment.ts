// Augmentation: what a picture, its mask and its sentence become in one epoch. Each step is a pure function on 8-bit pixels;
// what is drawn depends on (seed, epoch, record, step) alone, so neither the order of the records nor the number of threads
// nor another step's settings change it.

import { check } from '../../errors/index.js';
import { canSwapSides, swapSides } from '../../language/mirror-words.js';
import { type Random, randomOf } from '../random.js';

/** A training example at the network's size. Steps never change their input; what they leave alone they share with it. */
export interface Sample {
  /** Side in pixels, S. */
  readonly size: number;
  /** [S, S, 3], RGB. */
  readonly picture: Uint8Array;
  /** [S, S], 0 or 1. */
  readonly mask: Uint8Array;
  readonly text: string;
}

export interface AugmentSettings {
  readonly zoom: {
    readonly probability: number;
    /** The factor is uniform in [min, max]; 1 is the picture as it is, 2 its middle quarter. */
    readonly min: number;
    readonly max: number;
  };
  /** Each factor is uniform in [1 - x, 1 + x]; 0 is off. As torchvision's ColorJitter. */
  readonly jitter: {
    readonly probability: number;
    readonly brightness: number;
    readonly contrast: number;
    readonly saturation: number;
  };
  readonly flip: { readonly probability: number };
  /** All 0: sentences as they are, but for the sides of a mirrored picture. */
  readonly text: TextSettings;
}

/**
 * The first four are shares of all texts, together at most 1; the rest are whole sentences. The others are probabilities, each
 * for itself.
 */
export interface TextSettings {
  /** No text at all. The network becomes one whose sentence is optional. */
  readonly none: number;
  /** The class word alone, such as "polyp". */
  readonly bare: number;
  /** Some of the attributes, at least one and not all: each number of them equally likely, and then each choice. */
  readonly part: number;
  /** Another record's sentence, or its own with the sides swapped: then the picture has to overrule the words. */
  readonly wrong: number;
  /** Another wording than the caption's. */
  readonly paraphrase: number;
  /** A word gives way to one of the same meaning; drawn for each word. */
  readonly synonyms: number;
  /** One slip of the keyboard. */
  readonly typos: number;
}

/** Whether sentences are told otherwise than as they are. */
export const retells = (settings: AugmentSettings | null): settings is AugmentSettings =>
  settings !== null && Object.values(settings.text).some(share => share > 0);

/** What an epoch's draw belongs to. */
export interface Draw {
  readonly seed: number;
  readonly epoch: number;
  readonly id: string;
}

/** The stream of random numbers of one step for one record in one epoch. */
export const streamOf = ({ seed, epoch, id }: Draw, step: string): Random => randomOf('augment', seed, epoch, id, step);

/**
 * The sample as this epoch sees it: zoom, then flip, then colours. What it is told is `retell`'s affair.
 *
 * @example
 * const { picture, mask, text } = augment(sample, config.augment, { seed: 1, epoch: 4, id: record.id });
 */
export function augment(sample: Sample, settings: AugmentSettings, draw: Draw): Sample {
  checkSample(sample);
  const stream = (step: string) => streamOf(draw, step);
  let result = sample;
  const size = stream('zoom');
  if (size.chance(settings.zoom.probability)) result = zoom(result, size.between(settings.zoom.min, settings.zoom.max));
  if (stream('flip').chance(settings.flip.probability) && canSwapSides(result.text)) result = flip(result);
  const colours = stream('jitter');
  if (colours.chance(settings.jitter.probability)) {
    const factor = (spread: number) => colours.between(1 - spread, 1 + spread);
    const { brightness, contrast, saturation } = settings.jitter;
    const factors = {
      brightness: factor(brightness),
      contrast: factor(contrast),
      saturation: factor(saturation),
    };
    result = jitter(result, factors);
  }
  return result;
}

/** Errors: BAD_ARGUMENT, where the arrays do not have the sample's size. */
function checkSample({ size, picture, mask }: Sample): void {
  const fits = picture.length === size * size * 3 && mask.length === size * size;
  check(fits, 'BAD_ARGUMENT', () => {
    const wanted = `${size * size * 3} bytes of picture and ${size * size} of mask`;
    return `augment: a sample of size ${size} must have ${wanted}, got ${picture.length} and ${mask.length}`;
  });
}

/** Mirrors the picture and its mask left to right, and the sentence with them. Twice gives the sample back. */
export function flip({ size, picture, mask, text }: Sample): Sample {
  const mirrored = { picture: new Uint8Array(picture.length), mask: new Uint8Array(mask.length) };
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const from = y * size + x;
      const to = y * size + (size - 1 - x);
      mirrored.mask[to] = mask[from]!;
      for (let c = 0; c < 3; c++) mirrored.picture[to * 3 + c] = picture[from * 3 + c]!;
    }
  }
  return { size, ...mirrored, text: swapSides(text) };
}

/**
 * Scales about the centre at the same size: bilinear for the picture, nearest for the mask. Below 1 the border is repeated
 * outwards in both (the predecessor's RandZoom, MONAI's padding mode `edge`). The sentence stays: the middle stays the
 * middle and no side changes.
 */
export function zoom(sample: Sample, factor: number): Sample {
  check(factor > 0 && Number.isFinite(factor), 'BAD_ARGUMENT', `zoom: factor must be above 0, got ${factor}`);
  const { size, picture, mask } = sample;
  const taps = Array.from({ length: size }, (_, i) => tap(i, size, factor));
  const zoomed = { picture: new Uint8Array(picture.length), mask: new Uint8Array(mask.length) };
  for (let y = 0, o = 0; y < size; y++) {
    const v = taps[y]!;
    for (let x = 0; x < size; x++, o++) {
      const h = taps[x]!;
      zoomed.mask[o] = mask[v.nearest * size + h.nearest]!;
      const [a, b] = [(v.low * size + h.low) * 3, (v.low * size + h.high) * 3];
      const [c, d] = [(v.high * size + h.low) * 3, (v.high * size + h.high) * 3];
      for (let k = 0; k < 3; k++) {
        const above = picture[a + k]! + (picture[b + k]! - picture[a + k]!) * h.weight;
        const below = picture[c + k]! + (picture[d + k]! - picture[c + k]!) * h.weight;
        zoomed.picture[o * 3 + k] = Math.round(above + (below - above) * v.weight);
      }
    }
  }
  return { ...sample, ...zoomed };
}

/** Where pixel `i` of the result lies in the source, pixel centres at halves: low + weight, between low and high. */
function tap(i: number, size: number, factor: number) {
  const at = (i + 0.5 - size / 2) / factor + size / 2 - 0.5;
  const clamp = (x: number) => Math.min(size - 1, Math.max(0, x));
  const low = Math.floor(at);
  return { low: clamp(low), high: clamp(low + 1), weight: at - low, nearest: clamp(Math.floor(at + 0.5)) };
}

/** Factors of `jitter`; 1 changes nothing. */
export interface ColourFactors {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
}

/** Luma of ITU-R BT.601, as in Pillow and torchvision. */
const luma = (r: number, g: number, b: number): number => 0.299 * r + 0.587 * g + 0.114 * b;

/**
 * torchvision's adjust_brightness, adjust_contrast (about the picture's mean grey) and adjust_saturation (about each pixel's
 * own grey), in this order and clamped after each; rounded once, at the end. Only the colours change.
 */
export function jitter(sample: Sample, { brightness, contrast, saturation }: ColourFactors): Sample {
  const from = sample.picture;
  // brightness and contrast treat equal bytes equally, so they are one table of 256
  const table = new Float64Array(256);
  for (let x = 0; x < 256; x++) table[x] = clampByte(x * brightness);
  const mean = meanLuma(from, table);
  for (let x = 0; x < 256; x++) table[x] = clampByte(mean + (table[x]! - mean) * contrast);
  const picture = new Uint8Array(from.length);
  for (let i = 0; i < from.length; i += 3) {
    const grey = luma(table[from[i]!]!, table[from[i + 1]!]!, table[from[i + 2]!]!);
    for (let c = i; c < i + 3; c++) {
      picture[c] = Math.round(clampByte(grey + (table[from[c]!]! - grey) * saturation));
    }
  }
  return { ...sample, picture };
}

/** Mean grey of a picture whose bytes stand for the table's values. */
function meanLuma(picture: Uint8Array, table: Float64Array): number {
  let [r, g, b] = [0, 0, 0];
  for (let i = 0; i < picture.length; i += 3) {
    r += table[picture[i]!]!;
    g += table[picture[i + 1]!]!;
    b += table[picture[i + 2]!]!;
  }
  return (luma(r, g, b) * 3) / picture.length;
}

const clampByte = (x: number): number => Math.min(255, Math.max(0, x));
