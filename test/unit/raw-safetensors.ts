// Files that the package's own writer would refuse to write.

import { expect } from 'vitest';
import { type ErrorCode, TmcaError } from '../../errors/index.js';

/** A safetensors file from the text (or bytes) of its header and the number of zero bytes of data after it. */
export function rawFile(header: string | Uint8Array, dataBytes = 0, claimedLength?: bigint): Uint8Array<ArrayBuffer> {
  const json = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, claimedLength ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

/** Text of one header entry. */
export const entry = (name: string, dtype: string, shape: string, offsets: string) =>
  `${JSON.stringify(name)}:{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

/** The TmcaError that `action` ends in, its code checked. */
export async function failure(code: ErrorCode, action: () => unknown): Promise<TmcaError> {
  try {
    await action();
  } catch (error) {
    if (!(error instanceof TmcaError)) throw error;
    expect(error.code, error.message).toBe(code);
    return error;
  }
  throw new Error(`expected ${code}, got no error`);
}
