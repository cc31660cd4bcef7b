// Inputs of `tmca inspect …`: tensors of a safetensors file by name.

import { check } from '../errors/index.js';
import { show } from '../errors/show.js';
import { openSafetensors, type SafetensorsTensor, toFloat32 } from '../formats/safetensors/index.js';
import type { ForwardInputs, TrainingInputs } from '../node/index.js';
import { openFile } from './inputs.js';

/** The file, and the command that reads it, for messages. */
interface Source {
  readonly where: string;
  readonly path: string;
}

/** `image`, and `ids` and `mask` where the file has them: which a network takes is checked with it. Errors: BAD_ARGUMENT, those of the file. */
export async function readForwardInputs(source: Source, signal: AbortSignal): Promise<ForwardInputs> {
  return forwardInputs(await readTensors(source, ['image'], signal), source);
}

/** As `readForwardInputs`, and `target`. Errors: BAD_ARGUMENT, those of the file. */
export async function readTrainingInputs(source: Source, signal: AbortSignal): Promise<TrainingInputs> {
  const found = await readTensors(source, ['image', 'target'], signal);
  const target = found.get('target')!;
  // Masks are written as bytes as often as as floats.
  const data = FLOATS.includes(target.dtype) ? toFloats(target, source) : toIntegers(target, source);
  return { ...forwardInputs(found, source), target: { shape: target.shape, data } };
}

function forwardInputs(found: ReadonlyMap<string, SafetensorsTensor>, source: Source): ForwardInputs {
  const image = found.get('image')!;
  const texts = TEXTS.flatMap(name => {
    const tensor = found.get(name);
    return tensor ? [[name, { shape: tensor.shape, data: toIntegers(tensor, source) }] as const] : [];
  });
  return { image: { shape: image.shape, data: toFloats(image, source) }, ...Object.fromEntries(texts) };
}

const TEXTS = ['ids', 'mask'] as const;

/** The tensors that must be there, and those of a text that are. */
async function readTensors(
  { where, path }: Source,
  wanted: readonly string[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, SafetensorsTensor>> {
  const file = await openSafetensors(await openFile(path, `${where}: the inputs`), { signal });
  const found = new Map<string, SafetensorsTensor>();
  // Goldens hold outputs as well; only the inputs are kept.
  const kept: readonly string[] = [...wanted, ...TEXTS];
  for await (const tensor of file.tensors()) if (kept.includes(tensor.name)) found.set(tensor.name, tensor);
  const missing = wanted.filter(name => !found.has(name));
  const list = wanted.join(' and ');
  const message = `${where}: ${path} must hold ${list}, got no ${missing.join(', no ')}; add it`;
  check(missing.length === 0, 'BAD_ARGUMENT', message);
  return found;
}

const FLOATS = ['F32', 'F16', 'BF16'];

function toFloats(tensor: SafetensorsTensor, { where, path }: Source): Float32Array {
  const { name, dtype } = tensor;
  const message = `${where}: ${name} must be F32, F16 or BF16, got ${dtype} in ${path}; convert it`;
  check(FLOATS.includes(dtype), 'BAD_ARGUMENT', message);
  return toFloat32(tensor);
}

/** Bytes and a `DataView` method of each integer type. */
const READERS: Partial<Record<string, [number, (view: DataView, at: number) => number]>> = {
  U8: [1, (view, at) => view.getUint8(at)],
  BOOL: [1, (view, at) => view.getUint8(at)],
  I32: [4, (view, at) => view.getInt32(at, true)],
  I64: [8, (view, at) => Number(view.getBigInt64(at, true))],
};

function toIntegers({ name, dtype, bytes }: SafetensorsTensor, { where, path }: Source): Int32Array {
  const reader = READERS[dtype];
  const message = `${where}: ${show(name)} must be I32, I64, U8 or BOOL, got ${dtype} in ${path}; convert it`;
  check(reader, 'BAD_ARGUMENT', message);
  const [width, read] = reader;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Array.from({ length: bytes.length / width }, (_, i) => read(view, i * width));
  const stray = values.find(value => value !== (value | 0));
  check(stray === undefined, 'BAD_ARGUMENT', `${where}: ${show(name)} must fit 32 bits, got ${stray} in ${path}`);
  return Int32Array.from(values);
}
