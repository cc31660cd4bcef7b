// A checkpoint on disk as one set of named tensors: a safetensors file, the shards that an index names, or a folder with
// either. Headers are read and checked at once; a tensor's bytes when they are asked for.

import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { check, TmcaError } from '../errors/index.js';
import { show } from '../errors/show.js';
import { isObject, parseJson } from '../formats/json.js';
import { type ByteSource, openSafetensors, readAll, type TensorInfo } from '../formats/safetensors/index.js';
import { diskSource } from '../node/disk/files.js';
import { convertTorch, foreignFile, foreignWeights, refuseForeignFile } from './foreign-files.js';

export interface CheckpointTensor extends Pick<TensorInfo, 'dtype' | 'shape'> {
  readonly file: string;
  /** Little-endian, row-major. @throws TmcaError FILE_UNREADABLE, ABORTED */
  read(signal?: AbortSignal): Promise<Uint8Array>;
}

export interface Checkpoint {
  /** As the user named it. */
  readonly path: string;
  /** Where its config.json and vocab.txt would be. */
  readonly folder: string;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

const INDEX = 'model.safetensors.index.json';
const MAX_INDEX_BYTES = 64 << 20;

/**
 * Opens a checkpoint.
 *
 * @param path A .safetensors file, a `model.safetensors.index.json`, or a folder that holds one of the two.
 * @throws TmcaError FILE_NOT_FOUND, FILE_UNREADABLE, SAFETENSORS_INVALID, MODEL_INCOMPLETE (a shard or a tensor of the index
 *   is not there), MODEL_MISMATCH (a tensor that the index does not know or has elsewhere), UNSUPPORTED (PyTorch and other formats), ABORTED
 */
export async function openCheckpoint(path: string, signal?: AbortSignal): Promise<Checkpoint> {
  const file = await fileOf(path, signal);
  const [, count = '1'] = /-\d+-of-(\d+)\.safetensors$/.exec(file) ?? [];
  check(
    Number(count) <= 1,
    'MODEL_INCOMPLETE',
    `import: all shards of a checkpoint must be given, got ${file}, one of ${Number(count)}; give ${INDEX} or the folder`,
  );
  const tensors = file.endsWith('.json') ? await openShards(file, signal) : await openFile(file, signal);
  check(
    tensors.size > 0,
    'MODEL_INCOMPLETE',
    `import: ${path} must hold tensors, got none; give the checkpoint's own file`,
  );
  return { path, folder: dirname(file), tensors };
}

/** The file that a path stands for. @throws TmcaError FILE_NOT_FOUND; UNSUPPORTED, where the weights are there in another format */
async function fileOf(path: string, signal?: AbortSignal): Promise<string> {
  const found = await stat(path).catch(() => null);
  if (!found?.isDirectory()) return path;
  const names = await readdir(path);
  const file = ['model.safetensors', INDEX].find(name => names.includes(name));
  if (file) return join(path, file);
  const rule = `import: a folder must hold model.safetensors or ${INDEX}, got`;
  const others = names.filter(name => name.endsWith('.safetensors'));
  const weights = foreignWeights(names);
  if (others.length === 0 && weights !== undefined) {
    const foreign = await foreignFile(await open(join(path, weights)), signal);
    if (foreign)
      throw new TmcaError('UNSUPPORTED', `${rule} ${show(weights)}, ${foreign.name}, in ${path}; ${foreign.advice}`);
    others.push(weights);
  }
  throw new TmcaError(
    'FILE_NOT_FOUND',
    `${rule} ${others.length > 0 ? some(others.map(show)) : 'neither'} in ${path}; name the file itself`,
  );
}

async function open(path: string, what = 'a checkpoint'): Promise<ByteSource> {
  const source = await diskSource(path);
  if (source) return source;
  throw new TmcaError('FILE_NOT_FOUND', `import: ${what} must exist, got no file ${path}; check the path`);
}

async function openFile(path: string, signal?: AbortSignal): Promise<Map<string, CheckpointTensor>> {
  const source = await open(path);
  await refuseForeignFile(source, signal);
  const file = await openSafetensors(source, { ...(signal ? { signal } : {}) });
  const { dataStart, tensors } = file.header;
  await file.close();
  return new Map(
    [...tensors].map(([name, { dtype, shape, begin, end }]) => [
      name,
      { dtype, shape, file: path, read: inner => source.read!(dataStart + begin, end - begin, inner) },
    ]),
  );
}

/** Hugging Face's index: {"metadata": {"total_size"}, "weight_map": {tensor: file}}. */
async function openShards(path: string, signal?: AbortSignal): Promise<Map<string, CheckpointTensor>> {
  const map = await readIndex(path, signal);
  const tensors = new Map<string, CheckpointTensor>();
  const shards = [...new Set(map.values())];
  for (const shard of shards) {
    const inShard = await openFile(join(dirname(path), shard), signal);
    for (const [name, tensor] of inShard) {
      const where = map.get(name);
      check(
        where === shard,
        'MODEL_MISMATCH',
        () =>
          `import: ${path} must say where each tensor is, got ${show(name)} in ${show(shard)} and ${where === undefined ? 'not in the index' : `${show(where)} in the index`}; fetch the checkpoint again`,
      );
      tensors.set(name, tensor);
    }
  }
  const missing = [...map].filter(([name]) => !tensors.has(name)).map(([name, shard]) => `${show(name)} of ${shard}`);
  check(
    missing.length === 0,
    'MODEL_INCOMPLETE',
    () =>
      `import: ${path}: every tensor of the index must be in its shard, got none for ${some(missing)}; fetch the shards again`,
  );
  return tensors;
}

async function readIndex(path: string, signal?: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const source = await open(path);
  const fail = (rule: string, got: string) =>
    new TmcaError(
      'SAFETENSORS_INVALID',
      `import: ${path}: ${rule}, got ${got}; fetch the index of the checkpoint again`,
    );
  if (source.size! > MAX_INDEX_BYTES)
    throw fail(`an index must have at most ${MAX_INDEX_BYTES} bytes`, `${source.size}`);
  const result = parseJson(new TextDecoder().decode(await readAll(source, signal)));
  if (!('value' in result))
    throw fail('an index must be JSON with each key once', `${result.problem}: ${show(result.detail)}`);
  const { value } = result;
  const map = isObject(value) && Object.hasOwn(value, 'weight_map') ? value.weight_map : undefined;
  if (!isObject(map)) throw fail('an index must be an object with "weight_map"', show(value));
  const entries = Object.entries(map);
  if (entries.length === 0) throw fail('weight_map must name tensors', 'none');
  const torch = [...new Set(Object.values(map))].filter(
    shard => typeof shard === 'string' && /^[^/\\]+\.bin$/.test(shard),
  );
  if (torch.length > 0) {
    const files = (torch as string[]).map(shard => join(dirname(path), shard));
    throw new TmcaError(
      'UNSUPPORTED',
      `import: ${path} must map tensors to .safetensors files, got PyTorch's, such as ${show(torch[0])}; ` +
        convertTorch(files, join(dirname(path), 'model.safetensors')),
    );
  }
  for (const [name, shard] of entries) {
    // no paths: a shard lies beside its index
    if (typeof shard !== 'string' || !/^[^/\\]+\.safetensors$/.test(shard))
      throw fail('weight_map must map tensors to .safetensors files beside it', `${show(shard)} for ${show(name)}`);
  }
  return new Map(entries as [string, string][]);
}

/** The first few of many, for messages. */
export function some(items: readonly string[], most = 6): string {
  return items.length <= most ? items.join(', ') : `${items.slice(0, most).join(', ')} and ${items.length - most} more`;
}
