// The head of a safetensors file: 8 bytes of length (u64, little-endian), that many bytes of JSON, then the tensors' data,
// each tensor beginning where the one before ends. Everything that the head promises is checked here, before any tensor is
// allocated. Format: https://huggingface.co/docs/safetensors/index#format

import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { parseJson } from '../json.js';
import { countElements, isDType, type SafetensorsDType, WIDTH } from './dtypes.js';

/** Bytes that hold the header's length. */
export const PREFIX_BYTES = 8;
/** As in the format's own reader. */
export const MAX_HEADER_BYTES = 100_000_000;

export interface TensorInfo {
  readonly dtype: SafetensorsDType;
  readonly shape: readonly number[];
  /** First byte, and the byte after the last, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  /** By name, in file order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Offset in the file at which the data begins, and its length. */
  readonly dataStart: number;
  readonly dataBytes: number;
}

/** A complaint: the rule that must hold (its words are stable), what was found, and in which tensor. */
type Fail = (rule: string, got: string, tensor?: string) => TmcaError;

const failure =
  (where: string): Fail =>
  (rule, got, tensor) =>
    new TmcaError(
      'SAFETENSORS_INVALID',
      `parseHeader: ${where}: ${tensor === undefined ? '' : `tensor ${show(tensor)}: `}${rule}, got ${got}; ` +
        'the file is damaged or no safetensors file: fetch or write it again',
    );

/**
 * Length of the JSON header, from a file's first 8 bytes.
 *
 * @param fileSize Bytes of the whole file; undefined where a server does not say.
 * @param where The file's name, for messages.
 * @throws TmcaError SAFETENSORS_INVALID.
 */
export function readHeaderLength(prefix: Uint8Array, fileSize: number | undefined, where: string): number {
  const fail = failure(where);
  if (prefix.length < PREFIX_BYTES) throw fail('a file must have at least 8 bytes', `${prefix.length}`);
  const view = new DataView(prefix.buffer, prefix.byteOffset, PREFIX_BYTES);
  // the high word is worth 2^32 each: anything there is over the limit, and rounding does not matter
  const length = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  if (length > MAX_HEADER_BYTES) throw fail(`a header must have at most ${MAX_HEADER_BYTES} bytes`, `${length}`);
  if (fileSize !== undefined && PREFIX_BYTES + length > fileSize) {
    throw fail('the header must fit in the file', `a header of ${length} bytes in a file of ${fileSize}`);
  }
  return length;
}

/**
 * Reads and checks the head of a safetensors file.
 *
 * @param bytes The file's beginning, at least to the end of the header.
 * @param fileSize Bytes of the whole file; undefined where a server does not say (then the stream's end is checked).
 * @param where The file's name, for messages.
 * @throws TmcaError SAFETENSORS_INVALID, naming the file, the tensor and the broken rule.
 * @example
 * const { tensors } = parseHeader(bytes, bytes.length, 'model.safetensors');
 */
export function parseHeader(bytes: Uint8Array, fileSize: number | undefined, where: string): SafetensorsHeader {
  const fail = failure(where);
  const length = readHeaderLength(bytes, fileSize, where);
  const dataStart = PREFIX_BYTES + length;
  if (bytes.length < dataStart) throw fail('the header must be complete', `${bytes.length} of ${dataStart} bytes`);
  const entries = Object.entries(parseObject(bytes.subarray(PREFIX_BYTES, dataStart), fail));
  const metadata = parseMetadata(entries.find(([name]) => name === '__metadata__')?.[1], fail);
  const tensors = entries
    .filter(([name]) => name !== '__metadata__')
    .map(([name, entry]): [string, TensorInfo] => [name, parseTensor(name, entry, fail)])
    .sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  const dataBytes = checkContiguous(tensors, fileSize === undefined ? undefined : fileSize - dataStart, fail);
  return { tensors: new Map(tensors), metadata, dataStart, dataBytes };
}

