// `tmca inspect forward`: what every part of a network gives for inputs from a file.

import { basename, dirname } from 'node:path';
import { check } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { writeFileAtomic } from '../../runtime/node/files.js';
import type { ForwardInputs } from '../../runtime/node/index.js';
import {
  openSafetensors,
  type SafetensorsTensor,
  safetensorsChunks,
  tensorOf,
  toFloat32,
} from '../../runtime/safetensors/index.js';
import type { Context } from '../context.js';
import { openFile } from '../inputs.js';
import type { NetworkOptions } from '../options.js';
import { prepareFolder } from '../outputs.js';

export interface InspectForwardOptions extends NetworkOptions {
  readonly inputs: string;
  readonly out: string;
  readonly fill: boolean;
  readonly json?: boolean;
}

export async function inspectForward(model: string, options: InspectForwardOptions, context: Context): Promise<void> {
  const { console, engine, io } = context;
  const inputs = await readInputs(options.inputs, io.signal);
  await prepareFolder(dirname(options.out), 'inspect forward');
  const { device, dtype, fill } = options;
  const loading = console.loading(basename(model));
  const onProgress = loading.report;
  const run = await engine
    .inspectForward(model, inputs, { device, dtype, fill, signal: io.signal, onProgress })
    .finally(loading.end);
  const tensors = Object.entries(run.outputs).map(([name, { shape, data }]) => tensorOf(name, shape, data));
  await writeFileAtomic(options.out, safetensorsChunks(tensors));
  const outputs = tensors.map(({ name, shape }) => ({ name, shape }));
  const { info, dispatches } = run;
  const result = {
    out: options.out,
    outputs,
    dispatches,
    device: info.device,
    dtype: info.dtype,
    adapter: info.adapter,
  };
  const lines = outputs.map(({ name, shape }) => `  ${name} [${shape.join(', ')}]`);
  await (options.json ? console.json(result) : console.print([`${options.out}:`, ...lines].join('\n')));
}

const FLOATS = ['F32', 'F16', 'BF16'];

async function readInputs(path: string, signal: AbortSignal): Promise<ForwardInputs> {
  const source = await openFile(path, 'inspect forward: the inputs');
  const file = await openSafetensors(source, { signal });
  const found = new Map<string, SafetensorsTensor>();
  const wanted = ['image', 'ids', 'mask'];
  // Goldens hold outputs as well; only the inputs are kept.
  for await (const tensor of file.tensors()) if (wanted.includes(tensor.name)) found.set(tensor.name, tensor);
  const missing = wanted.filter(name => !found.has(name));
  const message = `inspect forward: ${path} must hold image, ids and mask, got no ${missing.join(', no ')}; add it`;
  check(missing.length === 0, 'BAD_ARGUMENT', message);
  const image = found.get('image')!;
  const float = FLOATS.includes(image.dtype);
  check(
    float,
    'BAD_ARGUMENT',
    `inspect forward: image must be F32, F16 or BF16, got ${image.dtype} in ${path}; convert it`,
  );
  return {
    image: { shape: image.shape, data: toFloat32(image) },
    ids: { shape: found.get('ids')!.shape, data: toIntegers(found.get('ids')!, path) },
    mask: { shape: found.get('mask')!.shape, data: toIntegers(found.get('mask')!, path) },
  };
}

/** Bytes and a `DataView` method of each integer type. */
const READERS: Partial<Record<string, [number, (view: DataView, at: number) => number]>> = {
  U8: [1, (view, at) => view.getUint8(at)],
  BOOL: [1, (view, at) => view.getUint8(at)],
  I32: [4, (view, at) => view.getInt32(at, true)],
  I64: [8, (view, at) => Number(view.getBigInt64(at, true))],
};

function toIntegers({ name, dtype, bytes }: SafetensorsTensor, path: string): Int32Array {
  const reader = READERS[dtype];
  const message = `inspect forward: ${show(name)} must be I32, I64, U8 or BOOL, got ${dtype} in ${path}; convert it`;
  check(reader, 'BAD_ARGUMENT', message);
  const [width, read] = reader;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const values = Array.from({ length: bytes.length / width }, (_, i) => read(view, i * width));
  const stray = values.find(value => value !== (value | 0));
  check(
    stray === undefined,
    'BAD_ARGUMENT',
    `inspect forward: ${show(name)} must fit 32 bits, got ${stray} in ${path}`,
  );
  return Int32Array.from(values);
}
