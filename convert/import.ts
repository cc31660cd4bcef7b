// Checkpoints of other projects into a model folder.

import { basename } from 'node:path';
import { throwIfAborted } from '../errors/index.js';
import { show } from '../errors/show.js';
import { checkFinite } from '../formats/model-folder/index.js';
import { type LazyTensor, tensorOf, toFloat32, WIDTH } from '../formats/safetensors/index.js';
import type { Shape } from '../graph/graph.js';
import type { NetworkConfig } from '../networks/config.js';
import { Network } from '../networks/network.js';
import { keepInputs } from '../node/keep-inputs.js';
import { checkModelTarget, writeModelFolder } from '../node/model-folder/model-writer.js';
import { initialParameter } from '../train/parameters/initial-parameters.js';
import { openCheckpoint, some } from './checkpoint.js';
import type { ConventionId } from './names.js';
import { networkConfig } from './network-config.js';
import { findParts, type Part, partsByKind } from './parts.js';
import { type ImportPlan, type Mapped, planImport } from './plan.js';
import { checkVocabulary, readVocabulary } from './vocabulary.js';

export interface ImportOptions {
  /** Checkpoints: safetensors files, indices of shards, folders with either. */
  readonly files: readonly string[];
  /** The model folder to make. */
  readonly out: string;
  /** A config.json of the network, for what tensors do not tell; or Hugging Face's of the text encoder. */
  readonly config?: string | undefined;
  /** vocab.txt or tokenizer.json; if not given, the one beside the text encoder's file. */
  readonly vocab?: string | undefined;
  /** The seed of what is initialised; 0 if not given. */
  readonly seed?: number | undefined;
  /** name@version of this package, for the manifest. */
  readonly package: string;
  readonly signal?: AbortSignal | undefined;
  /** After each tensor that is written. */
  readonly onTensor?: ((done: number, total: number) => void) | undefined;
}

export interface ImportedPart {
  readonly part: Part['part'];
  readonly file: string;
  readonly convention: ConventionId | 'tmca';
  readonly prefix: string;
  readonly tensors: number;
}

export interface ImportResult {
  readonly out: string;
  readonly config: NetworkConfig<'tmca'>;
  readonly parts: readonly ImportedPart[];
  readonly mapped: readonly { readonly name: string; readonly from: string; readonly file: string }[];
  readonly initialised: readonly string[];
  readonly seed: number;
  readonly leftOver: ImportPlan['leftOver'];
  /** Path of the vocabulary; null where the folder has none. */
  readonly vocab: string | null;
  readonly bytes: number;
  readonly warnings: readonly string[];
}

/**
 * Makes a model folder from checkpoints of the encoders (and of the decoder, from a checkpoint of the reference): names
 * mapped, shapes brought to the network's, numbers as they are (F16 and BF16 widened to F32, F64 rounded), what no file has initialised.
 *
 * @throws TmcaError of the files (FILE_NOT_FOUND, FILE_UNREADABLE, SAFETENSORS_INVALID, UNSUPPORTED), of what is in them
 *   (MODEL_INCOMPLETE, MODEL_MISMATCH, MODEL_NOT_FINITE, CONFIG_INVALID, VOCABULARY_INVALID), BAD_ARGUMENT,
 *   OUTPUT_NOT_WRITABLE, ABORTED. Nothing is left behind.
 * @example
 * await importCheckpoints({ files: ['convnext/model.safetensors', 'bert/'], out: 'model', package: 'tmca-edge@0.1.0' });
 */
export async function importCheckpoints(options: ImportOptions): Promise<ImportResult> {
  const { files, out, signal, seed = 0 } = options;
  await checkModelTarget(out, 'import');
  await keepInputs('import', { folder: out }, [...files, options.config, options.vocab]);
  const checkpoints = [];
  for (const file of files) checkpoints.push(await openCheckpoint(file, signal));
  const parts = partsByKind(checkpoints.flatMap(findParts));
  const warnings: string[] = [];
  for (const encoder of ['image', 'text'] as const)
    if (!parts.has(encoder)) warnings.push(`no file has the ${encoder} encoder: it is initialised, not pretrained`);
  const vocab = await readVocabulary(options.vocab, parts.get('text'), warnings);
  const config = await networkConfig(parts, { path: options.config, vocab }, warnings);
  if (vocab) checkVocabulary(vocab, config);
  const shapes = Network.of(config).parameters;
  const plan = planImport([...parts.values()], shapes);
  const wide = plan.mapped.filter(({ tensor }) => tensor.dtype === 'F64');
  if (wide.length > 0) warnings.push(`F64 is rounded to F32: ${some(wide.map(({ from }) => show(from)))}`);
  throwIfAborted(signal, 'import');
  const written = await writeModelFolder(
    out,
    { config, vocab: vocab?.bytes ?? null, tensors: tensorsOf(plan, shapes, seed, options) },
    // base names: where the files lay says more of a machine than of the model
    {
      package: options.package,
      extra: { imported: sources(parts).map(each => ({ ...each, file: basename(each.file) })) },
    },
    'import',
  );
  return {
    out,
    config,
    parts: sources(parts).map(source => ({
      ...source,
      tensors: plan.mapped.filter(({ name }) => partOf(name) === source.part).length,
    })),
    mapped: plan.mapped.map(({ name, from, tensor }) => ({ name, from, file: tensor.file })),
    initialised: plan.initialised,
    seed,
    leftOver: plan.leftOver,
    vocab: vocab?.path ?? null,
    bytes: written['model.safetensors']!.bytes,
    warnings,
  };
}

/** Which part of the network a parameter belongs to. */
export const partOf = (name: string): Part['part'] =>
  name.startsWith('image_encoder.') ? 'image' : name.startsWith('text_encoder.') ? 'text' : 'decoder';

const sources = (parts: ReadonlyMap<Part['part'], Part>) =>
  [...parts.values()].map(({ part, convention, prefix, checkpoint }) => ({
    part,
    file: checkpoint.path,
    convention: (convention?.id ?? 'tmca') as ConventionId | 'tmca',
    prefix,
  }));

/** Each parameter in the network's order, from its file or from the seed. */
function tensorsOf(
  plan: ImportPlan,
  shapes: ReadonlyMap<string, Shape>,
  seed: number,
  { signal, onTensor }: ImportOptions,
): LazyTensor[] {
  const mapped = new Map(plan.mapped.map(each => [each.name, each]));
  let done = 0;
  const load = async (name: string): Promise<Uint8Array> => {
    throwIfAborted(signal, 'import');
    const source = mapped.get(name);
    const values = source ? await valuesOf(source, signal) : initialParameter(name, shapes, seed);
    onTensor?.(++done, shapes.size);
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  };
  return [...shapes].map(([name, shape]) => ({ name, dtype: 'F32', shape, load: () => load(name) }));
}

/** A parameter's numbers as F32; rows of the file's tensor beyond the parameter's shape are not looked at. */
async function valuesOf(
  { from: name, shape, tensor: { dtype, read } }: Mapped,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const count = shape.reduce((product, dim) => product * dim, 1);
  const bytes = (await read(signal)).subarray(0, count * WIDTH[dtype]);
  const tensor = dtype === 'F64' ? tensorOf(name, shape, roundedF64(bytes)) : { name, dtype, shape, bytes };
  checkFinite(name, tensor);
  return toFloat32(tensor);
}

/** Little-endian doubles, rounded; what is beyond F32 becomes an infinity. */
function roundedF64(bytes: Uint8Array): Float32Array<ArrayBuffer> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 8 }, (_, i) => view.getFloat64(8 * i, true));
}
