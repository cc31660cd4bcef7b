// What the values of a mask file mean. People store masks in many ways; some say clearly where the lesion is, and others leave it
// open. The rule:
//
// 1. Alpha. One that is the same everywhere says nothing. Else what is transparent is background; and where all that is opaque has
//    one colour, the alpha channel itself is the mask.
// 2. A pixel's value is its largest channel.
// 3. Two values, 0 and another one, whatever that is: the other one is the lesion (0 and 1, 128, 255, 65535, 1.0).
// 4. More values: black and white with smoothed edges or the noise of JPEG. Nearly all pixels lie within an eighth of the range
//    from its ends or on an edge, with black and white within three pixels; and what lies between fills no even areas. White is the type's largest value, or the file's where that is
//    far below it.
// 5. Anything else is refused: labels (0, 1, 2), a soft map, no black background. Which of them are lesions only their owner knows.
//    Lesions in several colours are refused too, unless these are the pure ones at full brightness, as BKAI-IGH NeoPolyp is published
//    (red and green polyps): then all are lesions, and a note says so.

/** Values as they are stored. */
export interface MaskSamples {
  /** [height, width, channels]; of an even number of channels the last is alpha. */
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  /** Value of white in this type; null where the type has none (floats, 32 bits). */
  readonly full: number | null;
  /** From a format that changes values a little: no exact ones are to be expected. */
  readonly lossy?: boolean;
}

export type JudgedMask =
  | {
      /** [height, width], 1 where there is a lesion. */
      readonly foreground: Uint8Array;
      /** What was taken for granted: one sentence each, the same for the same thing. */
      readonly notes: readonly string[];
    }
  /** What is wrong with it, as in "a mask must …, got FAULT". */
  | { readonly fault: string };

/** What lies within this share of the range from black or white counts as such. */
const NOISE = 1 / 8;
/** Share of pixels that may be neither, nor an edge between them. */
const GREY_SHARE = 0.02;
/** An edge has black and white within so many pixels. */
const EDGE_REACH = 3;
/** Below this value there is no room for smoothing: values are labels. */
const LEAST_WHITE = 32;
/** Up to so many values are looked at as possible labels. */
const FEW = 8;
/** Pixels inside even areas of neither black nor white beyond which these are a label: smoothing and JPEG leave hardly any. */
const EVEN_PIXELS = 8;
/** Share of white by which the black that JPEG leaves may vary between even areas. */
const BLACK = 1 / 32;
/** Share of the lesion that may have another colour: edges whose colours JPEG mixed. */
const COLOUR_SHARE = 0.02;
/** Share of the picture's border from which on a lesion looks like the background. */
const BORDER_SHARE = 0.95;
const LARGEST = 65535;

/** See the head of this file. */
export function judgeMask(samples: MaskSamples): JudgedMask {
  const notes: string[] = [];
  const whole = wholeNumbers(samples);
  if (typeof whole === 'string') return { fault: whole };
  const flat = flatten(whole, notes);
  const white = whiteOf(flat, samples.lossy ?? false, notes);
  if (typeof white === 'string') return { fault: white };
  const foreground = new Uint8Array(flat.values.length);
  for (let i = 0; i < foreground.length; i++) foreground[i] = flat.values[i]! > white / 2 ? 1 : 0;
  const coloured = flat.coloured ? coloursFault(whole, foreground, white, notes) : null;
  if (coloured) return { fault: coloured };
  if (looksInverted(foreground, samples.width, samples.height)) {
    notes.push(
      'the lesion covers the border of the picture; a lesion is white on black, so look whether it is inverted',
    );
  }
  return { foreground, notes };
}

interface Whole {
  readonly data: ArrayLike<number>;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly full: number;
}