function parseObject(json: Uint8Array, fail: Fail): object {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(json);
  } catch {
    throw fail('the header must be valid UTF-8', `${json.length} bytes that are not`);
  }
  if (!text.startsWith('{')) throw fail('the header must be a JSON object', show(text.slice(0, 40)));
  const result = parseJson(text);
  if ('value' in result) return result.value as object;
  if (result.problem === 'duplicate') throw fail('no name may occur twice', show(result.detail), result.detail);
  if (result.problem === 'excess') throw fail('the header must be of bounded size', result.detail);
  throw fail('the header must be JSON', show(result.detail));
}

function parseMetadata(metadata: unknown, fail: Fail): Readonly<Record<string, string>> {
  if (metadata === undefined) return Object.create(null) as Record<string, string>;
  const isMap = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  if (!isMap || !Object.values(metadata).every(value => typeof value === 'string')) {
    throw fail('__metadata__ must map text to text', show(metadata));
  }
  // no prototype, so that a look-up finds what the file says and nothing else
  return Object.assign(Object.create(null), metadata) as Record<string, string>;
}

function parseTensor(name: string, entry: unknown, fail: Fail): TensorInfo {
  // a lone surrogate has no UTF-8, so such a name could not be written back
  if (/\p{Surrogate}/u.test(name)) throw fail('names must be well-formed Unicode', show(name), name);
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
    throw fail('an entry must be an object', show(entry), name);
  }
  for (const key of ['dtype', 'shape', 'data_offsets']) {
    if (!Object.hasOwn(entry, key)) throw fail('an entry must have dtype, shape and data_offsets', `no ${key}`, name);
  }
  const { dtype, shape, data_offsets: offsets } = entry as Record<string, unknown>;
  if (!isDType(dtype)) throw fail(`dtype must be one of ${Object.keys(WIDTH).join(', ')}`, show(dtype), name);
  if (!Array.isArray(shape)) throw fail('shape must be a list', show(shape), name);
  const elements = countElements(shape);
  if ('broken' in elements) throw fail(elements.broken, elements.got, name);
  const bytes = elements.count * WIDTH[dtype];
  if (!Number.isSafeInteger(bytes)) throw fail('the number of bytes must be below 2^53', show(shape), name);
  const [begin, end] = parseOffsets(offsets, name, fail);
  if (end - begin !== bytes) {
    throw fail(
      'data_offsets must span shape x dtype',
      `${end - begin} bytes for ${show(shape)} ${dtype} (${bytes})`,
      name,
    );
  }
  return { dtype, shape: shape as number[], begin, end };
}

function parseOffsets(offsets: unknown, name: string, fail: Fail): [number, number] {
  const isPair = Array.isArray(offsets) && offsets.length === 2;
  if (!isPair || !offsets.every(offset => Number.isSafeInteger(offset) && offset >= 0 && !Object.is(offset, -0))) {
    throw fail('data_offsets must be two whole numbers from 0 to 2^53 - 1', show(offsets), name);
  }
  const [begin, end] = offsets as [number, number];
  if (begin > end) throw fail('data_offsets must not be reversed', show(offsets), name);
  return [begin, end];
}

/** The data's length: tensors (sorted by offset) follow each other from 0 to the end of the file. */
function checkContiguous(tensors: [string, TensorInfo][], available: number | undefined, fail: Fail): number {
  let cursor = 0;
  for (const [name, { begin, end }] of tensors) {
    if (available !== undefined && end > available) {
      throw fail('data_offsets must lie within the file', `an end at ${end} in ${available} bytes of data`, name);
    }
    if (begin > cursor && cursor === 0) throw fail('the first tensor must begin at 0', `${begin}`, name);
    if (begin > cursor) throw fail('tensors must leave no gap', `a begin at ${begin} after an end at ${cursor}`, name);
    if (begin < cursor) throw fail('tensors must not overlap', `a begin at ${begin} before an end at ${cursor}`, name);
    cursor = end;
  }
  if (available !== undefined && cursor < available) {
    throw fail('the file must end with the last tensor', `${available - cursor} trailing bytes`);
  }
  return cursor;
}
