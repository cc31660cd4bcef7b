// What a model's file holds meets what a precision wants: which parameters run as whole numbers, which f16 cannot hold, and
// the stream that brings them as the plans expect them. What int8 needs is imported when wanted.

import type { SafetensorsHeader } from '../../formats/safetensors/index.js';
import type { ParameterStream } from '../../formats/weights/load-constants.js';
import type { GpuDevice } from '../../gpu/device.js';
import type { Config } from '../../networks/config.js';
import type { DTypeChoice } from '../types.js';
import { choosePrecision, type PrecisionChoice } from './choice.js';

export interface StoredWeights {
  readonly precision: PrecisionChoice;
  readonly parameters: ParameterStream;
}

/** Names of the parameters that a file stores as whole numbers. */
export const int8Names = ({ tensors }: SafetensorsHeader): ReadonlySet<string> =>
  new Set([...tensors].filter(([, { dtype }]) => dtype === 'I8').map(([name]) => name));

/** Matrices that a folder of lower precision keeps in F32. */
const wideNames = ({ tensors }: SafetensorsHeader): ReadonlySet<string> =>
  new Set([...tensors].filter(([, { dtype, shape }]) => dtype === 'F32' && shape.length >= 2).map(([name]) => name));

/** Whether `tmca quantize` found activations that f16 cannot hold. */
export const hasWideActivations = (config: Config): boolean => config.extra.activations === 'fp32';

/**
 * An int8 file runs int8 with the numbers that it has, a float file with numbers made while it streams; at other precisions
 * int8 parameters are real numbers.
 *
 * @param header the file's; null where parameters are computed
 */
export async function storedWeights(
  config: Config,
  header: SafetensorsHeader | null,
  precision: PrecisionChoice,
  stream: ParameterStream,
): Promise<StoredWeights> {
  const stored = header ? int8Names(header) : new Set<string>();
  const wide = header && config.dtype !== 'fp32' ? wideNames(header) : undefined;
  if (precision.dtype !== 'int8' && stored.size === 0) return { precision: { ...precision, wide }, parameters: stream };
  const { checkedScales, int8Parameters, quantizedStream, realStream } = await import('../../formats/weights/int8.js');
  if (precision.dtype !== 'int8') return { precision: { ...precision, wide }, parameters: realStream(stream, stored) };
  const { int8Passes } = await import('../../graph/passes/int8.js');
  const chosen = () => new Set([...int8Parameters(config)].filter(name => !wide?.has(name)));
  // An int8 folder has said which: what it holds as floats was kept so.
  const asStored = stored.size > 0 || config.dtype === 'int8';
  const whole = asStored ? stored : chosen();
  const parameters = asStored ? checkedScales(stream, whole) : quantizedStream(stream, whole);
  return { precision: { ...precision, wide, int8: int8Passes(whole) }, parameters };
}

/** The stream with every parameter as real numbers: for what runs or writes no whole numbers. @param header as above */
export async function realParameters(
  header: SafetensorsHeader | null,
  stream: ParameterStream,
): Promise<ParameterStream> {
  const stored = header ? int8Names(header) : new Set<string>();
  return stored.size === 0 ? stream : (await import('../../formats/weights/int8.js')).realStream(stream, stored);
}

/** The precision of a model on a device. */
export const precisionOn = ({ features }: GpuDevice, dtype: DTypeChoice, config: Config): PrecisionChoice =>
  choosePrecision(dtype, config.dtype, features.f16, hasWideActivations(config));

/** Precision and parameters of a folder, or of computed ones where there is no header, on a device. */
export function weightsOf(
  config: Config,
  header: SafetensorsHeader | null,
  stream: ParameterStream,
  dtype: DTypeChoice,
  gpu: GpuDevice,
): Promise<StoredWeights> {
  return storedWeights(config, header, precisionOn(gpu, dtype, config), stream);
}
