// Options of a stream, checked where they come in, with their defaults.

import { checkOptions } from '../../errors/arguments.js';
import { check } from '../../errors/index.js';
import { checkPolicy, takeOptions } from '../given.js';
import type { OverlayLook } from './live-engine.js';
import type { LiveOptions, Smoothing } from './types.js';

/** What a worker is told with each frame of a stream. */
export interface LiveSettings {
  readonly threshold: number;
  readonly minArea?: number;
  readonly maxAgeMs: number;
  readonly smoothing: Required<Smoothing>;
  readonly look: OverlayLook;
}

/** Each mask is that of its frame alone. */
export const UNSMOOTHED: Required<Smoothing> = { share: 1, appear: 1, vanish: 1 };
const USUAL: Required<Smoothing> = { share: 0.6, appear: 2, vanish: 3 };

const KINDS = { signal: 'AbortSignal', onState: 'function', maxAgeMs: 'number', paint: 'record' } as const;
const PAINT = { colour: 'array', opacity: 'number', outline: 'number' } as const;

/** Errors: BAD_ARGUMENT. */
export function takeLiveOptions(where: string, options: LiveOptions): LiveSettings {
  checkOptions(where, options, KINDS);
  const { policy, maxAgeMs = 120 } = options;
  checkPolicy(policy, where);
  check(
    maxAgeMs > 0 && Number.isFinite(maxAgeMs),
    'BAD_ARGUMENT',
    () => `${where}: maxAgeMs must be milliseconds above 0, got ${maxAgeMs}; leave it out for 120`,
  );
  const { threshold = 0.5, minArea } = takeOptions(options, where);
  const smoothing = takeSmoothing(where, options.smoothing);
  const look = takeLook(where, options.paint ?? {}, threshold);
  return { threshold, ...(minArea !== undefined && { minArea }), maxAgeMs, smoothing, look };
}

function takeSmoothing(where: string, given: LiveOptions['smoothing'] = false): Required<Smoothing> {
  if (typeof given === 'boolean') return given ? USUAL : UNSMOOTHED;
  checkOptions(`${where}: smoothing`, given, { share: 'number', appear: 'number', vanish: 'number' });
  const smoothing = { ...USUAL, ...given };
  const { share, appear, vanish } = smoothing;
  const right = share > 0 && share <= 1 && isCount(appear) && isCount(vanish);
  check(
    right,
    'BAD_ARGUMENT',
    () =>
      `${where}: smoothing must have a share within 0 and 1 and whole numbers from 1 of frames, got ${JSON.stringify(smoothing)}; ` +
      'pass true for the usual ones',
  );
  return smoothing;
}

const isCount = (value: number): boolean => Number.isInteger(value) && value >= 1;

function takeLook(where: string, paint: NonNullable<LiveOptions['paint']>, threshold: number): OverlayLook {
  checkOptions(`${where}: paint`, paint, PAINT);
  const { colour = [86, 180, 233], opacity = 0.5, outline = 2 } = paint;
  const right =
    colour.length === 3 &&
    colour.every(part => part >= 0 && part <= 255) &&
    opacity >= 0 &&
    opacity <= 1 &&
    outline >= 0;
  check(
    right,
    'BAD_ARGUMENT',
    () =>
      `${where}: paint must have a colour of three numbers to 255, an opacity within 0 and 1 and an outline from 0, ` +
      `got ${JSON.stringify(paint)}; leave out what is to be as usual`,
  );
  const [red, green, blue] = colour;
  return { threshold, color: [red / 255, green / 255, blue / 255], fill: opacity, outline };
}
