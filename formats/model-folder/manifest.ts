// manifest.json: length and SHA-256 of a folder's files, and the source that holds a file to them.

import { TmcaError } from '../../errors/index.js';
import { show } from '../../errors/show.js';
import { isObject } from '../json.js';
import type { ByteSource } from '../safetensors/index.js';
import type { Hash } from './hash.js';

export interface ManifestEntry {
  readonly bytes: number;
  /** 64 hexadecimal digits, lower case. */
  readonly sha256: string;
}

/** By name. */
export type ManifestFiles = ReadonlyMap<string, ManifestEntry>;

export interface Manifest {
  readonly files: ManifestFiles;
  /** The other keys ("package", "created", …), as they came. */
  readonly extra: Readonly<Record<string, unknown>>;
}

const mismatch = (where: string, rule: string, got: string) =>
  new TmcaError('MANIFEST_MISMATCH', `openModelFolder: ${where}: ${rule}, got ${got}; fetch or write the folder again`);

function entryOf(value: unknown): ManifestEntry | undefined {
  if (!isObject(value)) return undefined;
  const { bytes, sha256 } = value;
  const isLength = Number.isSafeInteger(bytes) && (bytes as number) >= 0;
  const isHash = typeof sha256 === 'string' && /^[0-9a-f]{64}$/i.test(sha256);
  return isLength && isHash ? { bytes: bytes as number, sha256: sha256.toLowerCase() } : undefined;
}

/**
 * Checks the parsed content of a manifest.json.
 *
 * @throws TmcaError MANIFEST_MISMATCH, naming the entry.
 */
export function parseManifest(json: unknown, where: string): Manifest {
  const files = isObject(json) && Object.hasOwn(json, 'files') ? json.files : undefined;
  if (!isObject(json) || !isObject(files)) {
    throw mismatch(where, 'a manifest must be an object with "files"', show(json));
  }
  const entries = Object.entries(files).map(([name, value]): [string, ManifestEntry] => {
    const entry = entryOf(value);
    if (entry) return [name, entry];
    throw mismatch(where, `${show(name)} must have "bytes" and "sha256" (64 hexadecimal digits)`, show(value));
  });
  const extra = Object.fromEntries(Object.entries(json).filter(([key]) => key !== 'files'));
  return { files: new Map(entries), extra };
}

export interface VerifiedSource extends ByteSource {
  /** SHA-256 of the file as it was streamed; null until a stream has come to its end. */
  digest(): string | null;
}

/**
 * The same file, hashed as it streams. With an `expected` entry, said `by` whom, its length is checked now and its hash when the stream
 * ends: MANIFEST_MISMATCH. There is no random access, which no hash would cover.
 */
export function verifiedSource(
  source: ByteSource,
  expected: ManifestEntry | undefined,
  newHash: () => Hash,
  by = 'the manifest',
): VerifiedSource {
  let digest: string | null = null;
  const checkLength = (bytes: number) => {
    if (expected && bytes !== expected.bytes) {
      throw mismatch(source.name, `${by} says ${expected.bytes} bytes`, `${bytes}`);
    }
  };
  if (source.size !== undefined) checkLength(source.size);
  return {
    name: source.name,
    // a length from the manifest lets the header be checked against it even where the server does not say
    size: source.size ?? expected?.bytes,
    close: () => source.close(),
    digest: () => digest,
    async *stream(signal) {
      const hash = newHash();
      let bytes = 0;
      let into: Uint8Array | undefined;
      const chunks = source.stream(signal)[Symbol.asyncIterator]();
      try {
        for (let next = await chunks.next(); !next.done; next = await chunks.next(into)) {
          bytes += next.value.length;
          if (expected && bytes > expected.bytes) checkLength(bytes);
          hash.update(next.value);
          into = yield next.value;
        }
      } finally {
        await chunks.return?.();
      }
      checkLength(bytes);
      digest = hash.hex();
      if (expected && digest !== expected.sha256) {
        throw mismatch(source.name, `${by} says SHA-256 ${expected.sha256}`, digest);
      }
      await source.verified?.(digest);
    },
  };
}