/** Floats and 32-bit integers brought to 0..65535, or what is wrong with them. */
function wholeNumbers({ data, width, height, channels, full }: MaskSamples): Whole | string {
  if (full !== null) return { data, width, height, channels, full };
  let [most, fractions] = [0, false];
  for (let i = 0; i < data.length; i++) {
    const value = data[i]!;
    // NaN too
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) return `the value ${value}`;
    if (value > most) most = value;
    fractions ||= !Number.isInteger(value);
  }
  const white = most <= 1 ? 1 : most <= 255 ? 255 : LARGEST;
  if (!fractions && most <= LARGEST) return { data, width, height, channels, full: white };
  const scale = LARGEST / (most <= 1 ? 1 : most);
  return { data: Uint16Array.from(data, value => Math.round(value * scale)), width, height, channels, full: LARGEST };
}

/** One value a pixel. */
interface Flat {
  readonly values: Uint16Array;
  readonly width: number;
  readonly full: number;
  /** The values are those of colours. */
  readonly coloured: boolean;
}

function flatten(whole: Whole, notes: string[]): Flat {
  const { data, width, height, channels, full } = whole;
  const pixels = width * height;
  const coloured = channels > 2;
  const alpha = channels % 2 === 0 ? channels - 1 : null;
  let visible: ((pixel: number) => boolean) | null = null;
  if (alpha !== null) {
    const [least, most] = rangeOf(pixels, i => data[i * channels + alpha]!);
    if (least < most) {
      if (isOneColour(whole, alpha, most)) {
        notes.push('the mask is in the alpha channel: what is not transparent is read as the lesion');
        const values = Uint16Array.from({ length: pixels }, (_, i) => data[i * channels + alpha]!);
        return { values, width, full, coloured: false };
      }
      notes.push('transparent pixels are read as background');
      visible = pixel => data[pixel * channels + alpha]! > most / 2;
    }
  }
  const values = new Uint16Array(pixels);
  for (let i = 0; i < pixels; i++) {
    if (visible && !visible(i)) continue;
    for (let c = 0; c < (coloured ? 3 : 1); c++) {
      const value = data[i * channels + c]!;
      if (value > values[i]!) values[i] = value;
    }
  }
  return { values, width, full, coloured };
}

function rangeOf(length: number, at: (i: number) => number): [least: number, most: number] {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < length; i++) {
    const value = at(i);
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return [least, most];
}

/** Whether all that is opaque has the same colour, nearly. */
function isOneColour({ data, width, height, full }: Whole, alpha: number, opaque: number): boolean {
  const channels = alpha + 1;
  for (let c = 0; c < alpha; c++) {
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < width * height; i++) {
      if (data[i * channels + alpha] !== opaque) continue;
      const value = data[i * channels + c]!;
      if (value < least) least = value;
      if (value > most) most = value;
    }
    if (most - least > full / 32) return false;
  }
  return true;
}

/** The value of white, or what is wrong: rules 3 to 5. */
function whiteOf(flat: Flat, lossy: boolean, notes: string[]): number | string {
  const { values, full } = flat;
  const counts = new Uint32Array(LARGEST + 1);
  for (const value of values) counts[value]!++;
  const levels: number[] = [];
  for (let value = 0; value <= LARGEST; value++) if (counts[value]! > 0) levels.push(value);
  const [least, most] = [levels[0]!, levels.at(-1)!];
  if (levels.length === 1) {
    if (least === 0 || least === full) return full;
    return `the value ${least} everywhere, which does not say whether that is lesion or background`;
  }
  const told = (white: number) => {
    if (white < (1 - NOISE) * full)
      notes.push(`its values are 0 to ${white}, not to ${full}: ${white} is read as the lesion`);
    return white;
  };
  if (levels.length === 2 && least === 0) return told(most);
  const list = `the values ${levels.slice(0, FEW).join(', ')}${levels.length > FEW ? ', …' : ''}`;
  if (most < LEAST_WHITE) return `${list}: labels, of which it is not known which are lesions`;
  const white = most >= (1 - NOISE) * full ? full : most;
  const [dark, bright] = [white * NOISE, white * (1 - NOISE)];
  if (least > dark) return `no black: its darkest value is ${least}`;
  const few = levels.length <= FEW;
  if (few && labelsIn(flat, levels, bright, lossy ? dark : least))
    return `${list}: labels, of which it is not known which are lesions`;
  const share = greyPixels(flat, dark, bright) / values.length;
  if (share > GREY_SHARE)
    return `${(100 * share).toFixed(1)} % of it neither black nor white, nor an edge between them`;
  const even =
    evenPixels(flat, value => value > dark && value < bright, white / 128, 1) +
    evenPixels(flat, value => value >= least + white * BLACK && value <= dark, white / 128, 2);
  if (even > EVEN_PIXELS) return 'even grey areas: labels, of which it is not known which are lesions';
  return told(white);
}

