// Float32 masters of a model folder, for training: what it was quantized from where that is there, else its own numbers.

import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { type ModelFolder, openModelFolder } from '../../formats/model-folder/index.js';
import type { TensorInfo } from '../../formats/safetensors/index.js';
import { realStream } from '../../formats/weights/int8.js';
import { scaleName } from '../../graph/scale-name.js';
import { int8Names } from '../../runtime/engines/stored-weights.js';
import { nodeIo } from './folder.js';

/** The manifest's key for what a folder was quantized from. */
export const QUANTIZED = 'quantized';
/** The same key, as earlier versions wrote it. */
const QUANTIZED_BEFORE = 'quantised';

const Origin = v.object({
  from: v.object({ sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)), folder: v.string() }),
});

export interface Masters {
  readonly folder: ModelFolder;
  /** What a user should know of where the numbers come from; null for a float32 folder. */
  readonly note: string | null;
}

/**
 * Opens a model folder to train on. A quantized one gives way to the folder that its manifest names, if that is still there
 * and its weights have the hash that the manifest says; else its own numbers are taken, int8 as the real numbers that they
 * mean. The configuration is that of a float32 model.
 *
 * Errors: those of `openModelFolder`; the stream: MODEL_NOT_FINITE.
 *
 * @example
 * const { folder, note } = await openMasters('nano-int8');
 */
export async function openMasters(location: string): Promise<Masters> {
  const folder = await openModelFolder(location, nodeIo);
  const kept = folder.manifest?.extra;
  const origin = v.safeParse(Origin, kept?.[QUANTIZED] ?? kept?.[QUANTIZED_BEFORE]);
  const rounded = folder.config.dtype !== 'fp32' || int8Names(folder.weights.header).size > 0;
  if (!rounded && !origin.success) return { folder, note: null };
  const own = () => ({
    folder: realFolder(folder),
    note: `${location} is ${folder.config.dtype}: training starts from its rounded weights`,
  });
  if (!origin.success) return own();
  const { sha256, folder: path } = origin.output.from;
  const source = placeFrom(location, path);
  const missing = await whyNot(source, sha256);
  if (missing !== null) {
    const { folder: real, note } = own();
    return { folder: real, note: `${note}, since ${missing}` };
  }
  const masters = await openModelFolder(source, nodeIo);
  await folder.close();
  return { folder: realFolder(masters), note: `${location} was quantized from ${source}: training starts from that` };
}

/** The manifest's path, seen from where the manifest is. */
function placeFrom(location: string, path: string): string {
  if (isAbsolute(path) || /^https?:\/\//i.test(path)) return path;
  if (/^https?:\/\//i.test(location)) return new URL(path, location.replace(/\/*$/, '/')).href;
  return join(/^file:\/\//i.test(location) ? fileURLToPath(location) : location, path);
}

/** Null where the folder is there and holds those weights. */
async function whyNot(source: string, sha256: string): Promise<string | null> {
  const file = await nodeIo
    .folder(source, {})
    .open('model.safetensors')
    .catch(() => null);
  if (!file) return `the folder that it was quantized from, ${source}, is not there`;
  const hash = nodeIo.sha256();
  try {
    for await (const chunk of file.stream()) hash.update(chunk);
  } catch {
    return `the folder that it was quantized from, ${source}, cannot be read`;
  } finally {
    await file.close();
  }
  return hash.hex() === sha256 ? null : `${source}, which it was quantized from, holds other weights now`;
}

/** The same folder as a float32 one: int8 parameters under their own names alone, as F32. */
function realFolder(folder: ModelFolder): ModelFolder {
  const { weights, config } = folder;
  const whole = int8Names(weights.header);
  const scales = new Set([...whole].map(scaleName));
  const tensors = [...weights.header.tensors].flatMap(([name, info]): [string, TensorInfo][] => {
    if (scales.has(name)) return [];
    return [[name, whole.has(name) ? { ...info, dtype: 'F32' } : info]];
  });
  const { activations: _, ...extra } = config.extra;
  return {
    ...folder,
    config: { ...config, dtype: 'fp32', extra },
    weights: {
      ...weights,
      header: { ...weights.header, tensors: new Map(tensors) },
      tensors: async function* () {
        yield* realStream(weights, whole).tensors();
      },
    },
  };
}
