// A model folder that is not written yet: sessions open it as they would open its files.

import { createHash } from 'node:crypto';
import type { FolderIo } from '../../formats/model-folder/index.js';
import {
  type ByteSource,
  memorySource,
  type SafetensorsTensor,
  safetensorsChunks,
} from '../../formats/safetensors/index.js';
import { type Config, configToJson } from '../../networks/config.js';

export interface FolderContent {
  readonly config: Config;
  readonly vocab: Uint8Array | null;
  readonly tensors: readonly SafetensorsTensor[];
}

/** Every location is this folder. */
export function memoryFolder({ config, vocab, tensors }: FolderContent): FolderIo {
  const json = new TextEncoder().encode(JSON.stringify(configToJson(config)));
  const files: Readonly<Record<string, () => ByteSource>> = {
    'config.json': () => memorySource(json, 'config.json'),
    ...(vocab && { 'vocab.txt': () => memorySource(vocab, 'vocab.txt') }),
    'model.safetensors': () => chunkSource([...safetensorsChunks(tensors)], 'model.safetensors'),
  };
  return {
    folder: () => ({ open: async name => files[name]?.() ?? null }),
    sha256() {
      const hash = createHash('sha256');
      return { update: bytes => hash.update(bytes), hex: () => hash.digest('hex') };
    },
  };
}

/** As `memorySource`, of bytes in pieces: a large model is not put together a second time. */
const chunkSource = (chunks: readonly Uint8Array[], name: string): ByteSource => ({
  name,
  size: chunks.reduce((sum, chunk) => sum + chunk.length, 0),
  async *stream() {
    yield* chunks;
  },
  close: async () => {},
});
