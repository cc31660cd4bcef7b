// An encoder of a model folder as a checkpoint in another project's names: the tables of import, read the other way.

import { check } from '../errors/index.js';
import { show } from '../errors/show.js';
import { checkFinite, checkTensors, type ModelFolder, openModelFolder } from '../formats/model-folder/index.js';
import { type SafetensorsTensor, safetensorsStream, tensorOf, toFloat32 } from '../formats/safetensors/index.js';
import type { ParameterStream } from '../formats/weights/load-constants.js';
import { Network } from '../networks/network.js';
import { writeFileAtomic } from '../node/disk/files.js';
import { keepInputs } from '../node/keep-inputs.js';
import { nodeIo } from '../node/model-folder/folder.js';
import { choosePrecision } from '../runtime/engines/choice.js';
import { storedWeights } from '../runtime/engines/stored-weights.js';
import { CONVENTIONS, type Convention, type ConventionId, namesIn, PREFIX } from './names.js';

export interface ExportOptions {
  /** A model folder: path or address. */
  readonly model: string;
  readonly as: ConventionId;
  /** The safetensors file to write. */
  readonly out: string;
  readonly signal?: AbortSignal | undefined;
  readonly onTensor?: ((done: number, total: number) => void) | undefined;
}

export interface ExportResult {
  readonly out: string;
  readonly as: ConventionId;
  readonly encoder: 'image' | 'text';
  /** What was written, by the network's names. */
  readonly tensors: readonly { readonly name: string; readonly to: string }[];
}

/**
 * Writes one encoder's parameters as F32 under a convention's names and in its shapes. `importCheckpoints` of the file gives
 * the same numbers back.
 *
 * @throws TmcaError as `openModelFolder` and `checkTensors`, OUTPUT_NOT_WRITABLE, ABORTED. Nothing is left behind.
 */
export async function exportCheckpoint(options: ExportOptions): Promise<ExportResult> {
  const { model, as, out, signal, onTensor } = options;
  await keepInputs('exportCheckpoint', { files: [out] }, [model]);
  const convention: Convention = CONVENTIONS[as];
  const folder = await openModelFolder(model, nodeIo, { ...(signal ? { signal } : {}) });
  try {
    const shapes = Network.of(folder.config).parameters;
    const { header } = folder.weights;
    checkTensors(header, shapes, `${model}/model.safetensors`);
    const names = namesIn(convention, shapes.keys());
    // In the order of the folder's file, which is a stream.
    const wanted = [...header.tensors.keys()].filter(name => names.has(name));
    const stream = await realTensors(folder);
    const early = new Map<string, SafetensorsTensor>();
    let done = 0;
    const load = async (name: string): Promise<Uint8Array> => {
      const tensor = await nextNamed(stream, name, early, names);
      checkFinite(name, tensor);
      onTensor?.(++done, wanted.length);
      return tensorOf(name, tensor.shape, toFloat32(tensor)).bytes;
    };
    const prefix = PREFIX[convention.encoder];
    const tensors = wanted.map(name => ({
      name: names.get(name)!,
      dtype: 'F32' as const,
      shape: convention.shape(name.slice(prefix.length), shapes.get(name)!),
      load: () => load(name),
    }));
    await writeFileAtomic(out, toItsEnd(safetensorsStream(tensors, { format: 'pt' }), stream));
    return { out, as, encoder: convention.encoder, tensors: wanted.map(name => ({ name, to: names.get(name)! })) };
  } finally {
    await folder.close();
  }
}

/** The rest of the stream is read too: the manifest's hash is compared at its end, and the file takes its name only then. */
async function* toItsEnd(
  chunks: AsyncIterable<Uint8Array>,
  stream: AsyncIterable<unknown>,
): AsyncGenerator<Uint8Array> {
  yield* chunks;
  for await (const _ of stream);
}

/** The folder's parameters as real numbers, whatever it stores: int8 ones times their scales. */
async function realTensors({ config, weights }: ModelFolder): Promise<AsyncGenerator<SafetensorsTensor, void>> {
  const stream: ParameterStream = { tensors: () => weights.tensors() };
  const { parameters } = await storedWeights(config, weights.header, FLOAT, stream);
  return (async function* () {
    yield* parameters.tensors();
  })();
}

const FLOAT = choosePrecision('fp32', 'fp32', false);

/** The next tensor of that name; those that come before it are kept for their turn (an int8 one waits for its scales). */
async function nextNamed(
  stream: AsyncGenerator<SafetensorsTensor, void>,
  name: string,
  early: Map<string, SafetensorsTensor>,
  wanted: ReadonlyMap<string, string>,
): Promise<SafetensorsTensor> {
  for (;;) {
    const kept = early.get(name);
    early.delete(name);
    if (kept) return kept;
    const { value } = await stream.next();
    check(value, 'INTERNAL', () => `exportCheckpoint: the stream must hold ${show(name)}, got its end`);
    if (wanted.has(value.name)) early.set(value.name, value);
  }
}
