// What callers give, checked where it enters the package: the page's Segmenter and Node's sessions refuse the same, in the same
// words. What is right is copied, so that the picture is that of the moment of the call.

import { checkArgument, checkOptions } from '../errors/arguments.js';
import { check } from '../errors/index.js';
import { checkSize } from './browser/worker/shipment.js';
import { DEVICES } from './engines/names.js';
import type { Pixels, SegmentOptions } from './types.js';

const CHOICES = {
  device: DEVICES,
  dtype: ['auto', 'fp32', 'fp16', 'int8'],
  integrity: ['auto', 'required'],
  store: ['auto', 'off'],
} as const;

/** Errors: BAD_ARGUMENT. */
export function checkChoices(chosen: { readonly [name in keyof typeof CHOICES]?: unknown }, where: string): void {
  for (const [name, of] of Object.entries(CHOICES)) {
    const got = chosen[name as keyof typeof CHOICES];
    check(
      got === undefined || of.some(choice => choice === got),
      'BAD_ARGUMENT',
      () =>
        `${where}: ${name} must be ${of.slice(0, -1).join(', ')} or ${of.at(-1)}, got ${got}; leave it out for auto`,
    );
  }
}

/** A copy of pixels that are right. Errors: BAD_ARGUMENT, IMAGE_TOO_LARGE. */
export function takePixels({ data, width, height, channels }: Pixels): Pixels & { readonly data: Uint8Array } {
  const whole = Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0;
  check(
    whole,
    'BAD_ARGUMENT',
    () => `segment: width and height must be positive integers, got ${width}x${height}; pass an image with pixels`,
  );
  check(
    [1, 3, 4].includes(channels),
    'BAD_ARGUMENT',
    () => `segment: channels must be 1, 3 or 4, got ${channels}; pass grey, RGB or RGBA`,
  );
  checkSize(width, height);
  check(
    isBytes(data),
    'BAD_ARGUMENT',
    () => `segment: data must be 8-bit pixels, got ${kindOf(data)}; convert them to Uint8Array`,
  );
  const need = width * height * channels;
  check(
    data.length === need,
    'BAD_ARGUMENT',
    `segment: data must hold width x height x channels = ${need} bytes, got ${data.length}; pass whole rows`,
  );
  // Not `slice`, which shares the memory of a Node Buffer.
  return { data: new Uint8Array(data), width, height, channels };
}

/** The numbers of the options, where they are given and right. Errors: BAD_ARGUMENT. */
export function takeOptions(options: SegmentOptions, where = 'segment'): Pick<SegmentOptions, 'threshold' | 'minArea'> {
  checkOptions(where, options, { signal: 'AbortSignal' });
  const { threshold, minArea } = options;
  for (const [name, value] of Object.entries({ threshold, minArea }))
    check(
      value === undefined || (typeof value === 'number' && value >= 0 && value <= 1),
      'BAD_ARGUMENT',
      () => `${where}: ${name} must be a number within 0 and 1, got ${value}; leave it out for the usual one`,
    );
  return { ...(threshold !== undefined && { threshold }), ...(minArea !== undefined && { minArea }) };
}

/** Errors: BAD_ARGUMENT. */
export function checkPolicy(policy: unknown, where: string): void {
  check(
    policy === undefined || policy === 'latest',
    'BAD_ARGUMENT',
    () => `${where}: policy must be latest, got ${policy}; leave it out for the usual one`,
  );
}

/** Errors: BAD_ARGUMENT, TEXT_EMPTY. */
export function checkText(text: string, options: { readonly signal?: AbortSignal }): void {
  checkArgument('encodeReport', 'the text', text, 'string', 'pass a sentence');
  checkOptions('encodeReport', options, { signal: 'AbortSignal' });
  check(
    text.trim() !== '',
    'TEXT_EMPTY',
    'encodeReport: the text must have at least one word, got none; describe the finding',
  );
}

/** Bytes of another frame of the page are of another class. */
const isBytes = (data: unknown): boolean =>
  /^\[object Uint8(Clamped)?Array\]$/.test(Object.prototype.toString.call(data));

export function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value === 'object' ? (value.constructor?.name ?? 'an object') : typeof value;
}