/** Whether a value between `above` and `bright` fills an area. A dark one must fill a larger one: the noise of JPEG has small ones. */
function labelsIn(flat: Flat, levels: readonly number[], bright: number, above: number): boolean {
  const between = levels.filter(level => level > above && level < bright);
  return between.some(level => {
    const isDark = level <= bright / 7;
    return evenPixels(flat, value => value === level, 0, isDark ? 2 : 1) > 0;
  });
}

/** Pixels that are neither black nor white, without those of edges: with black and white within reach. */
function greyPixels({ values, width }: Flat, dark: number, bright: number): number {
  const height = values.length / width;
  let count = 0;
  for (let i = 0; i < values.length; i++) {
    if (values[i]! <= dark || values[i]! >= bright) continue;
    const [x, y] = [i % width, Math.floor(i / width)];
    const [least, most] = rangeAround(values, width, height, x, y);
    if (least > dark || most < bright) count++;
  }
  return count;
}

function rangeAround(values: Uint16Array, width: number, height: number, x: number, y: number): [number, number] {
  let [least, most] = [LARGEST, 0];
  const right = Math.min(width - 1, x + EDGE_REACH);
  for (let j = Math.max(0, y - EDGE_REACH); j <= Math.min(height - 1, y + EDGE_REACH); j++) {
    for (let i = Math.max(0, x - EDGE_REACH); i <= right; i++) {
      const value = values[j * width + i]!;
      if (value < least) least = value;
      if (value > most) most = value;
    }
  }
  return [least, most];
}

/** Pixels whose whole neighbourhood, `radius` to each side, differs from them by `tolerance` at most. */
function evenPixels(
  { values, width }: Flat,
  which: (value: number) => boolean,
  tolerance: number,
  radius: number,
): number {
  const height = values.length / width;
  let count = 0;
  for (let y = radius; y < height - radius; y++) {
    for (let x = radius; x < width - radius; x++) {
      const value = values[y * width + x]!;
      if (which(value) && isEven(values, width, x, y, tolerance, radius)) count++;
    }
  }
  return count;
}

function isEven(values: Uint16Array, width: number, x: number, y: number, tolerance: number, radius: number): boolean {
  const value = values[y * width + x]!;
  for (let j = y - radius; j <= y + radius; j++) {
    for (let i = x - radius; i <= x + radius; i++) {
      if (Math.abs(values[j * width + i]! - value) > tolerance) return false;
    }
  }
  return true;
}

/** Lesions of several colours: a note, or what is wrong. */
function coloursFault(
  { data, channels, full }: Whole,
  foreground: Uint8Array,
  white: number,
  notes: string[],
): string | null {
  // by which of red, green and blue are bright
  const counts = new Array<number>(8).fill(0);
  let pixels = 0;
  for (let i = 0; i < foreground.length; i++) {
    if (foreground[i] === 0) continue;
    let kind = 0;
    for (let c = 0; c < 3; c++) if (data[i * channels + c]! > white / 2) kind |= 1 << c;
    counts[kind]!++;
    pixels++;
  }
  if (pixels - Math.max(...counts) <= COLOUR_SHARE * pixels) return null;
  if (pixels === foreground.length)
    return 'no black: several bright colours, of which it is not known which are lesions';
  if (white !== full) return 'several colours: labels, of which it is not known which are lesions';
  notes.push('it has several colours, and all of them are read as lesions');
  return null;
}

function looksInverted(foreground: Uint8Array, width: number, height: number): boolean {
  let [border, marked] = [0, 0];
  for (let y = 0; y < height; y++) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1);
    for (let x = 0; x < width; x += step) {
      border++;
      marked += foreground[y * width + x]!;
    }
  }
  return marked >= BORDER_SHARE * border;
}
