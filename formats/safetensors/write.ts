// Writes safetensors files.

import { check } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { countElements, type SafetensorsDType, type SafetensorsTensor, WIDTH } from './dtypes.js';
import { PREFIX_BYTES } from './header.js';
import { concatenate } from './source.js';

type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigInt64Array;

function dtypeOf(data: NumberArray): SafetensorsDType {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Float64Array) return 'F64';
  if (data instanceof Int8Array) return 'I8';
  if (data instanceof Int16Array) return 'I16';
  if (data instanceof Int32Array) return 'I32';
  if (data instanceof Uint16Array) return 'U16';
  if (data instanceof Uint32Array) return 'U32';
  if (data instanceof BigInt64Array) return 'I64';
  return 'U8';
}

/** A tensor over a typed array's own memory, with the dtype of that array. */
export function tensorOf(name: string, shape: readonly number[], data: NumberArray): SafetensorsTensor {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return { name, dtype: dtypeOf(data), shape, bytes };
}

/**
 * A safetensors file, piece by piece: the head, then each tensor's own bytes, not copied. Wider elements come first (else
 * in the order given) and the header is padded to 8 bytes, so every tensor is aligned in the file.
 *
 * @throws TmcaError BAD_ARGUMENT: a name twice or reserved, a length that is not shape x dtype, metadata that is not text.
 */
export function* safetensorsChunks(
  tensors: Iterable<SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array, void, undefined> {
  const ordered = [...tensors].sort((a, b) => WIDTH[b.dtype] - WIDTH[a.dtype]);
  const head = encodeHead(ordered, metadata);
  for (const tensor of ordered) checkLength(tensor, tensor.bytes.length);
  yield head;
  for (const tensor of ordered) yield tensor.bytes;
}

/** A tensor whose bytes are made when their turn comes, so that a file larger than memory can be written. */
export interface LazyTensor extends Omit<SafetensorsTensor, 'bytes'> {
  load(): Promise<Uint8Array>;
}

/**
 * As `safetensorsChunks`, one tensor in memory at a time. Errors: as there, and what `load` throws.
 *
 * @example
 * await writeFileAtomic('model.safetensors', safetensorsStream(lazyTensors, { format: 'pt' }));
 */
export async function* safetensorsStream(
  tensors: Iterable<LazyTensor>,
  metadata: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const ordered = [...tensors].sort((a, b) => WIDTH[b.dtype] - WIDTH[a.dtype]);
  yield encodeHead(ordered, metadata);
  for (const tensor of ordered) {
    const bytes = await tensor.load();
    checkLength(tensor, bytes.length);
    yield bytes;
  }
}

/**
 * A whole safetensors file in memory; see `safetensorsChunks` for the order and the errors.
 *
 * @example
 * const bytes = encodeSafetensors([tensorOf('image', [3, 2, 2], new Float32Array(12))], { format: 'pt' });
 */
export function encodeSafetensors(
  tensors: Iterable<SafetensorsTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  return concatenate([...safetensorsChunks(tensors, metadata)]);
}

type Entry = Omit<SafetensorsTensor, 'bytes'>;

function encodeHead(tensors: readonly Entry[], metadata: Readonly<Record<string, string>>): Uint8Array {
  const entries = new Map<string, unknown>();
  for (const [key, value] of Object.entries(metadata)) {
    check(
      typeof value === 'string',
      'BAD_ARGUMENT',
      () => `encodeSafetensors: metadata must be text, got ${show(value)} for ${show(key)}; convert it`,
    );
  }
  if (Object.keys(metadata).length > 0) entries.set('__metadata__', metadata);
  let end = 0;
  for (const tensor of tensors) {
    const begin = end;
    end += checkEntry(tensor, entries);
    entries.set(tensor.name, { dtype: tensor.dtype, shape: tensor.shape, data_offsets: [begin, end] });
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.length / 8) * 8;
  const head = new Uint8Array(PREFIX_BYTES + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(json, PREFIX_BYTES);
  return head;
}

const complain = ({ name }: Entry, rule: string, got: string) =>
  `encodeSafetensors: tensor ${show(name)}: ${rule}, got ${got}; give what the format can hold`;

/** Its length in bytes. */
function checkEntry(tensor: Entry, before: ReadonlyMap<string, unknown>): number {
  const nameable = tensor.name !== '__metadata__' && !/\p{Surrogate}/u.test(tensor.name);
  check(nameable, 'BAD_ARGUMENT', () => complain(tensor, 'a name must be Unicode and not reserved', show(tensor.name)));
  check(!before.has(tensor.name), 'BAD_ARGUMENT', () => complain(tensor, 'no name may occur twice', show(tensor.name)));
  return byteLength(tensor);
}

function byteLength(tensor: Entry): number {
  const elements = countElements(tensor.shape);
  check('count' in elements, 'BAD_ARGUMENT', () =>
    complain(tensor, (elements as { broken: string }).broken, show(tensor.shape)),
  );
  return elements.count * WIDTH[tensor.dtype];
}

function checkLength(tensor: Entry, length: number): void {
  const bytes = byteLength(tensor);
  check(length === bytes, 'BAD_ARGUMENT', () =>
    complain(tensor, 'bytes must be shape x dtype', `${length} for ${show(tensor.shape)} ${tensor.dtype} (${bytes})`),
  );
}
