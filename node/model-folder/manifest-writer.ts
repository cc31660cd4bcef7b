// manifest.json of files that are being written: their lengths and SHA-256, taken as their bytes pass by.

import { createHash } from 'node:crypto';

/** The files of a model folder. */
export const MODEL_FILES: readonly string[] = ['config.json', 'model.safetensors', 'vocab.txt', 'manifest.json'];

export interface FileEntry {
  readonly bytes: number;
  readonly sha256: string;
}

/** A value as a file of JSON. */
export const jsonBytes = (value: unknown): Uint8Array<ArrayBuffer> =>
  new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/**
 * @example
 * const manifest = new ManifestWriter();
 * await writeFileAtomic('out/config.json', manifest.record('config.json', [bytes]));
 * await writeFileAtomic('out/manifest.json', manifest.bytes({ package: 'tmca-edge@0.1.0', created }));
 */
export class ManifestWriter {
  /** By name, of those whose last chunk has gone by. */
  readonly files: Record<string, FileEntry> = {};

  /** The chunks as they come. */
  async *record(name: string, chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of chunks) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
    this.files[name] = { bytes, sha256: hash.digest('hex') };
  }

  /** The manifest's text. @param head its keys before "files" */
  bytes(head: Readonly<Record<string, unknown>>): Uint8Array<ArrayBuffer> {
    return jsonBytes({ ...head, files: this.files });
  }
}
